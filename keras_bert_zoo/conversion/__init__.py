"""Checkpoints of one format made into those of another, tensor by tensor. TensorFlow-only."""

from keras_bert_zoo.conversion.convert import Conversion, convert
from keras_bert_zoo.conversion.in_memory import write_google, write_keras_hub
from keras_bert_zoo.conversion.vocabulary import resize

__all__ = ["Conversion", "convert", "resize", "write_google", "write_keras_hub"]

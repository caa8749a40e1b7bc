"""Checkpoints of one format made into those of another, tensor by tensor. TensorFlow-only."""

from keras_bert_zoo.conversion.convert import Conversion, convert, write_google
from keras_bert_zoo.conversion.vocabulary import resize

__all__ = ["Conversion", "convert", "resize", "write_google"]

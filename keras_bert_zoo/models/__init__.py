"""Architectures and task models: functional ``keras.Model``s, dict in, dict out."""

from keras_bert_zoo.models.bert import BertEncoder
from keras_bert_zoo.models.pretraining import PretrainingModel
from keras_bert_zoo.models.replaced_tokens import ReplacedTokenDetector, ReplacedTokenModel
from keras_bert_zoo.models.sequence_classification import SequenceClassifier

__all__ = [
    "BertEncoder",
    "PretrainingModel",
    "ReplacedTokenDetector",
    "ReplacedTokenModel",
    "SequenceClassifier",
]

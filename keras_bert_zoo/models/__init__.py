"""Architectures and task models: functional ``keras.Model``s, dict in, dict out."""

import functools
from collections.abc import Callable

import keras

from keras_bert_zoo.models.bert import BertEncoder
from keras_bert_zoo.models.extractive_summarization import ExtractiveSummarizer
from keras_bert_zoo.models.multiple_choice import MultipleChoice
from keras_bert_zoo.models.next_sentence import NextSentencePredictor
from keras_bert_zoo.models.pretraining import PretrainingModel
from keras_bert_zoo.models.question_answering import QuestionAnswerer
from keras_bert_zoo.models.replaced_tokens import ReplacedTokenDetector, ReplacedTokenModel
from keras_bert_zoo.models.sentence_embedding import SentenceEmbedder, SentenceSets
from keras_bert_zoo.models.sequence_classification import SequenceClassifier
from keras_bert_zoo.models.token_classification import TokenClassifier

# What puts the head of a task on an encoder; a model names its task itself.
TASKS: dict[str, Callable[..., keras.Model]] = {
    "sequence_classification": SequenceClassifier,
    "token_classification": TokenClassifier,
    "question_answering": QuestionAnswerer,
    "multiple_choice": MultipleChoice,
    "extractive_summarization": ExtractiveSummarizer,
    "masked_lm": functools.partial(PretrainingModel, next_sentence=False),
    "next_sentence": NextSentencePredictor,
    "pretraining": PretrainingModel,
    "replaced_tokens": ReplacedTokenDetector,
    "sentence_embedding": SentenceEmbedder,
}

__all__ = [
    "TASKS",
    "BertEncoder",
    "ExtractiveSummarizer",
    "MultipleChoice",
    "NextSentencePredictor",
    "PretrainingModel",
    "QuestionAnswerer",
    "ReplacedTokenDetector",
    "ReplacedTokenModel",
    "SentenceEmbedder",
    "SentenceSets",
    "SequenceClassifier",
    "TokenClassifier",
]

"""Architectures and task models: functional ``keras.Model``s, dict in, dict out."""

import functools
from collections.abc import Callable

import keras

from keras_bert_zoo.models.bert import BertEncoder
from keras_bert_zoo.models.causal_lm import CausalLM
from keras_bert_zoo.models.deberta import DebertaEncoder
from keras_bert_zoo.models.decoder import Decoder
from keras_bert_zoo.models.encoder import Encoder
from keras_bert_zoo.models.encoder_decoder import EncoderDecoder, encoder_decoder_of
from keras_bert_zoo.models.encoders import ENCODERS, encoder_of
from keras_bert_zoo.models.extractive_summarization import ExtractiveSummarizer
from keras_bert_zoo.models.mobilebert import MobileBertEncoder
from keras_bert_zoo.models.modernbert import ModernBertEncoder
from keras_bert_zoo.models.multiple_choice import MultipleChoice
from keras_bert_zoo.models.next_sentence import NextSentencePredictor
from keras_bert_zoo.models.pretraining import PretrainingModel
from keras_bert_zoo.models.question_answering import QuestionAnswerer
from keras_bert_zoo.models.replaced_tokens import ReplacedTokenDetector, ReplacedTokenModel
from keras_bert_zoo.models.sentence_embedding import SentenceEmbedder, SentenceSets
from keras_bert_zoo.models.sequence_classification import SequenceClassifier
from keras_bert_zoo.models.token_classification import TokenClassifier
from keras_bert_zoo.models.transformer import TransformerEncoder
from keras_bert_zoo.models.writer import Writer

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

# Models that write, by their task.
WRITERS: dict[str, type[Writer]] = {
    "causal_lm": CausalLM,
    "seq2seq": EncoderDecoder,
}

__all__ = [
    "ENCODERS",
    "TASKS",
    "WRITERS",
    "BertEncoder",
    "CausalLM",
    "DebertaEncoder",
    "Decoder",
    "Encoder",
    "EncoderDecoder",
    "ExtractiveSummarizer",
    "MobileBertEncoder",
    "ModernBertEncoder",
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
    "TransformerEncoder",
    "Writer",
    "encoder_decoder_of",
    "encoder_of",
]

"""Unigram tokenizers. TensorFlow-only."""

from keras_bert_zoo.tokenizers.unigram.source import UnigramOptions, UnigramSource
from keras_bert_zoo.tokenizers.unigram.tokenizer import UnigramTokenizer

__all__ = ["UnigramOptions", "UnigramSource", "UnigramTokenizer"]

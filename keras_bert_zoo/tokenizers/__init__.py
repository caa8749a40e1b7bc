"""Strings to token ids inside the graph, identical to the published tokenizer.

TensorFlow-only.
"""

from keras_bert_zoo.tokenizers.byte_bpe import ByteBpeOptions, ByteBpeTokenizer
from keras_bert_zoo.tokenizers.loading import load_tokenizer
from keras_bert_zoo.tokenizers.options import TokenizerError, TokenizerOptions, WordPieceOptions
from keras_bert_zoo.tokenizers.tokenizer import Tokenizer
from keras_bert_zoo.tokenizers.wordpiece import WordPieceTokenizer

__all__ = [
    "ByteBpeOptions",
    "ByteBpeTokenizer",
    "Tokenizer",
    "TokenizerError",
    "TokenizerOptions",
    "WordPieceOptions",
    "WordPieceTokenizer",
    "load_tokenizer",
]

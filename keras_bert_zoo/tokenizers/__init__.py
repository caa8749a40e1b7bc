"""Strings to token ids inside the graph, identical to the published tokenizer.

TensorFlow-only.
"""

from keras_bert_zoo.tokenizers.byte_bpe import ByteBpeOptions, ByteBpeTokenizer
from keras_bert_zoo.tokenizers.loading import load_tokenizer
from keras_bert_zoo.tokenizers.options import TokenizerError, TokenizerOptions
from keras_bert_zoo.tokenizers.tokenizer import Tokenizer
from keras_bert_zoo.tokenizers.unigram import UnigramOptions, UnigramTokenizer
from keras_bert_zoo.tokenizers.wordpiece import WordPieceTokenizer
from keras_bert_zoo.tokenizers.wordpiece_options import WordPieceOptions

__all__ = [
    "ByteBpeOptions",
    "ByteBpeTokenizer",
    "Tokenizer",
    "TokenizerError",
    "TokenizerOptions",
    "UnigramOptions",
    "UnigramTokenizer",
    "WordPieceOptions",
    "WordPieceTokenizer",
    "load_tokenizer",
]

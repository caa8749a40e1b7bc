"""Strings to token ids inside the graph, identical to the published tokenizer.

TensorFlow-only.
"""

from keras_bert_zoo.tokenizers.options import TokenizerError, TokenizerOptions
from keras_bert_zoo.tokenizers.wordpiece import WordPieceTokenizer

__all__ = ["TokenizerError", "TokenizerOptions", "WordPieceTokenizer"]

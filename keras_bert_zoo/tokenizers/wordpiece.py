"""The WordPiece tokenizer of BERT, inside the graph. TensorFlow-only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from keras_bert_zoo.tokenizers import decoding
from keras_bert_zoo.tokenizers.source import TokenizerSource
from keras_bert_zoo.tokenizers.tokenizer import Tokenizer
from keras_bert_zoo.tokenizers.wordpiece_files import WordPieceFiles
from keras_bert_zoo.tokenizers.wordpiece_options import WordPieceOptions
from keras_bert_zoo.tokenizers.wordpiece_segmenter import WordPieceSegmenter


class WordPieceTokenizer(Tokenizer[WordPieceOptions]):
    """Strings to the ids of a BERT model, token for token as ``BertTokenizerFast``.

    >>> tokenizer = WordPieceTokenizer.from_directory("path/to/checkpoint")
    >>> batch = tokenizer(["A text.", "Another one."], padding=True)
    >>> dataset.batch(32).map(lambda text: tokenizer(text, padding=True, truncation=True))

    Args:
        vocabulary: tokens in the order of their ids.
        **options: the fields of ``WordPieceOptions``.

    Raises:
        TokenizerError: duplicate tokens, a special token that the vocabulary lacks, or a
            wrong option.
    """

    files = WordPieceFiles()

    def __init__(self, vocabulary: Sequence[str], **options: Any) -> None:
        source = TokenizerSource(vocabulary, WordPieceOptions(**options))
        super().__init__(source, WordPieceSegmenter(source), source.options.parts)

    @classmethod
    def from_source(cls, source: TokenizerSource[WordPieceOptions]) -> Self:
        """Makes the tokenizer of what its files hold."""
        return cls(source.words, **vars(source.options))

    def continues(self) -> np.ndarray:
        """Which tokens go on with the word of the token before, bool ``(vocab_size,)``."""
        return np.array([token.startswith(decoding.PREFIX) for token in self.vocabulary])

    def text_of(self, tokens: Sequence[str], clean_up: bool) -> str:
        """Joins word pieces to a text."""
        return decoding.join(tokens, clean_up)

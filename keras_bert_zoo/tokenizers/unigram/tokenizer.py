"""The Unigram tokenizer of XLM-R, ALBERT and DeBERTa-v3, inside the graph. TensorFlow-only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from keras_bert_zoo.tokenizers.tokenizer import Tokenizer
from keras_bert_zoo.tokenizers.unigram import decoding
from keras_bert_zoo.tokenizers.unigram.files import UnigramFiles
from keras_bert_zoo.tokenizers.unigram.segmenter import UnigramSegmenter
from keras_bert_zoo.tokenizers.unigram.source import UnigramOptions, UnigramSource


class UnigramTokenizer(Tokenizer[UnigramOptions]):
    """Strings to the ids of a model, token for token as ``tokenizers`` with a Unigram model.

    >>> tokenizer = UnigramTokenizer.from_directory("path/to/checkpoint")
    >>> batch = tokenizer(["A text.", "Another one."], padding=True)

    Args:
        source: the vocabulary, the steps and the options.

    Raises:
        TokenizerError: a step is not supported.
    """

    files = UnigramFiles()

    def __init__(self, source: UnigramSource) -> None:
        super().__init__(source, UnigramSegmenter(source.pipeline), source.template)
        self._decoder = source.pipeline.decoder

    @classmethod
    def from_source(cls, source: UnigramSource) -> Self:
        """Makes the tokenizer of what its files hold."""
        return cls(source)

    def text_of(self, tokens: Sequence[str], clean_up: bool) -> str:
        """Joins tokens to a text."""
        return decoding.join(tokens, self._decoder, clean_up)

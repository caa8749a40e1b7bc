"""The byte-level BPE tokenizer of RoBERTa, inside the graph. TensorFlow-only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from keras_bert_zoo.tokenizers.byte_bpe import alphabet
from keras_bert_zoo.tokenizers.byte_bpe.files import ByteBpeFiles
from keras_bert_zoo.tokenizers.byte_bpe.segmenter import ByteBpeSegmenter
from keras_bert_zoo.tokenizers.byte_bpe.source import ByteBpeOptions, ByteBpeSource, Merge
from keras_bert_zoo.tokenizers.tokenizer import Tokenizer


class ByteBpeTokenizer(Tokenizer[ByteBpeOptions]):
    """Strings to the ids of a RoBERTa model, token for token as ``RobertaTokenizerFast``.

    >>> tokenizer = ByteBpeTokenizer.from_directory("path/to/checkpoint")
    >>> batch = tokenizer(["A text.", "Another one."], padding=True)

    Args:
        vocabulary: tokens in the order of their ids.
        merges: pairs of tokens that become one, the first to be merged first.
        **options: the fields of ``ByteBpeOptions``.

    Raises:
        TokenizerError: duplicate tokens, merges of tokens that the vocabulary lacks, a
            special token that it lacks, or a wrong option.
    """

    files = ByteBpeFiles()

    def __init__(self, vocabulary: Sequence[str], merges: Sequence[Merge], **options: Any) -> None:
        source = ByteBpeSource(vocabulary, merges, ByteBpeOptions(**options))
        super().__init__(source, ByteBpeSegmenter(source), source.options.parts)

    @classmethod
    def from_source(cls, source: ByteBpeSource) -> Self:
        """Makes the tokenizer of what its files hold."""
        return cls(source.words, source.merges, **vars(source.options))

    def text_of(self, tokens: Sequence[str], clean_up: bool) -> str:
        """Joins tokens to a text; they hold its spaces, so that there is nothing to clean up."""
        del clean_up
        return alphabet.text_of(tokens)

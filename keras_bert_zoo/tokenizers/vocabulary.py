"""The tokens of a tokenizer, and ids back to text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic

import numpy as np
import tensorflow as tf

from keras_bert_zoo.tokenizers.options import TokenizerError
from keras_bert_zoo.tokenizers.source import Options, TokenizerSource


class Vocabulary(tf.Module, Generic[Options]):
    """Tokens, their ids, and texts of ids.

    Args:
        source: the vocabulary and the options; an attribute too, of which another tokenizer can
            be made.
    """

    def __init__(self, source: TokenizerSource[Options]) -> None:
        super().__init__()
        # Inside an object that TensorFlow does not track: wrapping 100,000 strings is slow.
        self.source = source

    def text_of(self, tokens: Sequence[str], clean_up: bool) -> str:
        """Joins tokens to a text; each kind has its own."""
        raise NotImplementedError

    def decode(
        self,
        ids: Any,
        skip_special_tokens: bool = False,
        clean_up_tokenization_spaces: bool | None = None,
    ) -> str:
        """Joins the tokens of one sequence of ids to a text.

        Args:
            ids: integers: a list, an array or an eager tensor of rank 1.
            skip_special_tokens: leave special tokens out.
            clean_up_tokenization_spaces: remove spaces before punctuation; ``None`` means
                as in the tokenizer's options. Byte-level tokens keep their spaces.

        Raises:
            TokenizerError: an id outside the vocabulary, or not one sequence of integers.
        """
        values = np.asarray(ids)
        if values.ndim != 1 or not (values.size == 0 or np.issubdtype(values.dtype, np.integer)):
            raise TokenizerError(
                f"ids must be one sequence of integers, received shape {values.shape} of "
                f"{values.dtype}; use batch_decode for several"
            )
        clean_up = clean_up_tokenization_spaces
        if clean_up is None:
            clean_up = self.options.clean_up_tokenization_spaces
        skipped = self.options.skipped if skip_special_tokens else ()
        tokens = (self.vocabulary[index] for index in self._checked(values.tolist()))
        return self.text_of([token for token in tokens if token not in skipped], clean_up)

    def _checked(self, ids: list[int]) -> list[int]:
        outside = [index for index in ids if not 0 <= index < self.vocab_size]
        if outside:
            raise TokenizerError(
                f"ids must be in [0, {self.vocab_size}), received {outside[:5]}. Replace the "
                "values that mark ignored positions, such as -100, before decoding."
            )
        return ids

    def batch_decode(self, sequences: Any, **kwargs: Any) -> list[str]:
        """Decodes each row of a list, array, tensor or ragged tensor; see ``decode``."""
        return [self.decode(row, **kwargs) for row in sequences]

    def continues(self) -> np.ndarray:
        """Which tokens go on with the word of the token before, bool ``(vocab_size,)``.

        Raises:
            TokenizerError: of this kind of tokenizer a token does not tell.
        """
        raise TokenizerError(
            f"The tokens of a {type(self).__name__} do not tell whether they begin a word, as "
            "those of a WordPieceTokenizer do, and this needs to know. Use a checkpoint with one."
        )

    @property
    def options(self) -> Options:
        """The choices of this tokenizer."""
        return self.source.options

    @property
    def words(self) -> tuple[str, ...]:
        """The vocabulary of the model: tokens in the order of their ids."""
        return self.source.words

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """Tokens in the order of their ids, added ones included."""
        return self.source.vocabulary

    @property
    def vocab_size(self) -> int:
        """Number of tokens, added ones included."""
        return len(self.vocabulary)

    @property
    def model_max_length(self) -> int:
        """The longest sequence, in tokens."""
        return self.options.model_max_length

    @property
    def unk_token_id(self) -> int:
        """Id of the token of what the vocabulary cannot spell."""
        return self.source.ids[self.options.unk_token]

    @property
    def sep_token_id(self) -> int:
        """Id of the token after each text."""
        return self.source.ids[self.options.sep_token]

    @property
    def pad_token_id(self) -> int:
        """Id of the token that fills a batch."""
        return self.source.ids[self.options.pad_token]

    @property
    def cls_token_id(self) -> int:
        """Id of the token before the first text."""
        return self.source.ids[self.options.cls_token]

    @property
    def mask_token_id(self) -> int:
        """Id of the token of masked-language modelling."""
        return self.source.ids[self.options.mask_token]

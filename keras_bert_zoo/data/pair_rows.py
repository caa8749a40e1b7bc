"""Texts and what is to be written of them, tokenised, as rows with two sides.

TensorFlow-only. ``N`` is the number of rows, ``B`` of those in a batch, ``S`` the width of its
texts and ``T`` that of what is written.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from keras_bert_zoo.data.examples import Examples
from keras_bert_zoo.data.rows import INPUTS, EncodedTexts, Rows, Width, encode

WRITES = "decoder_"
_WRITTEN = (f"{WRITES}input_ids", f"{WRITES}attention_mask")
# What a model has written, beside the `logits` that it learns by.
TOKENS = "tokens"


@dataclasses.dataclass(frozen=True, kw_only=True)
class PairRows(Rows):
    """Rows for an ``EncoderDecoder``.

    The decoder reads ``start`` and what is to be written, and is to say at each place the token
    that follows: what is to be written and its end.

    Args:
        written: what is to be written, each with its end; ``None`` of rows that are only asked.
        start: id before what is written.
    """

    written: EncodedTexts | None = None
    start: int = 0

    @property
    def answered(self) -> EncodedTexts:
        """The tokens to be written."""
        return self.encoded if self.written is None else self.written

    @property
    def names(self) -> tuple[str, ...]:
        """Of the inputs of both sides."""
        return INPUTS if self.written is None else (*INPUTS, *_WRITTEN)

    @functools.cached_property
    def lengths(self) -> np.ndarray:
        """Tokens of both sides ``(N, 2)``; without what is to be written ``(N,)``."""
        if self.written is None:
            return self.encoded.lengths
        return np.stack([self.encoded.lengths, self.written.lengths], axis=1)

    @property
    def row_tokens(self) -> np.ndarray:
        """Tokens of both sides together, ``(N,)``."""
        return self.lengths.reshape(len(self), -1).sum(axis=1)

    @functools.cached_property
    def read_before(self) -> np.ndarray:
        """What the decoder reads at the place of each token to be written, int32 ``(tokens,)``."""
        return shifted(self.answered.input_ids, self.answered.lengths, self.start)

    def inputs(self, rows: np.ndarray, width: Width) -> dict[str, np.ndarray]:
        """The model's inputs for some rows, int32 ``(B, S)`` and ``(B, T)``."""
        if self.written is None:
            return self.encoded.padded(rows, int(np.max(width)))
        reads, writes = map(int, np.broadcast_to(width, 2))
        ids, mask = _WRITTEN
        written = self.written
        return {
            **self.encoded.padded(rows, reads),
            ids: written.spread(self.read_before, rows, writes, written.pad_token_id),
            mask: written.padded(rows, writes)["attention_mask"],
        }

    def targets(
        self, rows: np.ndarray, width: Width
    ) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """The tokens to be written ``(B, T)``, and weights."""
        return super().targets(rows, np.broadcast_to(width, 2)[1])

    def kept(self, rows: np.ndarray, outputs: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        """The tokens that were written; logits are as wide as the vocabulary."""
        return {TOKENS: outputs[TOKENS]}


def shifted(ids: np.ndarray, lengths: np.ndarray, start: int) -> np.ndarray:
    """Each token of several texts, one after the other, replaced by the one before it.

    Args:
        ids: ``(tokens,)``.
        lengths: tokens of each text, at least 1.
        start: what is before the first token of each.
    """
    before = np.roll(ids, 1)
    before[np.cumsum(lengths) - lengths] = start
    return before


def pair_rows(
    sources: Any,
    targets: Any,
    tokenizer: Any,
    *,
    start: int,
    end: int,
    max_length: int,
    max_target_length: int | None = None,
) -> PairRows:
    """Tokenises texts and what is to be written of them.

    Args:
        sources: N texts.
        targets: N texts, or ``None``.
        tokenizer: a ``Tokenizer``.
        start: id before what is written.
        end: id that ends it.
        max_length: tokens at which texts are truncated, special ones included.
        max_target_length: the same of what is to be written, its end included; by default
            ``max_length``.
    """
    encoded = encode(Examples(sources), tokenizer, max_length)
    if targets is None:
        return PairRows(encoded)
    room = (max_target_length or max_length) - 1
    bare = encode(Examples(targets), tokenizer, room, add_special_tokens=False)
    written = ended(bare, end)
    return PairRows(
        encoded, token_labels={"logits": written.input_ids}, written=written, start=start
    )


class Frame(NamedTuple):
    """Ids that a decoder alone reads around each text; ``None``: there is none."""

    before: int | None = None
    behind: int | None = None

    @property
    def size(self) -> int:
        """How many they are."""
        return sum(token is not None for token in self)


def frame_of(tokenizer: Any, config: Any) -> Frame:
    """What a decoder alone reads around each text.

    Before it the config's ``bos_token_id``, if its tokenizer adds it there. Behind what is read
    as a prefix its ``sep_token_id``, as UniLM has it (Dong et al. 2019, arXiv:1905.03197, section
    2.1); else what is written goes on with the text itself.

    Args:
        tokenizer: a ``Tokenizer``.
        config: a ``DecoderConfig``.
    """
    added = tokenizer([""])["input_ids"].flat_values.numpy().tolist()
    before, behind = (config.extra.get(name) for name in ("bos_token_id", "sep_token_id"))
    return Frame(
        before if before in added[:1] else None,
        behind if config.prefix and behind in added[-1:] else None,
    )


def begun(texts: Sequence[str], tokenizer: Any, max_length: int, frame: Frame) -> EncodedTexts:
    """Tokenises what texts begin with.

    Args:
        texts: N texts.
        tokenizer: a ``Tokenizer``.
        max_length: tokens at which they are cut, those around them included.
        frame: what stands around each.
    """
    room = max_length - frame.size
    encoded = encode(Examples(texts), tokenizer, room, add_special_tokens=False)
    if frame.before is not None:
        starts = np.cumsum(encoded.lengths) - encoded.lengths
        encoded = _with_token(encoded, starts, frame.before)
    return encoded if frame.behind is None else ended(encoded, frame.behind)


def ended(texts: EncodedTexts, end: int) -> EncodedTexts:
    """Texts with one token more behind each."""
    return _with_token(texts, np.cumsum(texts.lengths), end)


def _with_token(texts: EncodedTexts, places: np.ndarray, token: int) -> EncodedTexts:
    return dataclasses.replace(
        texts,
        input_ids=np.insert(texts.input_ids, places, token).astype("int32"),
        token_type_ids=np.insert(texts.token_type_ids, places, 0),
        lengths=texts.lengths + 1,
    )

"""Rows of which a model is to say what stands at some places.

``N`` is the number of rows, ``P`` the most places of one, ``B`` the rows of a batch.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.special import logsumexp

from keras_bert_zoo.data.rows import EncodedTexts, Rows


@dataclasses.dataclass(frozen=True, kw_only=True)
class MaskedRows(Rows):
    """Rows for a ``PretrainingModel``: the encoder's inputs and ``masked_positions``.

    The texts are stored once, however many rows they have. Of the logits of a batch, which
    are as wide as the vocabulary, only what ``kept`` returns stays.

    Args:
        owners: the text of each row, int64 ``(N,)``.
        positions: places in the row, int32 ``(N, P)``; 0 after the last.
        counts: how many of them there are, int64 ``(N,)``.
        ends: from its position to here, exclusive, a row is masked, int64 ``(N,)``; ``None``
            where the texts hold their masks themselves.
        tokenizer: a ``Tokenizer``.
        top_k: how many of the likeliest tokens are kept.

    Raises:
        ValueError: ``top_k`` is no positive number.
    """

    owners: np.ndarray
    positions: np.ndarray
    counts: np.ndarray
    ends: np.ndarray | None
    tokenizer: Any
    top_k: int = 1

    def __post_init__(self) -> None:
        """Refuses a wrong number."""
        if isinstance(self.top_k, bool) or not isinstance(self.top_k, int) or self.top_k < 1:
            raise ValueError(
                f"top_k must be a whole number of at least 1, received {self.top_k!r}."
            )
        super().__post_init__()

    def __len__(self) -> int:
        return len(self.owners)

    @functools.cached_property
    def lengths(self) -> np.ndarray:
        """Tokens of each row, ``(N,)``."""
        return self.encoded.lengths[self.owners]

    @property
    def row_tokens(self) -> np.ndarray:
        """The same."""
        return self.lengths

    @functools.cached_property
    def words(self) -> np.ndarray:
        """The ids that the texts have at the positions, int32 ``(N, P)``."""
        places = _starts(self.encoded)[self.owners, None] + self.positions
        return self.encoded.input_ids[places]

    def inputs(self, rows: np.ndarray, width: int) -> dict[str, np.ndarray]:
        """The model's inputs for some rows, as many positions as they need."""
        inputs = self.encoded.padded(self.owners[rows], width)
        if self.ends is not None:
            columns = np.arange(width)
            hidden = (columns >= self.positions[rows]) & (columns < self.ends[rows, None])
            mask = np.int32(self.tokenizer.mask_token_id)
            inputs["input_ids"] = np.where(hidden, mask, inputs["input_ids"])
        inputs["masked_positions"] = self.positions[rows, : self.counts[rows].max()]
        return inputs

    def kept(self, rows: np.ndarray, outputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """What is kept of the answers to a batch.

        Returns:
            ``log_probabilities`` of ``words``, float64 ``(B, P)``; of the likeliest tokens
            ``top_ids``, int32 ``(B, P, top_k)``, and ``top_scores``, their probabilities,
            float64, from the largest; of equal ones the smaller id first. 0 after the last
            position.
        """
        logits = np.asarray(outputs["prediction_logits"], "float64")
        log_chances = logits - logsumexp(logits, axis=-1, keepdims=True)
        own = self.words[rows, : logits.shape[1], None]
        top = _largest(log_chances, self.top_k)
        scores = np.exp(np.take_along_axis(log_chances, top, axis=-1))
        here = np.arange(logits.shape[1]) < self.counts[rows, None]
        found = {
            "log_probabilities": np.take_along_axis(log_chances, own, axis=-1)[..., 0] * here,
            "top_ids": top.astype("int32") * here[..., None],
            "top_scores": scores * here[..., None],
        }
        missing = self.positions.shape[1] - logits.shape[1]
        return {
            name: np.pad(values, [(0, 0), (0, missing), *[(0, 0)] * (values.ndim - 2)])
            for name, values in found.items()
        }


def _largest(values: np.ndarray, count: int) -> np.ndarray:
    """Indices of the largest values ``(…, count)`` of ``(…, V)``, in order."""
    count = min(count, values.shape[-1])
    if count == 1:
        return values.argmax(axis=-1)[..., None]
    least = np.partition(values, -count, axis=-1)[..., -count, None]
    # All that may be among them: no fewer than `count`, and few more.
    flat, bounds = values.reshape(-1, values.shape[-1]), least.reshape(-1, 1)
    found = []
    for row, bound in zip(flat, bounds, strict=True):
        candidates = np.flatnonzero(row >= bound)
        found.append(candidates[np.argsort(-row[candidates], kind="stable")][:count])
    return np.array(found, int).reshape(*values.shape[:-1], count)


def each_word(
    encoded: EncodedTexts, tokenizer: Any, *, within_word: bool = False, top_k: int = 1
) -> MaskedRows:
    """A row for each token of each text, with this token masked.

    Salazar et al. 2020 (arXiv:1910.14659). Special tokens, also those that a text
    spells out, are neither masked nor asked for.

    Args:
        encoded: the texts.
        tokenizer: a ``Tokenizer``.
        within_word: whether the rest of the word is masked with a token, so that the end of
            a word does not give its beginning away: "PLL-word-l2r" of Kauf and Ivanova 2023
            (arXiv:2305.10588). A word is a token and the ``##`` pieces after it.
        top_k: of ``MaskedRows``.

    Raises:
        TokenizerError: ``within_word``, and tokens do not tell what is inside a word.
    """
    special = [getattr(tokenizer, f"{name}_token_id") for name in ("cls", "sep", "pad", "mask")]
    chosen = np.flatnonzero(~np.isin(encoded.input_ids, special))
    owners = np.repeat(np.arange(len(encoded)), encoded.lengths)[chosen]
    ends = chosen + 1
    if within_word:
        continues = tokenizer.continues()[encoded.input_ids]
        begins = np.append(np.flatnonzero(~continues), len(encoded.input_ids))
        ends = begins[np.searchsorted(begins, chosen, side="right")]
    starts = _starts(encoded)[owners]
    return MaskedRows(
        encoded=encoded,
        owners=owners,
        positions=(chosen - starts).astype("int32")[:, None],
        counts=np.ones(len(chosen), int),
        ends=ends - starts,
        tokenizer=tokenizer,
        top_k=top_k,
    )


def own_masks(encoded: EncodedTexts, tokenizer: Any, *, top_k: int = 1) -> MaskedRows:
    """A row for each text, with the masks that it holds.

    Raises:
        ValueError: a text holds none.
    """
    hidden = np.flatnonzero(encoded.input_ids == tokenizer.mask_token_id)
    owners = np.repeat(np.arange(len(encoded)), encoded.lengths)[hidden]
    counts = np.bincount(owners, minlength=len(encoded))
    without = np.flatnonzero(counts == 0)
    if len(without):
        raise ValueError(
            f"text {without[0]} holds no {tokenizer.options.mask_token} in the "
            f"{encoded.lengths[without[0]]} tokens that the model reads of it. Write it where a "
            "word is to be found, or raise max_length."
        )
    positions = np.zeros((len(encoded), counts.max(initial=1)), "int32")
    # Row by row, from the left: the order of both sides.
    positions[np.arange(positions.shape[1]) < counts[:, None]] = hidden - _starts(encoded)[owners]
    return MaskedRows(
        encoded=encoded,
        owners=np.arange(len(encoded)),
        positions=positions,
        counts=counts,
        ends=None,
        tokenizer=tokenizer,
        top_k=top_k,
    )


def _starts(encoded: EncodedTexts) -> np.ndarray:
    """Where each text begins, ``(texts,)``."""
    return np.cumsum(encoded.lengths) - encoded.lengths

"""Tokenised texts, row by row, with what is to be learned from them.

``N`` is the number of rows, ``B`` of those in a batch, ``S`` the width of one batch.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_bert_zoo.config import IGNORED
from keras_bert_zoo.data.examples import Examples

INPUTS = ("input_ids", "attention_mask", "token_type_ids")
_TOKENISED_AT_ONCE = 4096
# Of a batch; of rows with two sides, of each side.
Width = int | list[int]


@dataclasses.dataclass(frozen=True)
class EncodedTexts:
    """Token ids of N texts, one after the other.

    Args:
        input_ids: int32 ``(tokens,)``.
        token_type_ids: int32 ``(tokens,)``.
        lengths: int64 ``(N,)``, tokens of each text.
        pad_token_id: fills ``input_ids``.
    """

    input_ids: np.ndarray
    token_type_ids: np.ndarray
    lengths: np.ndarray
    pad_token_id: int

    def __len__(self) -> int:
        return len(self.lengths)

    @functools.cached_property
    def _starts(self) -> np.ndarray:
        return np.concatenate([[0], np.cumsum(self.lengths)[:-1]])

    def padded(self, rows: np.ndarray, width: int) -> dict[str, np.ndarray]:
        """The model's inputs for some rows, int32 ``(len(rows), width)`` each."""
        return {
            "input_ids": self.spread(self.input_ids, rows, width, self.pad_token_id),
            "attention_mask": (np.arange(width) < self.lengths[rows, None]).astype("int32"),
            "token_type_ids": self.spread(self.token_type_ids, rows, width, 0),
        }

    def spread(self, values: np.ndarray, rows: np.ndarray, width: int, fill: Any) -> np.ndarray:
        """Numbers of all tokens ``(tokens,)`` as some rows ``(len(rows), width)``, filled up."""
        columns = np.arange(width)
        mask = columns < self.lengths[rows, None]
        # Where the mask is 0 any valid place will do.
        places = np.where(mask, self._starts[rows, None] + columns, 0)
        return np.where(mask, values[places], fill)

    def gather(self, values: np.ndarray, rows: np.ndarray, target: np.ndarray) -> None:
        """Writes rows ``(len(rows), width, …)`` to the places of their tokens in ``target``."""
        mask = np.arange(values.shape[1]) < self.lengths[rows, None]
        places = self._starts[rows, None] + np.arange(values.shape[1])
        target[places[mask]] = values[mask]


def encode(examples: Examples, tokenizer: Any, max_length: int, **options: Any) -> EncodedTexts:
    """Tokenises all texts, truncated to ``max_length`` tokens with the special ones.

    Args:
        examples: N texts.
        tokenizer: a ``Tokenizer``.
        max_length: tokens of the longest row.
        **options: of the tokenizer's call.
    """
    options = {"truncation": True, "max_length": max_length, **options}
    parts = []
    for start in range(0, len(examples), _TOKENISED_AT_ONCE):
        part = slice(start, start + _TOKENISED_AT_ONCE)
        pairs = None if examples.text_pairs is None else examples.text_pairs[part]
        parts.append(tokenizer(examples.texts[part], pairs, **options))
    return EncodedTexts(
        input_ids=np.concatenate([part["input_ids"].flat_values.numpy() for part in parts]),
        token_type_ids=np.concatenate(
            [part["token_type_ids"].flat_values.numpy() for part in parts]
        ),
        lengths=np.concatenate([part["input_ids"].row_lengths().numpy() for part in parts]),
        pad_token_id=tokenizer.pad_token_id,
    )


@dataclasses.dataclass(frozen=True)
class Rows:
    """What a model sees, row by row, and what it should answer.

    Args:
        encoded: the texts of all rows, ``members`` for each, one after the other.
        labels: by the name of the output they belong to, ``(N, …)``: one for each row.
        token_labels: the same with one for each token, int32 ``(tokens,)``; ``IGNORED`` where
            there is nothing to learn.
        members: texts of a row. With more than one, inputs are ``(B, members, S)``.
        memory: what the task needs to read the answers.
        kinds: a number for each row, ``(N,)``, where its length tells of its labels: batches of
            one length would otherwise hold rows of one kind.

    Raises:
        ValueError: there are more or fewer labels than rows or tokens.
    """

    encoded: EncodedTexts
    labels: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)
    token_labels: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)
    members: int = 1
    memory: Any = None
    kinds: np.ndarray | None = None

    def __post_init__(self) -> None:
        """Refuses labels that belong to other rows."""
        tokens = len(self.answered.input_ids)
        for kind, count in ((self.labels, len(self)), (self.token_labels, tokens)):
            for name, values in kind.items():
                if len(values) != count:
                    raise ValueError(f"{name} has {len(values)} labels where {count} are needed.")

    def __len__(self) -> int:
        return len(self.encoded) // self.members

    @property
    def names(self) -> tuple[str, ...]:
        """Of the model's inputs."""
        return INPUTS

    @property
    def answered(self) -> EncodedTexts:
        """The tokens that ``token_labels`` belong to."""
        return self.encoded

    @property
    def tokens(self) -> int:
        """Tokens of all rows."""
        return len(self.encoded.input_ids)

    @functools.cached_property
    def lengths(self) -> np.ndarray:
        """Tokens of the longest text of each row, ``(N,)``."""
        return self.encoded.lengths.reshape(-1, self.members).max(axis=1, initial=0)

    @property
    def row_tokens(self) -> np.ndarray:
        """Tokens of all texts of each row, ``(N,)``."""
        return self.encoded.lengths.reshape(-1, self.members).sum(axis=1)

    def inputs(self, rows: np.ndarray, width: Any) -> dict[str, np.ndarray]:
        """The model's inputs for some rows."""
        if self.members == 1:
            return self.encoded.padded(rows, width)
        texts = (rows[:, None] * self.members + np.arange(self.members)).ravel()
        shape = (len(rows), self.members, width)
        return {k: v.reshape(shape) for k, v in self.encoded.padded(texts, width).items()}

    def kept(self, rows: np.ndarray, outputs: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        """What is kept of the answers to a batch of these rows: all of it, or what it says."""
        return outputs

    def targets(
        self, rows: np.ndarray, width: Any
    ) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Labels of some rows, and weights: 0 for what is to be ignored."""
        labels = {name: values[rows] for name, values in self.labels.items()}
        weights = {name: np.ones(len(rows), "float32") for name in labels}
        for name, values in self.token_labels.items():
            labels[name] = self.answered.spread(values, rows, width, IGNORED)
            weights[name] = (labels[name] != IGNORED).astype("float32")
        return labels, weights


def labelled_rows(examples: Examples, tokenizer: Any, max_length: int) -> Rows:
    """Texts with one label each, for the output ``logits``."""
    labels = {} if examples.labels is None else {"logits": examples.labels}
    return Rows(encode(examples, tokenizer, max_length), labels)

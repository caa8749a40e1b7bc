"""Texts with their labels, checked once where they enter."""

from __future__ import annotations

import dataclasses
import reprlib
from collections.abc import Collection, Mapping, Sequence, Set
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True)
class Examples:
    """Texts, or pairs of texts, and their encoded labels.

    Args:
        texts: N strings; empty ones are allowed here, readers decide about them.
        text_pairs: N second texts, or ``None``.
        labels: what ``data.labels.encode_labels`` returns, or N rows of such numbers;
            ``None`` to predict.

    Raises:
        ValueError: a text is not a string, a label no finite number, or the lengths differ.
    """

    texts: Sequence[str]
    text_pairs: Sequence[str] | None = None
    labels: np.ndarray | None = None

    def __post_init__(self) -> None:
        """Refuses what a tokenizer would fail on much later."""
        check_strings("texts", self.texts)
        check_strings("text_pairs", () if self.text_pairs is None else self.text_pairs)
        for name in ("text_pairs", "labels"):
            values = getattr(self, name)
            if values is not None and len(values) != len(self.texts):
                raise ValueError(
                    f"{name} has {len(values)} rows, texts has {len(self.texts)}; "
                    "there must be one for each text."
                )
        if self.labels is not None:
            object.__setattr__(self, "labels", _numbers(self.labels))

    def __len__(self) -> int:
        return len(self.texts)

    def select(self, rows: Sequence[int]) -> Examples:
        """Returns the examples of some rows, in the order given."""
        pairs = None if self.text_pairs is None else [self.text_pairs[row] for row in rows]
        labels = None if self.labels is None else self.labels[list(rows)]
        return Examples([self.texts[row] for row in rows], pairs, labels)

    def take(self, count: int | None) -> Examples:
        """Returns the first ``count`` examples; all for ``None``.

        Raises:
            ValueError: the count is negative.
        """
        if count is not None and count < 0:
            raise ValueError(f"count must be 0 or more, or None for all, received {count}.")
        pairs = None if self.text_pairs is None else self.text_pairs[:count]
        labels = None if self.labels is None else self.labels[:count]
        return Examples(self.texts[:count], pairs, labels)


def _numbers(labels: Any) -> np.ndarray:
    try:
        array = np.asarray(labels)
    except ValueError as error:  # rows of different lengths
        raise ValueError(f"labels must have rows of one shape: {error}") from error
    if array.dtype.kind not in "iuf" or not np.isfinite(array).all():
        raise ValueError(
            f"labels must be finite numbers, received {reprlib.repr(labels)}. For names of classes "
            "use data.labels.encode_labels(labels, problem_type, names)."
        )
    return array


def check_strings(name: str, values: Sequence[object]) -> None:
    """Raises a ``ValueError`` that points at the first value that is not a string."""
    if isinstance(values, str):
        raise ValueError(f"{name} must be a list of strings, received one string.")
    # Of a dict and of a table the names would be read, of a set in any order.
    listed = isinstance(values, Collection) and not isinstance(values, Mapping | Set)
    if not listed or getattr(values, "ndim", 1) != 1:
        raise ValueError(
            f"{name} must be a list of strings, received {type(values).__name__}. Pass list(…) of "
            "the texts, of a table one column."
        )
    for index, value in enumerate(values):
        if not isinstance(value, str):
            raise ValueError(
                f"{name}[{index}] must be a string, received {value!r} "
                f"({type(value).__name__}). Remove the row or give it a text."
            )

"""Rows of ids as models that write are given them, checked. NumPy alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

PROMPT = ("input_ids", "attention_mask")


def checked_rows(
    inputs: Mapping[str, Any], reads: Collection[str], *, words: int, longest: int
) -> dict[str, np.ndarray]:
    """The inputs that are read, as int32 arrays ``(B, P)``.

    Args:
        inputs: by name, whole numbers ``(B, P)``.
        reads: names of those that are read, ``PROMPT`` among them.
        words: ids are below it.
        longest: tokens that a row may have.

    Raises:
        TypeError: the inputs are no mapping.
        ValueError: one is missing, of another shape or no whole number, a row is empty or too
            long, an id is of no word, or the mask has other numbers than 0 and 1.
    """
    if not isinstance(inputs, Mapping):
        raise TypeError(f"inputs must be a dict with the keys {sorted(reads)}: {type(inputs)}.")
    missing = sorted(set(reads) - inputs.keys())
    if missing:
        raise ValueError(
            f"inputs must have the keys {sorted(reads)}, as a tokenizer makes them: {missing} are "
            "missing."
        )
    arrays = {name: _whole(name, inputs[name]) for name in reads}
    ids, mask = (arrays[name] for name in PROMPT)
    if ids.ndim != 2 or not ids.size or ids.shape != mask.shape:
        raise ValueError(
            "input_ids and attention_mask must be the same shape, of at least one row and one "
            f"token; received {ids.shape} and {mask.shape}."
        )
    for name, x in arrays.items():
        if x.shape != ids.shape:
            raise ValueError(
                f"{name} must be of the shape of input_ids, {ids.shape}; received {x.shape}."
            )
    _check_mask(mask)
    if ids.min() < 0 or ids.max() >= words:
        raise ValueError(
            f"input_ids must be from 0 to {words - 1}, received {ids.min()} to {ids.max()}. Use "
            "the model's own tokenizer."
        )
    if ids.shape[1] > longest:
        raise ValueError(
            f"input_ids have {ids.shape[1]} tokens a row, but positions end at {longest}. Shorten "
            "the texts (max_length of the tokenizer)."
        )
    return {name: x.astype("int32") for name, x in arrays.items()}


def _whole(name: str, values: Any) -> np.ndarray:
    """An int64 array: of numbers beyond int32 none becomes another id."""
    try:
        array = np.asarray(values)
        with np.errstate(invalid="ignore"):  # of what is no number
            whole = np.asarray(array, "int64")
    except (OverflowError, TypeError, ValueError) as error:
        raise ValueError(
            f"{name} must be whole numbers, as many in each row: {error}. Pad the rows."
        ) from error
    if (whole != array).any():
        other = array[whole != array].flat[0]
        raise ValueError(f"{name} must be whole numbers, received {other}.")
    return whole


def _check_mask(mask: np.ndarray) -> None:
    # Products with it count: 2 would be read as another token, or as another text.
    others = mask[(mask != 0) & (mask != 1)]
    if others.size:
        raise ValueError(
            f"attention_mask must be 1 for tokens and 0 for padding, received {others[0]}."
        )
    empty = np.flatnonzero(mask.sum(axis=1) == 0)
    if len(empty):
        raise ValueError(f"Row {empty[0]} of input_ids is empty: attention_mask is 0 everywhere.")

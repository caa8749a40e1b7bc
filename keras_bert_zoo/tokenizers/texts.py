"""Whatever a caller calls text, as a tensor of strings. TensorFlow-only."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Set
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert_zoo.tokenizers.options import TokenizerError

# Half a surrogate pair is no character and has no UTF-8.
_SURROGATE = re.compile("[\ud800-\udfff]")


def to_string_tensor(text: Any, name: str) -> tf.Tensor:
    """Makes ``(B,)`` strings of a string, a sequence of strings, or a string tensor.

    Args:
        text: ``str``, ``bytes``, a list, array or other iterable of them, or a tensor of
            rank 0 or 1. Lone surrogates become U+FFFD.
        name: of the argument, for the error.

    Raises:
        TypeError: something else, ``None`` among it.
        ValueError: nested more than one level deep.
    """
    if isinstance(text, str | bytes):
        return tf.constant([_as_bytes(text)])
    if not tf.is_tensor(text):
        return tf.constant([_checked(item, name) for item in _items(text, name)], tf.string)
    if text.dtype != tf.string or isinstance(text, tf.RaggedTensor | tf.SparseTensor):
        raise TypeError(f"{name} must be a dense tensor of strings, received {text!r}")
    if text.shape.rank not in (0, 1):
        raise ValueError(f"{name} must have rank 0 or 1, received shape {text.shape}")
    return text if text.shape.rank else tf.expand_dims(text, 0)


def check_same_number(texts: list[tf.Tensor]) -> None:
    """Refuses pairs of which one text is missing.

    Raises:
        TokenizerError: the numbers are known, and differ.
        tf.errors.InvalidArgumentError: they turn out to differ.
    """
    message = "text and text_pair must hold the same number of texts"
    sizes = [text.shape[0] for text in texts]
    if None not in sizes and sizes[0] != sizes[1]:
        raise TokenizerError(f"{message}, received {sizes[0]} and {sizes[1]}")
    tf.debugging.assert_equal(tf.size(texts[0]), tf.size(texts[1]), message)


def _items(text: Any, name: str) -> list[Any]:
    if isinstance(text, np.ndarray) and text.ndim > 1:
        raise ValueError(f"{name} must have rank 0 or 1, received shape {text.shape}")
    if isinstance(text, np.ndarray):
        return text.reshape(-1).tolist()
    if isinstance(text, Iterable) and not isinstance(text, Mapping | Set):
        return list(text)
    raise TypeError(
        f"{name} must be a string or a sequence of strings, received {type(text).__name__}"
    )


def _checked(item: Any, name: str) -> bytes:
    if not isinstance(item, str | bytes):
        raise TypeError(
            f"Every item of {name} must be a string, received {item!r} "
            f"({type(item).__name__}). Drop or fill missing texts first."
        )
    return _as_bytes(item)


def well_formed(text: str) -> str:
    """The text with U+FFFD instead of lone surrogates."""
    return _SURROGATE.sub("\ufffd", text)


def _as_bytes(text: str | bytes) -> bytes:
    if isinstance(text, bytes):
        return text
    try:
        return text.encode()
    except UnicodeEncodeError:
        return well_formed(text).encode()

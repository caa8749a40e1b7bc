"""A short name for the weights of a model, to know them again."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np


def digest_of(model: Any) -> str:
    """Hexadecimal digest of the names and values of a Keras model's weights."""
    digest = hashlib.blake2b(digest_size=16)
    for weight in model.weights:
        digest.update(weight.path.encode())
        digest.update(np.ascontiguousarray(weight.numpy()).data)
    return digest.hexdigest()

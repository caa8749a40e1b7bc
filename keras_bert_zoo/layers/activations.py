"""Activation functions by the name a ``config.json`` gives them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from keras import ops

from keras_bert_zoo.layers import gradients


def gelu(x: Any) -> Any:
    """Exact GELU, ``x * Phi(x)`` (Hendrycks & Gimpel 2016, arXiv:1606.08415).

    Written with ``erf`` rather than through ``keras.activations.gelu``, which becomes
    ``Erfc`` in a TensorFlow graph: ONNX has no such operator, and the TFLite converter
    fuses this form into its GELU operator.
    """
    return 0.5 * x * (1.0 + ops.erf(x * (1.0 / math.sqrt(2.0))))


def gelu_tanh(x: Any) -> Any:
    """The tanh approximation of GELU, as in Google's BERT code."""
    return 0.5 * x * (1.0 + ops.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * x * x * x)))


ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "gelu": gelu,
    "gelu_new": gelu_tanh,
    "gelu_pytorch_tanh": gelu_tanh,
    "relu": ops.relu,
    "silu": ops.silu,
    "swish": ops.silu,
    "tanh": ops.tanh,
}


# The same functions for training.
_WITH_GRADIENT: dict[str, Callable[[Any], Any]] = {"gelu": gradients.gelu}


def get(name: str, training: bool | None = None) -> Callable[[Any], Any]:
    """Returns the activation called ``name`` in Hugging Face's configs.

    Args:
        name: one of ``ACTIVATIONS``.
        training: whether to prefer a form with a cheaper gradient; exports need the plain one.

    Raises:
        ValueError: no activation has that name.
    """
    if name not in ACTIVATIONS:
        raise ValueError(f"hidden_act must be one of {sorted(ACTIVATIONS)}, received {name!r}.")
    return _WITH_GRADIENT.get(name, ACTIVATIONS[name]) if training else ACTIVATIONS[name]

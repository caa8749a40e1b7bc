"""Functions of a model as programs of the backend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras


def compiled(
    function: Callable[..., Any], model: keras.Model, jit_compile: bool
) -> Callable[..., Any]:
    """A function that calls a model, traced once for each shape it is given.

    Args:
        function: of tensors and structures of them.
        model: the one whose variables it reads.
        jit_compile: whether TensorFlow compiles it with XLA; JAX always does, PyTorch never.
    """
    return _COMPILERS[keras.backend.backend()](function, model, jit_compile)


def _tensorflow(
    function: Callable[..., Any], model: keras.Model, jit_compile: bool
) -> Callable[..., Any]:
    import tensorflow as tf

    return tf.function(function, autograph=False, jit_compile=jit_compile)


def _jax(function: Callable[..., Any], model: keras.Model, jit_compile: bool) -> Callable[..., Any]:
    import jax

    @jax.jit
    def run(values: list[Any], *arguments: Any) -> Any:
        # Weights that were captured would be constants of the program.
        with keras.StatelessScope(zip(model.variables, values, strict=True)):
            return function(*arguments)

    return lambda *arguments: run([v.value for v in model.variables], *arguments)


def _torch(
    function: Callable[..., Any], model: keras.Model, jit_compile: bool
) -> Callable[..., Any]:
    import torch

    return torch.no_grad()(function)


_COMPILERS: dict[str, Callable[..., Callable[..., Any]]] = {
    "tensorflow": _tensorflow,
    "jax": _jax,
    "torch": _torch,
}

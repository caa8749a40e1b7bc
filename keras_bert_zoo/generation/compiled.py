"""Functions of a model as programs of the backend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from keras_bert_zoo.generation.options import GenerationOptions
from keras_bert_zoo.models.writer import Writer

# Careful bounds: measured were 30,522 words, 2 and 8 rows, 64 steps. The table is rounded first.
LEAST_WORDS, MOST_ROWS, LEAST_STEPS = 8192, 16, 32


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


def screens(model: Writer, options: GenerationOptions, rows: int) -> bool:
    """Whether a compiled program finds the likeliest words faster by ``screening``.

    Args:
        model: what writes.
        options: how.
        rows: that are written.
    """
    return (
        keras.backend.backend() == "tensorflow"
        and options.num_beams == 1
        and not options.draws
        and options.max_new_tokens >= LEAST_STEPS
        and rows <= MOST_ROWS
        and model.head.vocab_size >= LEAST_WORDS
        and model.head.compute_dtype == "float32"
        and _on_processor()
    )


def _on_processor() -> bool:
    import tensorflow as tf

    return not tf.config.list_logical_devices("GPU")

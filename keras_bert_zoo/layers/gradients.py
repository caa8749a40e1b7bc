"""Pieces whose gradients are written out, for training: the same numbers in fewer passes.

What a framework derives by itself walks through the activations once for every operation of
the forward pass, sums columns slowly, and keeps what it could compute again. Here columns are
summed by a product with ones, and only what the formula needs is kept.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

Backward = Callable[[Any], tuple[Any, ...]]
_ROOT_2, _ROOT_PI = math.sqrt(2.0), math.sqrt(math.pi)


def written_gradient(function: Callable[..., tuple[Any, Backward]]) -> Callable[..., Any]:
    """Lets a function of tensors bring its own gradient.

    Args:
        function: returns its result, and a function from the gradient of the result to
            those of its arguments.
    """

    @ops.custom_gradient
    def run(*tensors: Any) -> tuple[Any, Callable[..., tuple[Any, ...]]]:
        result, backward = function(*tensors)

        # PyTorch's backend repeats the tensors and names the gradient, the others give it alone.
        def gradient(*values: Any, upstream: Any = None) -> tuple[Any, ...]:
            return backward(values[0] if upstream is None else upstream)

        return result, gradient

    return lambda *values: run(*map(_tensor, values))


def _tensor(value: Any) -> Any:
    # TensorFlow would ask for the gradient of a variable a second time.
    return ops.reshape(value, value.shape) if isinstance(value, keras.Variable) else value


def sum_of_rows(x: Any) -> Any:
    """``(..., m)`` to ``(m,)``."""
    rows = ops.reshape(x, (-1, x.shape[-1]))
    ones = ops.ones((1, ops.shape(rows)[0]), x.dtype)
    return ops.reshape(ops.matmul(ones, rows), (-1,))


@written_gradient
def affine(x: Any, kernel: Any, bias: Any) -> tuple[Any, Backward]:
    """``x @ kernel + bias`` of ``(n, in)``, ``(in, out)`` and ``(out,)``."""

    def backward(upstream: Any) -> tuple[Any, ...]:
        to_x = ops.matmul(upstream, ops.transpose(kernel))
        return to_x, ops.matmul(ops.transpose(x), upstream), sum_of_rows(upstream)

    return ops.matmul(x, kernel) + bias, backward


@written_gradient
def scores(x: Any, table: Any, bias: Any) -> tuple[Any, Backward]:
    """``x @ table.T + bias`` of ``(n, H)``, ``(words, H)`` and ``(words,)``.

    The gradient of the table comes out as it lies, not as the transposed of a product.
    """

    def backward(upstream: Any) -> tuple[Any, ...]:
        to_table = ops.matmul(ops.transpose(upstream), x)
        return ops.matmul(upstream, table), to_table, sum_of_rows(upstream)

    return ops.matmul(x, ops.transpose(table)) + bias, backward


@written_gradient
def gelu(x: Any) -> tuple[Any, Backward]:
    """``x * Phi(x)``, see ``activations.gelu``."""
    scaled = x * (1.0 / _ROOT_2)
    below = 0.5 + 0.5 * ops.erf(scaled)  # Phi(x)

    def backward(upstream: Any) -> tuple[Any, ...]:
        peak = scaled * ops.exp(-ops.square(scaled))  # sqrt(pi) * x * phi(x)
        return (upstream * (below + peak * (1.0 / _ROOT_PI)),)

    return x * below, backward


def layer_norm(epsilon: float, x: Any, gamma: Any, *beta: Any) -> Any:
    """Normalises ``(..., H)``, see ``LayerNorm``; ``beta`` where there is a bias."""

    @written_gradient
    def run(x: Any, gamma: Any, *beta: Any) -> tuple[Any, Backward]:
        centred = x - ops.mean(x, axis=-1, keepdims=True)
        variance = ops.mean(ops.square(centred), axis=-1, keepdims=True)
        inverse = 1.0 / ops.sqrt(variance + epsilon)
        normal = centred * inverse

        def backward(upstream: Any) -> tuple[Any, ...]:
            to_normal = upstream * gamma
            mean = ops.mean(to_normal, axis=-1, keepdims=True)
            slope = ops.mean(to_normal * normal, axis=-1, keepdims=True)
            to_x = inverse * (to_normal - mean - normal * slope)
            to_beta = [sum_of_rows(upstream) for _ in beta]
            return to_x, sum_of_rows(upstream * normal), *to_beta

        return sum(beta, start=normal * gamma), backward

    return run(x, gamma, *beta)


def cross_entropy(labels: Any, logits: Any) -> Any:
    """``-log softmax(logits)[label]`` of each row; ``(n,)`` and ``(n, words)`` to ``(n,)``."""
    places = ops.stack([ops.arange(ops.shape(labels)[0], dtype=labels.dtype), labels], axis=1)
    labels = ops.expand_dims(labels, 1)

    @written_gradient
    def run(logits: Any) -> tuple[Any, Backward]:
        shares = ops.softmax(logits, axis=-1)
        # The largest share is at least 1 / words, so that its logarithm is safe.
        total = ops.max(logits, -1) - ops.log(ops.max(shares, -1))
        chosen = ops.take_along_axis(logits, labels, axis=1)[:, 0]

        def backward(upstream: Any) -> tuple[Any, ...]:
            share = ops.take_along_axis(shares, labels, axis=1)[:, 0]
            everywhere = shares * ops.expand_dims(upstream, 1)
            return (ops.scatter_update(everywhere, places, (share - 1.0) * upstream),)

        return total - chosen, backward

    return run(logits)

"""A Keras model as TensorFlow functions, without Keras. TensorFlow only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn

import numpy as np
import tensorflow as tf

from .errors import UnsupportedLayer
from .signature import Signature


class Weights(tf.Module):
    """What an export keeps of a model: the values of its weights, each once.

    TensorFlow must not see the Keras model, nor its Keras variables: the first is saved a
    second time, and the second are not found by the session loader that servers use.

    Args:
        model: any built Keras model on the TensorFlow backend.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.values = [weight.value for weight in model.weights]


def tensor_specs(signature: Signature) -> dict[str, tf.TensorSpec]:
    """The inputs as TensorFlow describes them."""
    return {
        spec.name: tf.TensorSpec(spec.shape, spec.dtype, name=spec.name)
        for spec in signature.inputs
    }


def trace(model: Any, signature: Signature) -> Any:
    """Traces the model for inference as a concrete function, keywords in, dict out."""

    def forward(**inputs: Any) -> dict[str, Any]:
        return model(inputs, training=False)

    return tf.function(forward, autograph=False).get_concrete_function(**tensor_specs(signature))


def traced_runner(model: Any) -> Callable[[Mapping[str, np.ndarray]], dict[str, np.ndarray]]:
    """The same, arrays in and out; what ``Signature.bind`` leaves out may be given."""
    signature = Signature.of(model)
    forward = trace(model, signature)

    def run(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        tensors = {name: tf.constant(value) for name, value in signature.bind(inputs).items()}
        return {name: value.numpy() for name, value in forward(**tensors).items()}

    return run


def refuse(format_name: str, operations: Iterable[str], nodes: Iterable[Any]) -> NoReturn:
    """Raises ``UnsupportedLayer`` naming the layers whose operations the format lacks.

    Args:
        format_name: what to call the format.
        operations: TensorFlow operation types that could not be converted.
        nodes: the traced graph's operations; their names begin with the layer's path.
    """
    missing = sorted(set(operations))
    layers = sorted({_layer(node.name) for node in nodes if node.type in missing})
    raise UnsupportedLayer(
        f"{format_name} has no operator for {missing}, which come from the layers {layers}. "
        "Write them with operations the format has, or export another format."
    )


def _layer(name: str) -> str:
    return name.rpartition("/")[0] or name

"""Models that are called with their inputs by name."""

from __future__ import annotations

import inspect
from typing import Any

import keras

SEGMENTS = "token_type_ids"


def inputs_like(encoder: keras.Model) -> dict[str, keras.KerasTensor]:
    """Inputs of a model around an encoder: new ones, of the same names, types and shapes."""
    return {
        name: keras.Input(x.shape[1:], dtype=x.dtype, name=name)
        for name, x in encoder.input.items()
    }


def first_token(encoder: keras.Model, inputs: dict[str, Any]) -> dict[str, Any]:
    """What an encoder says of the first token, and if it can be asked so, computes for no other.

    Encoders of one's own, and clones, may know nothing but whole rows.
    """
    known = "first_token_only" in inspect.signature(encoder.call).parameters
    return encoder(inputs, **({"first_token_only": True} if known else {}))


class NamedInputs(keras.Model):
    """A functional model that takes a dict with exactly the names of its inputs.

    Keras flattens what it is given and pairs it with the inputs by position: one key more,
    and a mask is read as segments. Segments alone may be given to a model that knows none, and
    are not read: tokenizers make them for every model.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Runs the model.

        Raises:
            ValueError: ``inputs`` is no dict, or has other names than the model's inputs.
        """
        return super().call(self._named(inputs), training=training, mask=mask)

    def _named(self, inputs: Any) -> dict[str, Any]:
        names = list(self.input)
        if not isinstance(inputs, dict):
            raise ValueError(f"inputs must be a dict of {names}, received {type(inputs).__name__}.")
        if SEGMENTS not in names:
            inputs = {name: value for name, value in inputs.items() if name != SEGMENTS}
        unknown, missing = inputs.keys() - set(names), set(names) - inputs.keys()
        if unknown or missing:
            raise ValueError(
                f"inputs must have the keys {names}; unknown are {sorted(unknown)}, missing are "
                f"{sorted(missing)}. To leave the rest out: {{name: inputs[name] for name in "
                "model.input}."
            )
        # Keras pairs an OrderedDict by its own order.
        return {name: inputs[name] for name in names}

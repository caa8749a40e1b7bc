"""Names, types and axes of what goes into a model and comes out: one for every format."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from keras_bert_zoo.config import MAX_SIZES
from keras_bert_zoo.rules import size

from .errors import ExportError

BATCH, SEQUENCE = "batch", "sequence"
# Tokenizers say for every model which text a token is of; not every model is told.
_SEGMENTS = "token_type_ids"
# An axis as long as the largest vocabulary is one of logits.
_AXIS = size(max(MAX_SIZES.values()))


@dataclasses.dataclass(frozen=True)
class TensorSpec:
    """One tensor.

    Args:
        name: its name in every format.
        dtype: ``"int32"``, ``"int64"``, ``"float32"``, ``"bool"`` or ``"string"``.
        axes: the size of each axis, or the name of one that is open.
        of_tokens: whether the second axis is the sequence, also where its size is fixed.
    """

    name: str
    dtype: str
    axes: tuple[str | int, ...]
    of_tokens: bool = False

    @property
    def shape(self) -> tuple[int | None, ...]:
        """The axes with ``None`` for the open ones."""
        return tuple(axis if isinstance(axis, int) else None for axis in self.axes)


@dataclasses.dataclass(frozen=True)
class Signature:
    """One way to call a model.

    Args:
        name: how a format with named signatures calls it, e.g. ``"ids"``.
        inputs: what goes in, in the order of the model.
        outputs: what comes out, the main one first.
    """

    name: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]

    @classmethod
    def of(cls, model: Any, name: str = "ids") -> Signature:
        """Reads the signature off a functional model, dict in and dict out.

        Raises:
            ExportError: an output is not one tensor.
        """
        nested = [key for key, value in model.output.items() if not hasattr(value, "shape")]
        if nested:
            raise ExportError(
                f"The outputs {nested} are lists of tensors, which no format can name. Build "
                "the model without them, e.g. with output_hidden_states=False."
            )
        return cls(name, _specs(model.input), _specs(model.output))

    @property
    def takes_text(self) -> bool:
        """Whether an input is a string."""
        return any(spec.dtype == "string" for spec in self.inputs)

    def fix(self, **sizes: int | None) -> Signature:
        """Gives open axes a size: ``fix(batch=1, sequence=128)``; ``None`` leaves one open."""

        def fixed(specs: tuple[TensorSpec, ...]) -> tuple[TensorSpec, ...]:
            return tuple(
                dataclasses.replace(spec, axes=tuple(sizes.get(str(a)) or a for a in spec.axes))
                for spec in specs
            )

        return dataclasses.replace(self, inputs=fixed(self.inputs), outputs=fixed(self.outputs))

    def named(self, name: str) -> Signature:
        """The same under another name."""
        return dataclasses.replace(self, name=name)

    def with_input_type(self, dtype: str) -> Signature:
        """The same with inputs of another type."""
        inputs = tuple(dataclasses.replace(spec, dtype=dtype) for spec in self.inputs)
        return dataclasses.replace(self, inputs=inputs)

    def size(self, axis: str) -> int | None:
        """The size given to ``"batch"`` or ``"sequence"``, or ``None`` while it is open."""
        position = {BATCH: 0, SEQUENCE: 1}[axis]
        # Of strings there is no sequence.
        return dict(enumerate(self.inputs[0].shape)).get(position)

    def bind(self, inputs: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Returns the inputs as arrays of the declared types; segments only where they are one.

        Raises:
            ValueError: a name is missing or unknown, a shape does not fit, or two inputs
                give one axis different sizes.
        """
        if not self.takes(inputs):
            names = [spec.name for spec in self.inputs]
            raise ValueError(f"The inputs must be {names}, received {sorted(inputs)}.")
        arrays = {spec.name: _array(inputs[spec.name], spec.dtype) for spec in self.inputs}
        self._sizes(arrays)
        return arrays

    def takes(self, names: Iterable[str]) -> bool:
        """Whether these are its inputs, but for segments that it does not know."""
        own = {spec.name for spec in self.inputs}
        return set(names) in (own, own | {_SEGMENTS})

    def mismatches(
        self, inputs: Mapping[str, np.ndarray], outputs: Mapping[str, np.ndarray]
    ) -> list[str]:
        """What is wrong with the names and shapes that came out for these inputs."""
        names = [spec.name for spec in self.outputs]
        if sorted(outputs) != sorted(names):
            return [f"the outputs are called {sorted(outputs)}, not {names}"]
        sizes = self._sizes(inputs)
        expected = {s.name: tuple(sizes.get(a, a) for a in s.axes) for s in self.outputs}
        return [
            f"{name} has the shape {outputs[name].shape}, not {shape}"
            for name, shape in expected.items()
            if not _fits(shape, outputs[name].shape)
        ]

    def _sizes(self, arrays: Mapping[str, np.ndarray]) -> dict[str | int, int]:
        """The size of every axis, or an error that names the input that does not fit."""
        sizes: dict[str | int, int] = {}
        for spec in self.inputs:
            shape = arrays[spec.name].shape
            expected = tuple(sizes.get(axis, axis) for axis in spec.axes)
            if not _fits(expected, shape):
                raise ValueError(
                    f"{spec.name} must have the shape {expected}, received {shape}. Pad or "
                    "truncate the texts to it, or export with other sizes."
                )
            sizes.update(zip(spec.axes, shape, strict=True))
        return sizes

    def to_dict(self) -> dict[str, Any]:
        """The content of a manifest."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Signature:
        """Reads what ``to_dict`` gave, also after a trip through JSON.

        Raises:
            KeyError, TypeError, ValueError: it never was a signature.
        """

        def specs(rows: list[dict[str, Any]]) -> tuple[TensorSpec, ...]:
            return tuple(TensorSpec(**{**row, "axes": tuple(row["axes"])}) for row in rows)

        signature = cls(values["name"], specs(values["inputs"]), specs(values["outputs"]))
        signature._check()
        return signature

    def _check(self) -> None:
        tensors = (*self.inputs, *self.outputs)
        names = [self.name, *(name for spec in tensors for name in (spec.name, spec.dtype))]
        axes = [axis for spec in tensors for axis in spec.axes]
        if not self.inputs or not all(isinstance(name, str) for name in names):
            raise ValueError(f"the signature {self.name!r} needs inputs, names and types")
        if not all(isinstance(axis, str) or _AXIS.holds(axis) for axis in axes):
            raise ValueError(
                f"the axes of the signature {self.name!r} must have names or be {_AXIS.meaning}"
            )


def choose(signatures: Iterable[Signature], inputs: Mapping[str, Any]) -> Signature:
    """The signature for some inputs: the first that they fit.

    Raises:
        ValueError: they fit none; the message is about the last one of their names.
    """
    candidates = list(signatures)
    named = [signature for signature in candidates if signature.takes(inputs)]
    for signature in named:
        with contextlib.suppress(ValueError):
            signature.bind(inputs)
            return signature
    (named or candidates)[-1].bind(inputs)
    raise AssertionError("unreachable: bind accepts what it refused")


def _fits(expected: tuple[str | int, ...], shape: tuple[int, ...]) -> bool:
    """Whether a shape has the sizes wanted; an axis that only has a name may have any."""
    return len(shape) == len(expected) and all(
        want in (have, str(want)) for want, have in zip(expected, shape, strict=True)
    )


def _specs(tensors: Mapping[str, Any]) -> tuple[TensorSpec, ...]:
    axes = {name: _axes(x.shape) for name, x in tensors.items()}
    return tuple(
        TensorSpec(name, x.dtype, axes[name], SEQUENCE in axes[name]) for name, x in tensors.items()
    )


def _axes(shape: tuple[int | None, ...]) -> tuple[str | int, ...]:
    """The first axis is the batch; any other open one is the sequence."""
    return (BATCH, *(SEQUENCE if size is None else size for size in shape[1:]))


def _array(value: Any, dtype: str) -> np.ndarray:
    return np.asarray(value, dtype=object if dtype == "string" else dtype)

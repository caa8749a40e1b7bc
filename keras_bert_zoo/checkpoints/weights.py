"""Moving weights between files and models, by the table of the architecture."""

from __future__ import annotations

import functools
import itertools
import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import keras
import numpy as np

from keras_bert_zoo.checkpoints import tables
from keras_bert_zoo.checkpoints.checkpoint import ModelWeights
from keras_bert_zoo.checkpoints.memory import array_of, tensor_of
from keras_bert_zoo.checkpoints.tables import Architecture, Row
from keras_bert_zoo.checkpoints.tensors import (
    CheckpointError,
    LazyTensor,
    Tensor,
    transposed,
)
from keras_bert_zoo.models.trained_parts import merged_weights

logger = logging.getLogger(__name__)


def build_from_tensors(
    make_model: Callable[[], keras.Model],
    architecture: Architecture,
    rows: Collection[Row],
    tensors: Mapping[str, Tensor],
    *,
    fresh: Collection[Row] = (),
) -> keras.Model:
    """Builds a model whose variables start with the values of a checkpoint.

    The variables are created in a scope that puts off their initial values; each is then
    initialised with its tensor, one after the other. So no random values are drawn, and
    memory holds the weights once and the tensor that is being read.

    Args:
        make_model: constructs the model.
        architecture: its tables.
        rows: the rows that make up the model.
        tensors: by the names of the table.
        fresh: rows that keep their random initial values; logged by name.

    Raises:
        CheckpointError: some tensor or variable is left over, missing or of another shape;
            the message lists all of them.
    """
    loaded = [row for row in rows if row not in fresh]
    _check_kinship(loaded, tensors)
    failures: list[BaseException] = []
    with keras.StatelessScope():
        model = make_model()
        variables = {variable.path: variable for variable in model.weights}
        _check_fit(architecture, rows, loaded, variables, tensors)
        for row in loaded:
            read = functools.partial(_read, tensors[row.tensor], row)
            variables[row.variable]._initializer = _kept_from_raising(read, failures)
    if failures:
        raise failures[0]
    if fresh:
        logger.warning(
            "These variables are not in the checkpoint and start with random values; train "
            "them before use: %s",
            [row.variable for row in fresh],
        )
    return model


def _kept_from_raising(
    initializer: Callable[..., Any], failures: list[BaseException]
) -> Callable[..., Any]:
    """Makes an initialiser note its exception and return zeros.

    When one raises, Ctrl-C included, Keras keeps its list of variables without values, and
    every later scope in the process fails on it.
    """

    def initialize(shape: Any, dtype: Any = None) -> Any:
        try:
            if not failures:
                return initializer(dtype)
        except BaseException as error:
            failures.append(error)
        return keras.ops.zeros(shape, dtype)

    return initialize


def _read(tensor: Tensor, row: Row, dtype: Any) -> Any:
    values = tensor.read()
    return tensor_of(values.T if row.transposed else values, dtype)


def _check_kinship(rows: Iterable[Row], tensors: Mapping[str, Tensor]) -> None:
    """Refuses weights of another model before this one is built: that may take half a minute."""
    missing = [row.tensor for row in rows if row.tensor not in tensors]
    if len(missing) > len(tensors):
        raise CheckpointError(
            f"The checkpoint is not that of its config.json: it has {len(tensors)} tensors, and "
            f"{len(missing)} others are missing, such as {missing[:3]}"
        )


def _check_fit(
    architecture: Architecture,
    rows: Iterable[Row],
    loaded: Iterable[Row],
    variables: Mapping[str, Any],
    tensors: Mapping[str, Tensor],
) -> None:
    problems = [f"variable {path} has no row" for path in sorted(variables.keys() - _paths(rows))]
    problems += [f"no variable {path}" for path in sorted(_paths(rows) - variables.keys())]
    for row in loaded:
        if row.variable in variables:
            problems += _row_problems(row, variables[row.variable], tensors.get(row.tensor))
    problems += untied(architecture, {row.tensor for row in loaded}, tensors)
    for name in sorted(tensors.keys() - {row.tensor for row in loaded}):
        reason = architecture.why_skippable(name)
        if reason is None:
            problems.append(f"{name} is left over")
        else:
            logger.info("Left unread: %s (%s)", name, reason)
    if problems:
        raise CheckpointError(
            "The checkpoint does not fit the model its config.json describes:\n  "
            + "\n  ".join(problems)
        )


def untied(
    architecture: Architecture, loaded: Collection[str], tensors: Mapping[str, Tensor]
) -> list[str]:
    """Copies that are none: the model has one variable for both."""
    if not set(architecture.copies.values()) <= set(loaded):  # their head stays unread
        return []
    return [
        f"{copy} differs from {name}, of which it must be a copy"
        for copy, name in architecture.copies.items()
        if copy in tensors and not _equal(tensors[copy], tensors[name])
    ]


def _equal(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and bool(np.array_equal(one.read(), other.read()))


def _paths(rows: Iterable[Row]) -> set[str]:
    return {row.variable for row in rows}


def _row_problems(row: Row, variable: Any, tensor: Tensor | None) -> list[str]:
    if tensor is None:
        return [f"{row.tensor} is missing (for {row.variable})"]
    # NumPy calls bfloat16 a type of its own kind, "V".
    if tensor.dtype.kind not in "fV":
        return [f"{row.tensor} holds {tensor.dtype}, not floating-point numbers"]
    expected = tuple(variable.shape)[:: -1 if row.transposed else 1]
    if tensor.shape != expected:
        return [f"{row.tensor} has shape {tensor.shape}, expected {expected}"]
    return []


def weights_of(model: keras.Model, task: str | None) -> ModelWeights:
    """Returns a model's weights as Hugging Face lays them out, LoRA's updates merged.

    Args:
        model: a ``BertEncoder``, or a model for a task around one.
        task: of the model.

    Raises:
        CheckpointError: the model's variables are not those of its architecture.
    """
    config, weights = model.config, merged_weights(model)
    architecture = tables.architecture(config.model_type)
    pooler = any(row.variable in weights for row in architecture.pooler)
    added = architecture.added(task, weights)
    rows = (
        *architecture.rows(config, pooler=pooler, task=task),
        *itertools.chain(*added.values()),
    )
    return ModelWeights(config, task, rows, tensors_of(model, rows))


def tensors_of(model: keras.Model, rows: Collection[Row]) -> dict[str, Tensor]:
    """Returns a model's weights by the names of a table, LoRA's updates merged.

    Raises:
        CheckpointError: the model's variables are not those of the table.
    """
    weights = merged_weights(model)
    odd = sorted(weights.keys() ^ _paths(rows))
    if odd:
        raise CheckpointError(
            f"The model's variables are not those of its architecture; they differ in {odd}."
        )
    return {row.tensor: _tensor_of(weights[row.variable], row) for row in rows}


def _tensor_of(value: Any, row: Row) -> Tensor:
    dtype = np.dtype(keras.backend.standardize_dtype(value.dtype))
    tensor = LazyTensor(dtype, tuple(value.shape), functools.partial(array_of, value))
    return transposed(tensor) if row.transposed else tensor

"""Weights are taken over, not copied; memory is a matter of addresses here, not of measurement."""

from __future__ import annotations

import pathlib
from typing import Any

import keras
import ml_dtypes
import numpy as np
import pytest
import tensorflow as tf

from keras_bert_zoo.checkpoints import tensor_bundles
from keras_bert_zoo.checkpoints.memory import Starting, array_of, tensor_of
from keras_bert_zoo.checkpoints.pages import copied, empty
from keras_bert_zoo.checkpoints.tensors import LazyTensor


def address(values: np.ndarray) -> int:
    return values.ctypes.data


@pytest.mark.parametrize("dtype", ["float32", "float16", "float64", ml_dtypes.bfloat16])
@pytest.mark.parametrize("shape", [(), (0, 3), (5,), (4, 3)])
def test_a_variable_lies_in_the_array_that_was_read(dtype: Any, shape: tuple[int, ...]) -> None:
    values = empty(shape, dtype)
    values[...] = np.arange(values.size).reshape(shape)
    variable = keras.Variable(
        lambda *_, **__: tensor_of(values, np.dtype(dtype).name), shape, np.dtype(dtype).name
    )
    if values.size:
        assert address(array_of(variable)) == address(values)
    np.testing.assert_array_equal(array_of(variable), values)


def test_an_update_leaves_the_array() -> None:
    values = copied(np.ones((4, 3), "float32"))
    variable = tf.Variable(tensor_of(values, "float32"))
    variable.assign_add(tf.ones((4, 3)))
    assert values.sum() == 12
    assert variable.numpy().sum() == 24


@pytest.mark.parametrize(
    "values",
    [
        np.arange(12, dtype="float32").reshape(3, 4).T,
        copied(np.arange(13, dtype="float32"))[1:],
        np.arange(12),
    ],
    ids=["transposed", "not aligned", "another type"],
)
def test_what_no_tensor_can_take_over_is_copied(values: np.ndarray) -> None:
    tensor = tensor_of(values, "float32")
    assert tensor.dtype == "float32"
    np.testing.assert_array_equal(tensor, values)


def test_variables_start_with_what_they_are_given() -> None:
    """No random value is drawn, and both share their memory until one is updated."""

    def drawn(shape: Any, dtype: Any = None) -> Any:
        raise AssertionError("random values were drawn")

    source = keras.Variable(np.ones((2, 3), "float32"))
    with Starting():
        variable = keras.Variable(drawn, (3, 2), "float32")
        variable.assign(keras.ops.reshape(source, (3, 2)))
    assert address(array_of(variable)) == address(array_of(source))
    variable.assign_add(keras.ops.ones((3, 2)))
    assert float(keras.ops.sum(source)) == 6
    assert float(keras.ops.sum(variable)) == 12


def test_a_large_bundle_is_written_in_parts(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before a part is read, the tensors of the one before are gone."""
    monkeypatch.setattr(tensor_bundles, "_SMALLEST_PART", 100)
    arrays = {f"w{n}": np.full((10,), n, "float32") for n in range(6)}
    read: list[str] = []
    tensors = {
        name: LazyTensor(
            values.dtype, values.shape, lambda name=name: read.append(name) or arrays[name]
        )
        for name, values in arrays.items()
    }
    saved: list[list[str]] = []
    save = tf.raw_ops.SaveV2

    def recorded(**arguments: Any) -> Any:
        saved.append(list(read))
        return save(**arguments)

    monkeypatch.setattr(tf.raw_ops, "SaveV2", recorded)
    tensor_bundles.write_bundle(tmp_path / "model.ckpt", tensors)
    assert [len(names) for names in saved] == [2, 4, 6]
    names = {f"model.ckpt.data-0000{n}-of-00003" for n in range(3)}
    assert {path.name for path in tmp_path.iterdir()} == {*names, "model.ckpt.index"}
    for name, tensor in tensor_bundles.open_bundle(tmp_path / "model.ckpt").items():
        np.testing.assert_array_equal(tensor.read(), arrays[name])

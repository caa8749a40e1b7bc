from __future__ import annotations

import json

import numpy as np
import pytest

from keras_bert_zoo.export.errors import ExportError
from keras_bert_zoo.export.signature import Signature, TensorSpec

SIGNATURE = Signature(
    "ids",
    (TensorSpec("a", "int32", ("batch", "sequence")), TensorSpec("b", "int32", ("batch", 3))),
    (TensorSpec("y", "float32", ("batch", "sequence", 5)),),
)


def _inputs(batch: int, sequence: int) -> dict[str, np.ndarray]:
    return {"a": np.ones((batch, sequence), "int64"), "b": np.ones((batch, 3), "int64")}


def test_is_read_off_the_model(encoder):
    from keras_bert_zoo.models import BertEncoder

    signature = Signature.of(BertEncoder(encoder.config))
    assert [spec.name for spec in signature.inputs] == list(encoder.input)
    assert {spec.axes for spec in signature.inputs} == {("batch", "sequence")}
    assert [spec.axes for spec in signature.outputs] == [("batch", "sequence", 24), ("batch", 24)]


def test_refuses_outputs_that_are_lists(encoder):
    with pytest.raises(ExportError, match=r"hidden_states.*output_hidden_states=False"):
        Signature.of(encoder)


def test_survives_json():
    assert Signature.from_dict(json.loads(json.dumps(SIGNATURE.to_dict()))) == SIGNATURE


def test_fix_gives_open_axes_a_size():
    fixed = SIGNATURE.fix(batch=1, sequence=7)
    assert [spec.shape for spec in (*fixed.inputs, *fixed.outputs)] == [(1, 7), (1, 3), (1, 7, 5)]
    assert (fixed.size("batch"), fixed.size("sequence")) == (1, 7)
    assert SIGNATURE.fix(batch=1, sequence=None).inputs[0].shape == (1, None)


def test_bind_casts_and_checks():
    bound = SIGNATURE.bind(_inputs(2, 4))
    assert {array.dtype.name for array in bound.values()} == {"int32"}
    with pytest.raises(ValueError, match=r"must be \['a', 'b'\], received \['a'\]"):
        SIGNATURE.bind({"a": np.ones((1, 1))})
    with pytest.raises(ValueError, match=r"b must have the shape \(2, 3\), received \(1, 3\)"):
        SIGNATURE.bind({**_inputs(2, 4), "b": np.ones((1, 3))})
    with pytest.raises(ValueError, match=r"a must have the shape \(1, 'sequence'\)"):
        SIGNATURE.fix(batch=1).bind(_inputs(2, 4))
    with pytest.raises(ValueError, match="a must have the shape"):
        SIGNATURE.bind({**_inputs(2, 4), "a": np.ones(4)})


def test_mismatches_names_what_came_out_wrong():
    inputs = _inputs(2, 4)
    assert SIGNATURE.mismatches(inputs, {"y": np.ones((2, 4, 5))}) == []
    assert SIGNATURE.mismatches(inputs, {"z": np.ones((2, 4, 5))})
    (problem,) = SIGNATURE.mismatches(inputs, {"y": np.ones((4, 2, 5))})
    assert "(4, 2, 5), not (2, 4, 5)" in problem

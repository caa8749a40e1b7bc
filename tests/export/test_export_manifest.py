"""Manifests that no export wrote."""

from __future__ import annotations

import json

import pytest
from limits import limits
from readers import READERS

from keras_bert_zoo.export.artifact import Artifact
from keras_bert_zoo.export.errors import CorruptArtifact


@pytest.fixture
def manifest(tmp_path):
    READERS["artifact"].write(tmp_path)
    return json.loads((tmp_path / "manifest.json").read_text())


def tensors(**changes):
    return [{"name": "input_ids", "dtype": "int32", "axes": ["batch", 16], **changes}]


def signature(**changes):
    return {"signatures": [{"name": "ids", "inputs": tensors(), "outputs": tensors(), **changes}]}


SECRET = {"bytes": 1, "sha256": "00"}
CHANGES = {
    "a file outside": ({"files": {"../secret": SECRET}}, "files must be .* in its directory"),
    "a file by its root": ({"files": {"/etc/passwd": SECRET}}, "files must be"),
    "files as a list": ({"files": ["model.tflite"]}, "files must be"),
    "a format that is a list": ({"format": ["tflite"]}, "format must be a string"),
    "options that are none": ({"options": 3}, "options must be an object"),
    "no options": ({"options": None}, "options must be an object"),
    "no signatures": ({"signatures": []}, "at least one object"),
    "a signature that is a string": ({"signatures": ["ids"]}, "at least one object"),
    "a signature without inputs": (signature(inputs=[]), "needs inputs, names and types"),
    "a tensor without axes": (signature(inputs=tensors(axes=None)), "not iterable"),
    "a tensor of lists": (signature(inputs=tensors(axes=[[1]])), "axes of the signature 'ids'"),
    "a tensor of 10**12": (signature(inputs=tensors(axes=[1, 10**12])), "axes of the signature"),
    "a tensor with more": (signature(inputs=tensors(code="evil")), "unexpected keyword"),
    "a type that is a number": (signature(inputs=tensors(dtype=3)), "names and types"),
    "a fidelity of nothing": ({"fidelity": {"value": 1}}, "fidelity must be a measure"),
    "a fidelity of NaN": (
        {"fidelity": {"measure": "cosine", "value": float("nan"), "texts": 1}},
        "fidelity must be a measure",
    ),
    "a verification that is none": ({"verification": 3}, "verification must be an object"),
}


@pytest.mark.parametrize("case", CHANGES)
def test_a_damaged_manifest(manifest, tmp_path, case):
    changes, message = CHANGES[case]
    (tmp_path / "manifest.json").write_text(json.dumps({**manifest, **changes}))
    with limits(16, 5), pytest.raises(CorruptArtifact, match=rf"manifest\.json.*{message}"):
        Artifact.load(tmp_path)


@pytest.mark.parametrize("text", ["[]", "{", "[" * 50_000, '{"a": "\\ud800"}'], ids=range(4))
def test_what_is_no_manifest(tmp_path, text):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(CorruptArtifact, match=r"manifest\.json .*Export again"):
        Artifact.load(tmp_path)

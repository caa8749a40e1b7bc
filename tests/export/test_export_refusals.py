"""Bad input gets a clear error, and nothing half-written stays behind."""

from __future__ import annotations

import json
import os
import resource
import shutil
import types

import numpy as np
import pytest

from keras_bert_zoo import cli
from keras_bert_zoo.commands.verify import read_examples, with_labels
from keras_bert_zoo.data.examples import Examples
from keras_bert_zoo.data.text_files import TextTable
from keras_bert_zoo.export import process, verify
from keras_bert_zoo.export.artifact import Artifact
from keras_bert_zoo.export.conversion import export
from keras_bert_zoo.export.errors import (
    CorruptArtifact,
    ExportError,
    MissingRuntime,
    UnsupportedLayer,
)
from keras_bert_zoo.export.formats import FORMATS
from keras_bert_zoo.export.measurement import _measure
from keras_bert_zoo.export.runtimes import RUNTIMES
from keras_bert_zoo.export.search.quantization import quantize


def test_unknown_format_suggests_the_near_one(bundle, tmp_path):
    with pytest.raises(ExportError, match=r"received 'tflite-int5'\. Did you mean 'tflite-int"):
        export(bundle, tmp_path, ["onnx", "tflite-int5"])
    with pytest.raises(ExportError, match="formats is empty"):
        export(bundle, tmp_path, [])
    with pytest.raises(ExportError, match=r"'onnx-fused'\], .*'onnx-text'\. ONNX .* ids alone"):
        export(bundle, tmp_path, "onnx-text")
    assert not list(tmp_path.iterdir())


def test_an_output_that_is_a_file(bundle, tmp_path):
    (tmp_path / "out").write_text("")
    for output in (tmp_path / "out", tmp_path / "out" / "inside"):
        with pytest.raises(NotADirectoryError, match=r"must be a directory.*out' is a file"):
            export(bundle, output, ["onnx"])


def test_a_search_does_not_begin_where_its_file_may_not_be_written(
    bundle, artifacts, texts, monkeypatch
):
    monkeypatch.setattr(process, "call", None)
    output = artifacts["tflite-mixed"].path.parent
    with pytest.raises(FileExistsError, match=r"tflite-mixed.*--overwrite"):
        quantize(bundle, output, Examples(texts), progress=False)


def test_another_task_is_told_before_its_data_are_read(artifacts, make_bundle, tmp_path, capsys):
    encoder = make_bundle(tmp_path / "encoder", problem_type=None)
    words = ["verify", str(encoder), str(artifacts["onnx"].path), "--data", "nowhere.csv"]
    assert cli.main(words) == 2
    assert "is not of this bundle, which is an encoder" in capsys.readouterr().err


@pytest.mark.parametrize(("rows", "labels"), [("text\nup", None), ("text,label\nup,b", [1])])
def test_a_table_to_verify_with_has_labels_or_none(tiny_config, tmp_path, rows, labels):
    data = tmp_path / "data.csv"
    data.write_text(rows)
    table, names = TextTable(label=None), {0: "a", 1: "b"}
    config = tiny_config.replace(id2label=names, problem_type="single_label_classification")
    found = read_examples(config, with_labels(table, str(data)), str(data), None)
    assert found.labels is None if labels is None else [*found.labels] == labels


def test_existing_output_is_kept(bundle, artifacts):
    artifact = artifacts["tflite"]
    with pytest.raises(FileExistsError, match=r"tflite.*--overwrite"):
        export(bundle, artifact.path.parent, ["tflite"])
    with pytest.raises(TypeError, match="overwrite must be True or False, received 'no'"):
        export(bundle, artifact.path.parent, ["tflite"], overwrite="no")
    with pytest.raises(ValueError, match="'nowhere', and there is no such directory"):
        export("nowhere", artifact.path.parent, ["tflite"])
    assert Artifact.load(artifact.path) == artifact


def test_length_beyond_the_position_table_and_existing_output(bundle, artifacts, tmp_path):
    output = tmp_path / "out"
    shutil.copytree(artifacts["tflite"].path, output / "tflite")
    # Known before the first format is written, one without a length.
    names, wrong = ["onnx", "tflite"], r"from 1 to 80 .*received \[16, 81\]"
    with pytest.raises(ExportError, match=wrong):
        export(bundle, output, names, lengths=[16, 81], overwrite=True, progress=False)
    # What was to be replaced is untouched, and no temporary directory stays.
    assert [path.name for path in output.iterdir()] == ["tflite"]
    assert Artifact.load(output / "tflite").signature == artifacts["tflite"].signature


def test_lengths_that_no_format_takes(bundle, tmp_path):
    with pytest.raises(ExportError, match=r"lengths=\[64\] are for the formats \['tflite'"):
        export(bundle, tmp_path, ["onnx"], lengths=64, progress=False)


@pytest.mark.slow
def test_weights_of_a_training_that_diverged(make_bundle, tmp_path):
    import keras_bert_zoo

    broken = keras_bert_zoo.load(make_bundle(tmp_path / "bundle"))
    weight = broken.model.weights[3]
    weight.assign(np.full(weight.shape, np.nan))
    with pytest.raises(ExportError, match=f"1 weights hold NaN or infinity, first {weight.path}"):
        export(broken, tmp_path / "out", ["onnx"], progress=False)


@pytest.mark.slow
def test_artifact_of_another_kind_of_bundle(artifacts, make_bundle, texts, tmp_path):
    encoder = make_bundle(tmp_path / "encoder", problem_type=None)
    with pytest.raises(ExportError, match="is not of this bundle, which is an encoder"):
        verify(encoder, [artifacts["onnx"]], Examples(texts), progress=False)


def test_text_needs_a_tokenizer(tmp_path):
    from keras_bert_zoo.export.savedmodel import writer as savedmodel

    bundle = types.SimpleNamespace(tokenizer=None, model=_model_of(lambda x: x), config=None)
    with pytest.raises(ExportError, match=r"no tokenizer.*savedmodel-ids"):
        savedmodel.export(bundle, tmp_path / "model")


def test_full_disk_leaves_nothing_half_written(bundle, artifacts, tmp_path):
    output = tmp_path / "out"
    shutil.copytree(artifacts["onnx"].path, output / "onnx")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # The child inherits the limit; a file that grows beyond it fails as on a full disk.
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            export(bundle, output, ["onnx"], overwrite=True, progress=False)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [path.name for path in output.iterdir()] == ["onnx"]
    assert Artifact.load(output / "onnx") != artifacts["onnx"]  # only the path differs
    assert Artifact.load(output / "onnx").size == artifacts["onnx"].size


def _model_of(operation):
    import keras

    class OddLayer(keras.layers.Layer):
        def call(self, x):
            return operation(keras.ops.cast(x, "float32"))

    inputs = {"input_ids": keras.Input((None,), dtype="int32", name="input_ids")}
    outputs = {"logits": OddLayer(name="odd_layer")(inputs["input_ids"])}
    model = keras.Model(inputs, outputs)
    model.config = types.SimpleNamespace(max_tokens=16)
    return model


@pytest.mark.parametrize("name", ["tflite", "onnx"])
def test_unsupported_layer_is_named(name, tmp_path):
    import tensorflow as tf

    bundle = types.SimpleNamespace(
        model=_model_of(tf.math.special.bessel_j0), tokenizer=None, config=None
    )
    with pytest.raises(UnsupportedLayer, match=r"\['BesselJ0'\].*odd_layer"):
        FORMATS[name].export(bundle, tmp_path / "model")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("damage", ["flip", "cut", "delete"])
def test_changed_file_is_refused(artifacts, tmp_path, damage):
    directory = tmp_path / "onnx"
    shutil.copytree(artifacts["onnx"].path, directory)
    file = directory / "onnx" / "model.onnx"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    changed = {"flip": content, "cut": content[:-1], "delete": None}[damage]
    file.unlink()
    if changed is not None:
        file.write_bytes(changed)
    with pytest.raises(CorruptArtifact, match=r"onnx/model.onnx.*SHA-256"):
        Artifact.load(directory)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"manifest_version": 2}, "manifest version 2, this release reads 1"),
        ({"format": "coreml"}, "'coreml', which this version does not know"),
        ({"signatures": [{"name": "ids"}]}, "lacks 'inputs'"),
    ],
)
def test_foreign_manifest_is_refused(artifacts, tmp_path, changes, message):
    manifest = json.loads((artifacts["onnx"].path / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_text(json.dumps({**manifest, **changes}))
    with pytest.raises(CorruptArtifact, match=message):
        Artifact.load(tmp_path)


def test_directory_without_manifest(tmp_path):
    with pytest.raises(FileNotFoundError, match="is no artifact"):
        Artifact.load(tmp_path / "model.onnx")


@pytest.mark.parametrize("name", ["tflite", "onnx"])
def test_missing_runtime_names_the_extra(artifacts, name):
    artifact, runtime = artifacts[name], RUNTIMES[FORMATS[name].runtime]
    package = {"tflite": "ai_edge_litert", "onnx": "onnxruntime"}[name]
    request = (FORMATS[name].runtime, str(artifact.file), artifact.signatures, [], 1)
    with pytest.raises(MissingRuntime, match=rf"pip install keras-bert-zoo\[{runtime.extra}\]"):
        process.call(_measure, *request, hide=(package,))


def test_death_of_the_child_is_reported():
    with pytest.raises(ExportError, match="ended by signal 6"):
        process.call(os.abort)


def test_errors_cross_the_process_as_they_are():
    with pytest.raises(FileNotFoundError) as caught:
        process.call(os.listdir, "/nowhere/at/all")
    assert caught.value.filename == "/nowhere/at/all"
    assert "In the child process" in caught.value.__notes__[0]

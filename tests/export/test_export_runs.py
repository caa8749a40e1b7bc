"""Every format in its own runtime, in a fresh process, against Keras."""

from __future__ import annotations

import dataclasses
import json
import shutil

import numpy as np
import pytest
import safetensors.numpy

from keras_bert_zoo.config import PROBLEM_TYPES as PROBLEMS
from keras_bert_zoo.data.examples import Examples
from keras_bert_zoo.evaluation.classification import probabilities
from keras_bert_zoo.export.artifact import Artifact
from keras_bert_zoo.export.conversion import export
from keras_bert_zoo.export.formats import FORMATS
from keras_bert_zoo.export.runner import Runner
from keras_bert_zoo.export.verification.verification import verify

FLOAT_FORMATS = [name for name, row in FORMATS.items() if (row.tolerance or 1) <= 1e-4]
FOUR_BITS = ("int4", "mixed")


@pytest.fixture(scope="module")
def report(bundle, artifacts, texts):
    labels = np.array([2, 1, 0, 2, 1, 1], "int32")
    examples = Examples(texts, None, labels)
    return verify(bundle, artifacts.values(), examples, threads=1, progress=False)


@pytest.mark.parametrize("name", FORMATS)
def test_passes_verification(report, name):
    row = {row.format: row for row in report.rows}[name]
    assert row.problems == ()
    assert row.p95 >= row.p50 > 0
    assert len(row.lengths) > 1 or FORMATS[name].length


@pytest.mark.parametrize("name", FLOAT_FORMATS)
def test_floats_equal_keras(report, name):
    row = {row.format: row for row in report.rows}[name]
    assert row.max_difference < 1e-5
    assert (row.agreement, row.metric) == (1.0, report.keras.metric)


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in FLOAT_FORMATS])
def test_quantised_is_close_to_keras_but_not_equal(report, name):
    row = {row.format: row for row in report.rows}[name]
    # Weights of 8 bits are off by up to 0.4 % of their row's largest value, those of 16 by
    # 0.05 %, those of 4 by 7 %; logits here reach 2.
    largest = 0.01 if "float16" in name else 1.5 if any(part in name for part in FOUR_BITS) else 0.2
    assert 1e-5 < row.max_difference < largest


def test_open_formats_ran_two_batch_sizes_and_tflite_one(report):
    sizes = {row.format: row.batch_sizes for row in report.rows}
    assert sizes["onnx"] == sizes["savedmodel"] == (1, 4)
    assert sizes["tflite"] == (1,)


def test_text_gives_what_ids_give(report):
    differences = {row.format: row.text_difference for row in report.rows}
    for name in ("savedmodel", "tflite-text"):
        assert differences.pop(name) < 1e-5
    assert differences.pop("tflite-text-int8") < 0.1
    assert set(differences.values()) == {None}


def test_report_as_json_and_markdown(report, tmp_path):
    report.save(tmp_path / "new" / "report.json")
    values = json.loads((tmp_path / "new" / "report.json").read_text())
    assert values["passed"] is True and values["metric"] == "accuracy"
    assert [row["format"] for row in values["rows"]] == list(FORMATS)
    lines = report.to_markdown().splitlines()
    assert lines[0].startswith("| format | MB | max diff | agree | accuracy |")
    assert len([line for line in lines if line.startswith("|")]) == 2 + 1 + len(FORMATS)


@pytest.mark.parametrize("name", ["tflite", "onnx"])
def test_artifact_runs(artifacts, keras_bundle, encode, texts, name):
    inputs = encode(texts[1:2])
    expected = keras_bundle.model(inputs, training=False)["logits"]
    np.testing.assert_allclose(artifacts[name].run(inputs)["logits"], expected, atol=1e-5)


@pytest.fixture(scope="module")
def report_of_another(make_bundle, artifacts, texts, tmp_path_factory):
    """Artifacts compared with a bundle of other weights."""
    other = make_bundle(tmp_path_factory.mktemp("other") / "bundle", seed=8)
    chosen = [artifacts[name] for name in ("onnx", "tflite-int8", "onnx-int8", "tflite-text-int8")]
    return verify(other, chosen, Examples(texts), threads=1, progress=False)


def test_nothing_quantised_passes_for_another_bundle_or_labels(report_of_another):
    """Formats without a tolerance have nothing else to tell them apart."""
    quantised = report_of_another.rows[1:]
    assert [row.problems[0] for row in quantised] == [
        "it was made from other weights than the bundle's"
    ] * 3


def test_labels_in_another_order_are_named(bundle, artifacts, tmp_path):
    swapped = tmp_path / "swapped"
    shutil.copytree(bundle, swapped)
    config = json.loads((swapped / "config.json").read_text())
    config["id2label"] = {"0": "up", "1": "flat", "2": "down"}
    config["label2id"] = {"up": 0, "flat": 1, "down": 2}
    (swapped / "config.json").write_text(json.dumps(config))
    report = verify(swapped, [artifacts["tflite"]], Examples(["up"]), progress=False)
    assert "its labels are ['down', 'flat', 'up'], the bundle's" in report.rows[0].problems[0]


def test_nan_never_passes(make_bundle, tmp_path):
    import keras_bert_zoo
    from keras_bert_zoo.export.artifact import describe
    from keras_bert_zoo.export.digest import digest_of

    path = make_bundle(tmp_path / "bundle")
    file = path / "model.safetensors"
    weights = safetensors.numpy.load_file(file)
    weights["classifier.weight"][0, 0] = np.nan
    safetensors.numpy.save_file(weights, file, {"format": "pt"})
    broken = keras_bert_zoo.load(path)
    # By hand: `export` refuses such weights.
    artifact, row = tmp_path / "onnx", FORMATS["onnx-float16"]
    (artifact / row.file).parent.mkdir(parents=True)
    signatures = row.export(broken, artifact / row.file, **row.arguments)
    shutil.copy(path / "config.json", artifact)
    describe(
        artifact, "onnx-float16", "sequence_classification", signatures, {}, digest_of(broken.model)
    )
    report = verify(path, [artifact], Examples(["up"]), progress=False)
    assert all("returns NaN" in row.problems[0] for row in report.rows) and report.rows


def test_text_signature_returns_labels_and_scores(artifacts, keras_bundle, encode, texts):
    import keras

    outputs = artifacts["savedmodel"].run({"text": list(texts)})
    logits = keras_bundle.model(encode(texts), training=False)["logits"]
    expected = np.asarray(keras.ops.softmax(logits))
    np.testing.assert_allclose(outputs["scores"], expected, atol=1e-5)
    names = np.array(keras_bundle.config.labels, object)
    assert (outputs["labels"] == names).all()
    assert outputs["label"].tolist() == names[expected.argmax(axis=-1)].tolist()


def test_fixed_length(keras_bundle, encode, texts, tmp_path):
    from ai_edge_litert.interpreter import Interpreter

    path = tmp_path / "model.tflite"
    (signature,) = FORMATS["tflite"].export(keras_bundle, path, lengths=[16])
    assert signature.inputs[0].axes == (1, 16)
    inputs = encode(texts[1:2], 16)
    expected = keras_bundle.model(inputs, training=False)["logits"]
    logits = Interpreter(str(path)).get_signature_runner("ids")(**inputs)["logits"]
    np.testing.assert_allclose(logits, expected, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tflite", "tflite-mixed"])
def test_several_lengths_in_one_file(make_bundle, artifacts, encode, texts, tmp_path, name):
    bundle = make_bundle(tmp_path / "encoder", problem_type=None)
    lengths = [40, 8, 80]
    [artifact] = export(bundle, tmp_path, [name], lengths=lengths, progress=False)
    assert [s.name for s in artifact.signatures] == ["ids_8", "ids_40", "ids_80"]
    report = verify(bundle, [artifact], Examples(texts), threads=1, progress=False)
    assert report.rows[0].lengths == (8, 40, 80)
    assert report.passed, report.to_markdown()
    # Each graph takes some 100 kB; the weights, most of a real model, lie there once.
    assert artifact.size < artifacts[name].size + 3 * 100_000

    import keras_bert_zoo

    loaded, run = keras_bert_zoo.load(bundle), Runner(artifact, threads=1)
    for text in texts:
        inputs = encode([text])
        ours, keras = run(inputs), loaded.model(inputs, training=False)
        for output in ("last_hidden_state", "pooler_output"):
            assert ours[output].shape == keras[output].shape
            if name == "tflite":
                np.testing.assert_allclose(ours[output], keras[output], atol=1e-5)
    with pytest.raises(ValueError, match=r"input_ids must have the shape \(1, 80\)"):
        run({name: np.zeros((1, 81)) for name in inputs})


@pytest.mark.parametrize("name", ["onnx", "savedmodel-ids"])
def test_a_runner_of_an_open_format(artifacts, keras_bundle, encode, texts, name):
    inputs = encode(texts)
    expected = keras_bundle.model(inputs, training=False)["logits"]
    np.testing.assert_allclose(Runner(artifacts[name])(inputs)["logits"], expected, atol=1e-5)


def test_a_runner_takes_strings_too(artifacts, texts):
    run = Runner(artifacts["savedmodel"])
    assert run({"text": list(texts)})["label"].shape == (len(texts),)


@pytest.mark.parametrize("problem", PROBLEMS)
def test_text_head_says_what_the_score_says(keras_bundle, problem):
    from keras_bert_zoo.export.savedmodel.text_signatures import _Scores

    config = keras_bundle.config.replace(problem_type=problem)
    head = _Scores(dataclasses.replace(keras_bundle, config=config))
    logits = np.random.default_rng(1).normal(size=(5, 3)).astype("float32")
    outputs = {k: v.numpy() for k, v in head({}, {"logits": logits}).items()}
    # Float32 against float64.
    np.testing.assert_allclose(outputs["scores"], probabilities(problem, logits), atol=1e-6)
    assert (outputs["labels"] == np.array([b"down", b"flat", b"up"], object)).all()
    assert outputs["label"].tolist() == [config.labels[row.argmax()].encode() for row in logits]


@pytest.mark.slow
def test_encoder_gives_embeddings_of_text(make_bundle, tmp_path, texts):
    bundle = make_bundle(tmp_path / "encoder", problem_type=None)
    (artifact,) = export(bundle, tmp_path / "out", ["savedmodel"], progress=False)
    assert [spec.name for spec in artifact.text_signature.outputs] == ["embeddings"]
    report = verify(bundle, [artifact], Examples(texts), threads=1, progress=False)
    assert report.passed and report.rows[0].text_difference < 1e-5
    assert report.rows[0].agreement is None


def test_verification_fails_for_another_model(report_of_another):
    assert not report_of_another.passed
    other_weights, too_far = report_of_another.rows[0].problems
    assert "other weights" in other_weights
    assert "from Keras, more than 1e-04" in too_far
    assert "FAILED" in report_of_another.to_markdown()


@pytest.mark.parametrize("name", FORMATS)
def test_manifest_describes_the_artifact(artifacts, name):
    artifact = artifacts[name]
    manifest = json.loads((artifact.path / "manifest.json").read_text())
    assert Artifact.load(artifact.path) == Artifact.load(artifact.file) == artifact
    assert {"tensorflow", "keras", "keras-bert-zoo"} <= set(manifest["versions"])
    assert {"config.json", "tokenizer.json"} < set(manifest["files"])
    on_disk = [path for path in artifact.path.rglob("*") if path.is_file()]
    assert len(on_disk) == len(manifest["files"]) + 1
    assert artifact.size > 0

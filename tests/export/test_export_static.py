"""TFLite files whose products work on integers of fixed scales, found on texts."""

from __future__ import annotations

import dataclasses
import json
import shutil
import types

import numpy as np
import pytest

from keras_bert_zoo import cli
from keras_bert_zoo.data.examples import Examples
from keras_bert_zoo.export.conversion import export
from keras_bert_zoo.export.encoding import encoded
from keras_bert_zoo.export.errors import ExportError
from keras_bert_zoo.export.fidelity import Fidelity
from keras_bert_zoo.export.formats import FORMATS
from keras_bert_zoo.export.judgement import fidelity_of
from keras_bert_zoo.export.representative import chosen_examples
from keras_bert_zoo.export.runner import Runner
from keras_bert_zoo.export.tflite import writer as tflite
from keras_bert_zoo.export.tflite.activations import STEPS, even_out, fix_activations
from keras_bert_zoo.export.tflite.model import Graph, read, write
from keras_bert_zoo.export.tflite.ranges import observe
from keras_bert_zoo.export.tflite.weights import store_weights, weights_of
from keras_bert_zoo.export.verification.verification import verify

STATIC = {"tflite-static-int8": "INT8", "tflite-static-int16x8": "INT16"}


def run(content, inputs):
    from ai_edge_litert.interpreter import Interpreter

    return Interpreter(model_content=content).get_signature_runner("ids")(**inputs)["logits"]


@pytest.fixture(scope="module")
def lean(keras_bundle):
    return tflite.converted(keras_bundle.model)


@pytest.fixture(scope="module")
def rows(keras_bundle, many):
    return encoded(keras_bundle, many)


@pytest.fixture(scope="module")
def reaches(lean, rows):
    return observe(lean, rows)


@pytest.mark.parametrize(("name", "dtype"), STATIC.items())
def test_every_product_takes_and_makes_integers(artifacts, name, dtype):
    from tensorflow.lite.python.schema_py_generated import TensorType

    graph = Graph(read(artifacts[name].file.read_bytes()))
    products = graph.of_kind("FULLY_CONNECTED")
    kinds = [{graph.graph.tensors[t].type for t in (p.inputs[0], p.outputs[0])} for p in products]
    # All but the head, which stays in float32; where one token attends, queries, keys and values
    # are products of their own.
    assert kinds.count({getattr(TensorType, dtype)}) == len(products) - 1 == 4 + 6 + 1
    assert kinds.count({TensorType.FLOAT32}) == 1


def test_the_manifest_states_what_was_lost_and_no_text(artifacts, many):
    for name in STATIC:
        artifact = artifacts[name]
        assert artifact.options["examples"] == 18
        assert artifact.fidelity.measure == "agreement" and artifact.fidelity.texts == 18
        assert artifact.fidelity.value > 0.9
        manifest = (artifact.path / "manifest.json").read_text()
        assert json.loads(manifest)["fidelity"]["value"] == artifact.fidelity.value
        assert not [text for text in many.texts if text in manifest]
    assert artifacts["tflite-int8"].fidelity is None


def test_the_reaches_are_those_of_keras(keras_bundle, reaches, rows):
    """The first product takes what Keras' embeddings return, over all texts."""
    import keras

    encoder = keras_bundle.model.encoder
    embeddings = keras.Model(encoder.input, encoder.get_layer("embeddings").output)
    seen = np.concatenate([np.asarray(embeddings(row))[0] for row in rows])
    [first] = [reach for name, reach in reaches.items() if "layer_0/attention/qkv" in name]
    np.testing.assert_allclose(first.inputs, [seen.min(axis=0), seen.max(axis=0)], atol=1e-5)


def test_evening_out_changes_no_output(lean, reaches, rows):
    evened = read(lean)
    changed = even_out(evened, reaches)
    for row in rows[:6]:
        np.testing.assert_allclose(run(write(evened), row), run(lean, row), atol=1e-5)
    for reach in changed.values():
        largest = np.abs(reach.outputs).max(axis=0)
        np.testing.assert_allclose(largest, largest[0], rtol=1e-5)


def test_one_large_output_does_not_cost_the_others_their_steps(lean, rows, monkeypatch):
    """An output of a feed-forward layer that is a hundred times the others, as in BERT."""
    model = read(lean)
    graph = Graph(model)
    weight = weights_of(graph)["encoder/layer_0/output/kernel"]
    values = graph.value(weight).copy()
    values[3] *= 100
    graph.set_constant(weight, values)
    content = write(model)
    reaches = observe(content, rows)
    expected = np.concatenate([run(content, row) for row in rows])
    errors = {}
    for evened in (True, False):
        monkeypatch.setitem(STEPS, "int8", STEPS["int8"]._replace(evened=evened))
        fixed = read(content)
        fix_activations(fixed, "int8", reaches, lambda m: store_weights(m, lambda name: "int8"))
        outputs = np.concatenate([run(write(fixed), row) for row in rows])
        errors[evened] = np.abs(outputs - expected).mean()
    assert errors[True] < 0.5 * errors[False]


@pytest.mark.slow
def test_lengths_share_weights_and_scales(bundle, many, texts, artifacts, encode, tmp_path):
    options = {"examples": many, "lengths": [16, 80], "progress": False}
    [artifact] = export(bundle, tmp_path, ["tflite-static-int8"], **options)
    assert artifact.size < artifacts["tflite-static-int8"].size * 1.6
    short, free = Runner(artifact), Runner(artifacts["tflite-static-int8"])
    ours, theirs = (each(encode(texts[:1]))["logits"] for each in (short, free))
    np.testing.assert_allclose(ours, theirs, atol=0.1)


@pytest.mark.parametrize("count", [None, 0, 19])
def test_too_few_texts_are_refused(bundle, many, tmp_path, count):
    examples = None if count is None else many.take(count)
    known = rf"20 or more, received {count or 0} different ones; .*--data FILE"
    with pytest.raises(ExportError, match=known):
        export(bundle, tmp_path, ["tflite-static-int8"], examples=examples)


def test_a_text_counts_once():
    texts = [f"text {row % 30}" for row in range(90)]
    chosen = chosen_examples(Examples(texts), ["tflite-static-int8"])
    assert sorted(chosen.texts) == sorted(set(texts))
    with pytest.raises(ExportError, match="received 1 different ones"):
        chosen_examples(Examples(["same"] * 90), ["tflite-static-int8"])


def test_texts_that_no_format_takes_are_refused(bundle, many, tmp_path):
    with pytest.raises(ExportError, match=r"examples \(--data\) are for the formats .*'onnx'"):
        export(bundle, tmp_path, ["onnx"], examples=many)


def test_a_file_that_falls_apart_is_refused_and_leaves_nothing(bundle, many, tmp_path):
    """Here by the bound; the same check meets a figure that is low."""
    with pytest.raises(ExportError, match="min_fidelity must be from 0 to 1, received 90"):
        export(bundle, tmp_path, ["tflite-static-int8"], examples=many, min_fidelity=90)
    low = Fidelity("cosine", 0.51, 100)
    with pytest.raises(ExportError, match=r"apart .* cosine with Keras 0.510 .*'tflite-int8'"):
        low.check("tflite-static-int8", 0.9)
    low.check("tflite-static-int8", 0.5)
    assert low.problems and not low.notes
    assert Fidelity("cosine", 0.95, 100).notes and not Fidelity("cosine", 0.95, 100).problems


def test_the_figure_sees_a_broken_file(keras_bundle, artifacts, many, tmp_path):
    """Scales of quite other activations: the export would have been refused."""
    whole = artifacts["tflite-static-int8"]
    shutil.copytree(whole.path, tmp_path / "broken")
    model = read(whole.file.read_bytes())
    graph = Graph(model)
    for quantize in graph.of_kind("QUANTIZE"):
        quantization = graph.graph.tensors[quantize.outputs[0]].quantization
        quantization.scale = quantization.scale / 1000
    broken = dataclasses.replace(whole, path=tmp_path / "broken")
    broken.file.write_bytes(write(model))
    assert fidelity_of(keras_bundle, broken, many).value < 0.9
    assert fidelity_of(keras_bundle, whole, many).value > 0.9


@pytest.mark.slow
def test_verification_does_not_pass_what_fell_apart(bundle, artifacts, many, tmp_path):
    directory = tmp_path / "low"
    shutil.copytree(artifacts["tflite-static-int8"].path, directory)
    manifest = json.loads((directory / "manifest.json").read_text())
    for value, passed in ((0.89, False), (0.95, True)):
        manifest["fidelity"]["value"] = value
        (directory / "manifest.json").write_text(json.dumps(manifest))
        report = verify(bundle, [directory], many.take(4), progress=False)
        assert report.passed is passed
        assert f"agreement with Keras {value:.3f}" in "".join(
            (*report.rows[0].problems, *report.rows[0].notes)
        )


@pytest.mark.slow
@pytest.mark.parametrize("problem", [None, "regression", "multi_label_classification"])
def test_other_problems_have_their_measure(make_bundle, many, tmp_path, problem):
    bundle = make_bundle(tmp_path / "bundle", problem_type=problem)
    artifacts = export(bundle, tmp_path, STATIC, examples=many, min_fidelity=0.8, progress=False)
    measures = {None: "cosine", "regression": "pearson"}
    for artifact in artifacts:
        assert artifact.fidelity.measure == measures.get(problem, "agreement")


@pytest.mark.slow
def test_the_command(bundle, many, tmp_path, capsys):
    data = tmp_path / "texts.csv"
    data.write_text("text\n" + "".join(f'"{text}"\n' for text in many.texts), encoding="utf-8")
    words = ["export", str(bundle), "--output", str(tmp_path), "--formats", "tflite-static-int8"]
    assert cli.main(words) == 2
    assert "--data FILE" in capsys.readouterr().err
    assert cli.main([*words, "--data", str(data)]) == 0
    assert "agreement with Keras" in capsys.readouterr().out.replace("\n", " ")


def test_a_bundle_without_a_tokenizer_is_refused(keras_bundle, many, tmp_path):
    bundle = types.SimpleNamespace(
        model=keras_bundle.model, tokenizer=None, config=keras_bundle.config
    )
    row = FORMATS["tflite-static-int8"]
    with pytest.raises(ExportError, match="has no tokenizer"):
        row.export(bundle, tmp_path / "model", **row.arguments, examples=many)

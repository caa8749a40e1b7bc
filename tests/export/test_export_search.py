"""The search for the smallest file within a budget."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from keras_bert_zoo import cli
from keras_bert_zoo.data.examples import Examples
from keras_bert_zoo.export.artifact import Artifact
from keras_bert_zoo.export.errors import ExportError
from keras_bert_zoo.export.formats import FORMATS
from keras_bert_zoo.export.search.quantization import quantize
from keras_bert_zoo.export.tflite.recipes import RECIPES


@pytest.fixture(scope="module")
def examples(keras_bundle, encode, texts):
    """Labelled as the float32 model labels them, so that every change is a loss."""
    logits = np.array(keras_bundle.model(encode(texts), training=False)["logits"])
    return Examples(texts, labels=logits.argmax(axis=1))


@pytest.fixture(scope="module")
def searched(bundle, examples, tmp_path_factory):
    output = tmp_path_factory.mktemp("search")
    options = {"max_drop": 0.0, "threads": 1, "progress": False}
    return output, *quantize(bundle, output, examples, **options)


def test_tries_every_recipe_and_every_weight(searched, keras_bundle):
    _, _, found = searched
    names = [trial.name for trial in found.trials[: len(RECIPES)]]
    assert [FORMATS[name].arguments["recipe"] for name in names] == list(RECIPES)
    assert found.trials[0].quality == 1.0
    # Four products in the first block; six in the second, whose queries are of one token; the
    # pooler and the words; not the head.
    names = set(found.sensitivity)
    assert len(names) == 4 + 6 + 2 and not [name for name in names if "classifier" in name]
    assert all(value > 0 for value in found.sensitivity.values())
    paths = {weight.path for weight in keras_bundle.model.weights}
    unknown = {re.sub("qkv", "query", name) for name in names} - paths
    assert not unknown


def test_the_best_is_the_smallest_within_the_budget(searched):
    _, artifact, found = searched
    allowed = [trial for trial in found.trials if trial.drop <= found.max_drop]
    assert found.best.size == min(trial.size for trial in allowed)
    assert found.best.size < found.trials[0].size
    assert artifact.size == found.best.size
    assert artifact.options["storage"] == found.best.storage


def test_what_was_found_is_written_down(searched):
    output, artifact, found = searched
    values = json.loads((artifact.path / "search.json").read_text())
    assert values["best"]["name"] == found.best.name
    assert Artifact.load(output / "tflite-mixed") == artifact


@pytest.mark.slow
def test_an_encoder_is_judged_by_its_embeddings(make_bundle, texts, tmp_path):
    bundle = make_bundle(tmp_path / "encoder", problem_type=None)
    options = {"max_drop": 100, "goal": "speed", "lengths": [16, 80], "progress": False}
    artifact, found = quantize(bundle, tmp_path, Examples(texts), **options)
    assert found.metric == "cosine" and found.trials[0].quality > 1 - 1e-6
    assert found.best.milliseconds == min(trial.milliseconds for trial in found.trials)
    assert [s.name for s in artifact.signatures] == ["ids_16", "ids_80"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"goal": "beauty"}, "goal must be one of"),
        ({"max_drop": -1}, "max_drop must be from 0 to 100 points, received -1"),
        ({"lengths": 81}, r"from 1 to 80 .*received \[81\]"),
    ],
)
def test_wrong_arguments(bundle, examples, tmp_path, wrong, message):
    with pytest.raises(ExportError, match=message):
        quantize(bundle, tmp_path, examples, progress=False, **wrong)
    assert not list(tmp_path.iterdir())


def test_no_texts(bundle, examples, tmp_path):
    with pytest.raises(ExportError, match="no texts"):
        quantize(bundle, tmp_path, examples.take(0), progress=False)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_the_command_draws_what_it_found(bundle, examples, keras_bundle, tmp_path, capsys):
    data, output = tmp_path / "data.jsonl", tmp_path / "out"
    names = [keras_bundle.config.labels[int(label)] for label in examples.labels]
    rows = [{"text": text, "label": name} for text, name in zip(examples.texts, names, strict=True)]
    data.write_text("\n".join(map(json.dumps, rows)))
    command = ["quantize", str(bundle), "--data", str(data), "--output", str(output)]
    assert cli.main([*command, "--max-drop", "50"]) == 0
    assert "tflite-int4" in capsys.readouterr().out
    assert (output / "tflite-mixed" / "search.png").read_bytes().startswith(b"\x89PNG")

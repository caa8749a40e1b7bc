"""The temperature of a bundle: fitted on a file, kept in its config, used by its answers."""

from __future__ import annotations

import json

import numpy as np
import pytest

from keras_bert_zoo import SequenceClassifier, calibrate, cli, load, predictor, save
from keras_bert_zoo.evaluation.calibration import fit_temperature
from keras_bert_zoo.evaluation.prediction import predict_logits


@pytest.fixture
def classifier(checkpoint, tokenizer, tmp_path):
    """A bundle that is far too sure, and wrong about every fifth text."""
    encoder = load(checkpoint).model
    config = encoder.config.replace(
        id2label={0: "a", 1: "b"}, problem_type="single_label_classification"
    )
    model = SequenceClassifier(encoder, config)
    texts = [f"w{i} w{j}" for i in range(8) for j in range(8)]
    generator = np.random.default_rng(0)
    head = model.get_layer("classifier")
    head.set_weights([generator.normal(size=(16, 2)), np.zeros(2)])
    logits = predict_logits(model, tokenizer, texts)
    centre = np.median(logits[:, 0] - logits[:, 1])
    scale = 8 / np.std(logits[:, 0] - logits[:, 1])
    head.set_weights([scale * head.get_weights()[0], scale * np.array([-centre, 0])])
    wrong = np.arange(64) % 5 == 0
    chosen = np.array(["a", "b"])[((logits[:, 0] - logits[:, 1] < centre) ^ wrong).astype(int)]
    lines = [json.dumps({"text": t, "label": str(y)}) for t, y in zip(texts, chosen, strict=True)]
    (tmp_path / "validation.jsonl").write_text("\n".join(lines))
    return save(model, tokenizer, tmp_path / "bundle"), str(tmp_path / "validation.jsonl")


def test_the_bundle_remembers_its_temperature(classifier):
    bundle, data = classifier
    weights = (bundle / "model.safetensors").read_bytes()
    before = predictor(bundle)
    rows, outputs = before.outputs(before.task.read(data))
    scores = before.evaluate(data)
    found = calibrate(bundle, data)
    wanted = fit_temperature(
        "single_label_classification", rows.labels["logits"], outputs["logits"]
    )
    assert found.temperature == wanted
    assert found.scores["validation"]["after"]["nll"] < found.scores["validation"]["before"]["nll"]
    after = predictor(bundle)
    # The probabilities are others, logits, weights and scores are not.
    question = ["w1 w2"]
    [[chance, _]] = (list(a["scores"].values()) for a in after(question))
    logits = after.outputs(after.task.asked(question))[1]["logits"][0] / wanted
    assert chance == pytest.approx(1 / (1 + np.exp(logits[1] - logits[0])), abs=1e-6)
    assert after(question) != before(question)
    assert after.evaluate(data) == scores
    assert (bundle / "model.safetensors").read_bytes() == weights
    # Anew from the logits, not from what they were divided by; and for one question without.
    assert calibrate(bundle, data).temperature == wanted
    [[again, _]] = (
        list(a["scores"].values()) for a in predictor(bundle, options={"temperature": 1})(question)
    )
    [[first, _]] = (list(a["scores"].values()) for a in before(question))
    # The head is so large that rounding shows.
    assert again == pytest.approx(first, abs=1e-3) != pytest.approx(chance, abs=1e-3)


def test_the_command_prints_and_draws(classifier, capsys, tmp_path):
    bundle, data = classifier
    picture = tmp_path / "reliability.png"
    words = ["calibrate", str(bundle), data, "--test", data, "--picture", str(picture)]
    assert cli.main(words) == 0
    printed, _, line = capsys.readouterr().out.rpartition("}\n")
    values = json.loads(printed + "}")
    assert values["test"]["after"] == values["validation"]["after"]
    assert set(values["test"]["before"]) == {"nll", "brier", "ece", "ece_adaptive"}
    assert line.strip() == str(picture)
    assert picture.read_bytes().startswith(b"\x89PNG")
    config = json.loads((bundle / "config.json").read_text())
    kept = config["task_specific_params"]["sequence_classification"]["options"]
    assert kept == {"temperature": values["temperature"]}


def test_only_a_classifier_is_calibrated(checkpoint, tokenizer, tmp_path):
    model = load(checkpoint, task="token_classification", labels=["O", "B-X"]).model
    path = save(model, tokenizer, tmp_path / "tagger")
    with pytest.raises(
        ValueError, match=r"models of 'sequence_classification'.* one of 'token_classification'"
    ):
        calibrate(path, "dev.conll")


def test_only_a_directory_is_calibrated(tmp_path):
    with pytest.raises(FileNotFoundError, match="save the model to a directory"):
        calibrate("all-minilm-l6-v2", "dev.csv")

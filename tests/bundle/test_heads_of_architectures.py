"""Heads that are more than one layer: which of it a checkpoint has, and how many classes."""

from __future__ import annotations

import json

import numpy as np
import pytest
from architectures import batch, tiny

from keras_bert_zoo import bundle
from keras_bert_zoo.checkpoints.tables import ARCHITECTURES
from keras_bert_zoo.models import TASKS, encoder_of

CLASSES = "sequence_classification"


@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_the_weights_know_the_classes_where_the_config_does_not(kind, randomise, tmp_path):
    config = tiny(kind, id2label={0: "LABEL_0", 1: "LABEL_1"})
    pooler = ARCHITECTURES[kind].has_pooler(CLASSES)
    model = randomise(TASKS[CLASSES](encoder_of(config, add_pooling_layer=pooler)))
    saved = bundle.save(model, None, tmp_path / "bundle")
    values = json.loads((saved / "config.json").read_text())
    # As `transformers` writes what it takes for granted.
    kept = {key: value for key, value in values.items() if key not in ("id2label", "label2id")}
    (saved / "config.json").write_text(json.dumps(kept))
    loaded = bundle.load(saved)
    assert loaded.config.labels == ("LABEL_0", "LABEL_1")
    arrays = batch(config)
    assert np.array_equal(loaded.model(arrays)["logits"], model(arrays)["logits"])


def test_what_modernbert_learnt_before_words_goes_on_before_classes(randomise, tmp_path, caplog):
    model = randomise(TASKS["masked_lm"](encoder_of(tiny("modernbert"))))
    saved = bundle.save(model, None, tmp_path / "bundle")
    classifier = bundle.load(saved, task=CLASSES, labels=["no", "yes"]).model
    learnt = model.get_layer("predictions")
    assert np.array_equal(classifier.get_layer("classifier_dense").kernel, learnt.transform.kernel)
    assert np.array_equal(classifier.get_layer("classifier_norm").gamma, learnt.norm.gamma)
    assert "'classifier/kernel', 'classifier/bias'" in caplog.text
    assert "classifier_dense" not in caplog.text

"""Runs that train a part of the model."""

from __future__ import annotations

import numpy as np
import pytest

from keras_bert_zoo import load
from keras_bert_zoo.training.finetune import finetune
from keras_bert_zoo.training.recipe import FinetuneRecipe

QUERY = "encoder/layer_{}/attention/query/kernel"


def moved(values, checkpoint, **changes):
    """How far each weight of the encoder is from where it started."""
    recipe = FinetuneRecipe(**{**values, "validation": None, "test": None, **changes})
    tuned = load(finetune(recipe, verbose=0).bundle).model
    before = {v.path: v.numpy() for v in load(checkpoint).model.weights}
    return {v.path: np.abs(v.numpy() - before[v.path]).max() for v in tuned.encoder.weights}


@pytest.mark.slow
def test_lora_learns_and_leaves_a_plain_bundle(values, capsys):
    changes = {"lora_rank": 4, "lora_alpha": 8.0, "epochs": 10, "learning_rate": 2e-2}
    result = finetune(FinetuneRecipe(**{**values, **changes}), verbose=2)
    assert result.metrics["test"]["accuracy"] > 0.9
    # Two blocks, two layers, two factors of 16 by 4; pooler and classifier.
    trained = 2 * 2 * 2 * 16 * 4 + (16 * 16 + 16) + (16 * 2 + 2)
    assert f"training {trained:,} of " in capsys.readouterr().out
    assert load(result.bundle).config.labels == ("bad", "good")


def test_lora_moves_its_targets_in_blocks_that_are_not_frozen(values, checkpoint):
    changes = {"lora_rank": 2, "freeze_layers": 1, "lora_targets": ["query"], "layer_decay": 0.5}
    change = moved(values, checkpoint, **changes)
    assert {path for path, distance in change.items() if distance} == {
        QUERY.format(1),
        "pooler/dense/kernel",
        "pooler/dense/bias",
    }


def test_frozen_layers_stay_to_the_bit(values, checkpoint):
    change = moved(values, checkpoint, freeze_layers=1, layer_decay=0.5)
    frozen = [d for path, d in change.items() if path.startswith(("embeddings", "encoder/layer_0"))]
    assert max(frozen) == 0
    kernels = [path for path in change if "layer_1" in path and path.endswith("kernel")]
    assert min(change[path] for path in kernels) > 0


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"freeze_layers": 3}, "freeze_layers must be from 0 .* to 2"),
        ({"freeze_layers": 2, "layer_decay": 0.9}, "leaves no block of 2 .* layer_decay"),
        ({"freeze_layers": 2, "lora_rank": 2}, "LoRA needs a block of 2 that is not frozen"),
        ({"lora_rank": 2, "lora_targets": ["valeu"]}, "lora_targets must be ends of"),
    ],
)
def test_contradictions_are_refused_before_training(values, changes, complaint):
    with pytest.raises(ValueError, match=complaint):
        finetune(FinetuneRecipe(**{**values, **changes}), verbose=0)


def test_moments_are_kept_for_what_is_trained_alone(values, tmp_path):
    from keras_bert_zoo.training.finetune import _Run

    model = _Run(FinetuneRecipe(**{**values, "lora_rank": 2}), tmp_path).model
    moments = [v for v in model.optimizer.variables if v.path.endswith(("_m", "_v"))]
    assert len(moments) == 2 * len(model.trainable_variables) == 2 * (2 * 2 * 2 + 4)

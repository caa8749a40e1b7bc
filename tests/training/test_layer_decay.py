from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from transcriptions import adamw

from keras_bert_zoo import BertEncoder, SequenceClassifier, load
from keras_bert_zoo.training.finetune import finetune
from keras_bert_zoo.training.lamb import Lamb
from keras_bert_zoo.training.layer_decay import layer_scales
from keras_bert_zoo.training.optimizers import BertAdamW
from keras_bert_zoo.training.recipe import FinetuneRecipe

# Of two layers, with a decay of 0.5: 0.5 ** (2 + 2 - depth).
SCALES = {
    "embeddings/word_embeddings": 0.0625,
    "embeddings/norm/gamma": 0.0625,
    "encoder/layer_0/attention/query/kernel": 0.125,
    "encoder/layer_1/output/bias": 0.25,
    "pooler/dense/kernel": 1.0,
    "classifier/kernel": 1.0,
}


def test_published_factors():
    assert layer_scales(list(SCALES), 0.5) == list(SCALES.values())
    assert layer_scales(list(SCALES), None) == [1.0] * len(SCALES)
    twelve = layer_scales([f"bert/encoder/layer_{i}/output/bias" for i in range(12)], 0.9)
    np.testing.assert_allclose(twelve, [0.9 ** (13 - i) for i in range(12)])


def test_variables_without_layers_are_refused():
    with pytest.raises(ValueError, match=r"layer_decay=0.9 needs .*encoder/layer_0.*'kernel'"):
        BertAdamW(layer_decay=0.9).build([keras.Variable([1.0], name="kernel")])
    with pytest.raises(ValueError, match=r"layer_decay must be in \(0, 1\].* received 1.5"):
        BertAdamW(layer_decay=1.5)


@pytest.fixture
def model(tiny_config):
    config = tiny_config.replace(id2label={0: "a", 1: "b"})
    return SequenceClassifier(BertEncoder(config, dtype="float64"), dtype="float64")


def test_updates_of_a_classifier_are_those_by_hand(model, randomise):
    variables = randomise(model).trainable_variables
    generator = np.random.default_rng(1)
    starts = [v.numpy() for v in variables]
    steps = [[generator.normal(size=v.shape) for v in variables] for _ in range(3)]
    optimizer = BertAdamW(2.0**-7, layer_decay=0.5)
    for gradients in steps:
        optimizer.apply([tf.constant(g) for g in gradients], variables)
    decays = [v.path in optimizer.decaying_paths() for v in variables]
    depths = {"embeddings": 0, "encoder/layer_0": 1, "encoder/layer_1": 2}
    for index, variable in enumerate(variables):
        [depth] = [d for name, d in depths.items() if variable.path.startswith(name)] or [4]
        rates = [2.0**-7 * 0.5 ** (4 - depth)] * 3
        wanted = adamw(starts, steps, rates, decays)[index]
        # The head of a classifier is float32 whatever its encoder is, and TensorFlow's kernel
        # takes 1 - 0.999 in float32: the second moment is 1.3e-5 of itself too small.
        tolerance = 1e-10 if variable.dtype == "float64" else 1e-6
        np.testing.assert_allclose(variable.numpy(), wanted, rtol=0, atol=tolerance)


def test_lamb_has_it_too(model):
    optimizer = Lamb(2.0**-7, layer_decay=0.5)
    variables = model.trainable_variables
    before = {v.path: v.numpy() for v in variables}
    optimizer.apply([tf.ones(v.shape, v.dtype) for v in variables], variables)
    moved = {v.path: np.linalg.norm(v.numpy() - before[v.path]) for v in variables}
    length = {path: np.linalg.norm(value) for path, value in before.items()}
    for path, scale in (("embeddings/word_embeddings", 0.0625), ("pooler/dense/kernel", 1.0)):
        assert moved[path] == pytest.approx(2.0**-7 * scale * length[path], rel=1e-6)


@pytest.mark.slow
def test_a_recipe_has_it(values, checkpoint):
    changes = {"validation": None, "test": None, "epochs": 1, "weight_decay": 0.0}
    recipe = FinetuneRecipe(**{**values, **changes, "layer_decay": 1e-4})
    tuned = load(finetune(recipe, verbose=0).bundle).model
    before = {v.path: v.numpy() for v in load(checkpoint).model.weights}
    moved = {v.path: np.abs(v.numpy() - before[v.path]).max() for v in tuned.encoder.weights}
    rate, steps = recipe.learning_rate, 20
    # The last layer learns at a hundred-millionth of the rate, the head at all of it.
    lower = [change for path, change in moved.items() if not path.startswith("pooler/")]
    assert max(lower) < 1e-6 * rate * steps < 1e-3 * moved["pooler/dense/kernel"]

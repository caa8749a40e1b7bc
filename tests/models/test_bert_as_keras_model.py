"""What Keras users do with a model: save, cut, extend, fit, nest, copy."""

from __future__ import annotations

import collections
import copy
import pathlib
import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.models import BertEncoder

Batch = dict[str, np.ndarray]
PATHS = [
    "embeddings/word_embeddings",
    "embeddings/token_type_embeddings",
    "embeddings/position_embeddings",
    "embeddings/norm/gamma",
    "embeddings/norm/beta",
    "encoder/layer_0/attention/query/kernel",
    "encoder/layer_0/attention/query/bias",
    "encoder/layer_0/attention/key/kernel",
    "encoder/layer_0/attention/key/bias",
    "encoder/layer_0/attention/value/kernel",
    "encoder/layer_0/attention/value/bias",
    "encoder/layer_0/attention/output/kernel",
    "encoder/layer_0/attention/output/bias",
    "encoder/layer_0/attention_norm/gamma",
    "encoder/layer_0/attention_norm/beta",
    "encoder/layer_0/intermediate/kernel",
    "encoder/layer_0/intermediate/bias",
    "encoder/layer_0/output/kernel",
    "encoder/layer_0/output/bias",
    "encoder/layer_0/output_norm/gamma",
    "encoder/layer_0/output_norm/beta",
    "pooler/dense/kernel",
    "pooler/dense/bias",
]


def paths(model: keras.Model) -> list[str]:
    return [weight.path for weight in model.weights]


def assert_same_outputs(model: keras.Model, other: keras.Model, batch: Batch) -> None:
    for name, values in model(batch).items():
        np.testing.assert_array_equal(np.array(other(batch)[name]), np.array(values), name)


def test_weight_paths_are_pinned(tiny_config: EncoderConfig) -> None:
    one_layer = tiny_config.replace(num_hidden_layers=1)
    assert paths(BertEncoder(one_layer)) == PATHS
    # A second model in the process, and one under another name, count from 0 again.
    assert paths(BertEncoder(one_layer, name="other")) == PATHS


def test_parameters_of_the_config_counts_the_weights(tiny_config: EncoderConfig) -> None:
    assert BertEncoder(tiny_config).count_params() == tiny_config.parameters


def test_without_pooler(tiny_config: EncoderConfig, make_batch: Callable[..., Batch]) -> None:
    encoder = BertEncoder(tiny_config, add_pooling_layer=False)
    assert set(encoder(make_batch())) == {"last_hidden_state"}
    assert not [path for path in paths(encoder) if "pooler" in path]


def test_hidden_states_and_attentions_of_every_layer(encoder: BertEncoder) -> None:
    outputs = encoder.output
    assert len(outputs["hidden_states"]) == encoder.config.num_hidden_layers + 1
    assert len(outputs["attentions"]) == encoder.config.num_hidden_layers


def test_summary_names_the_layers(encoder: BertEncoder) -> None:
    lines: list[str] = []
    encoder.summary(print_fn=lines.append)
    text = "\n".join(lines)
    for name in ("embeddings", "layer_0", "layer_1", "pooler"):
        assert name in text


def test_saved_and_loaded(
    encoder: BertEncoder, make_batch: Callable[..., Batch], tmp_path: pathlib.Path
) -> None:
    encoder.save(tmp_path / "encoder.keras")
    loaded = keras.saving.load_model(tmp_path / "encoder.keras")
    assert type(loaded) is BertEncoder
    assert loaded.config == encoder.config
    assert paths(loaded) == paths(encoder)
    assert_same_outputs(encoder, loaded, make_batch())


FRESH = """
import keras, numpy as np, sys
try:
    keras.saving.load_model("encoder.keras")
except TypeError as error:
    assert "Could not locate class 'BertEncoder'" in str(error), error
else:
    raise AssertionError("loaded without the class")
import keras_bert_zoo.models
batch = dict(np.load("batch.npz"))
outputs = keras.saving.load_model("encoder.keras")(batch)
np.save("out.npy", keras.ops.convert_to_numpy(outputs["last_hidden_state"]))
"""


def test_a_fresh_process_loads_once_the_models_are_imported(
    encoder: BertEncoder, make_batch: Callable[..., Batch], tmp_path: pathlib.Path
) -> None:
    batch = make_batch()
    encoder.save(tmp_path / "encoder.keras")
    np.savez(tmp_path / "batch.npz", **batch)
    subprocess.run([sys.executable, "-c", FRESH], cwd=tmp_path, check=True, timeout=300)
    # Another process, another layout in memory: other vector paths in the last place.
    np.testing.assert_allclose(
        np.load(tmp_path / "out.npy"), np.array(encoder(batch)["last_hidden_state"]), atol=1e-6
    )


@pytest.mark.parametrize("policy", ["mixed_bfloat16", keras.DTypePolicy("mixed_float16")])
def test_the_dtype_policy_is_saved(
    policy: Any, tiny_config: EncoderConfig, tmp_path: pathlib.Path
) -> None:
    encoder = BertEncoder(tiny_config, dtype=policy)
    encoder.save(tmp_path / "encoder.keras")
    loaded = keras.saving.load_model(tmp_path / "encoder.keras")
    name = policy if isinstance(policy, str) else policy.name
    for layer in ("embeddings", "layer_1", "pooler"):
        assert loaded.get_layer(layer).dtype_policy.name == name
    assert loaded.get_layer("layer_1").attention.query.dtype_policy.name == name


def test_weights_alone(
    encoder: BertEncoder, make_batch: Callable[..., Batch], tmp_path: pathlib.Path
) -> None:
    encoder.save_weights(tmp_path / "encoder.weights.h5")
    other = BertEncoder(encoder.config, **encoder.options)
    other.load_weights(tmp_path / "encoder.weights.h5")
    assert_same_outputs(encoder, other, make_batch())


def test_cut(encoder: BertEncoder, make_batch: Callable[..., Batch]) -> None:
    hidden, _probabilities = encoder.get_layer("layer_0").output
    cut = keras.Model(encoder.input, hidden)
    whole = encoder(make_batch())
    np.testing.assert_array_equal(cut(make_batch()), whole["hidden_states"][1])


def losses_of_a_fit(config: EncoderConfig, batch: Batch) -> list[float]:
    keras.utils.set_random_seed(5)
    encoder = BertEncoder(config)
    scores = keras.layers.Dense(2, name="scores")(encoder.output["pooler_output"])
    model = keras.Model(encoder.input, scores)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.5), loss, jit_compile=False)
    return model.fit(batch, np.array([0, 1, 1, 0]), epochs=12, verbose=0).history["loss"]


def test_extended_fitted_and_repeatable(
    tiny_config: EncoderConfig, make_batch: Callable[..., Batch]
) -> None:
    one_layer = tiny_config.replace(num_hidden_layers=1)
    losses = losses_of_a_fit(one_layer, make_batch())
    assert losses[-1] < 0.7 * losses[0]
    assert losses == losses_of_a_fit(one_layer, make_batch())


def test_nested_in_another_model(
    encoder: BertEncoder, make_batch: Callable[..., Batch], tmp_path: pathlib.Path
) -> None:
    inputs = {name: keras.Input((12,), dtype="int32", name=name) for name in encoder.input}
    outputs = encoder(inputs)
    assert outputs["last_hidden_state"].shape == (None, 12, 24)
    outer = keras.Model(inputs, {"scores": keras.layers.Dense(3)(outputs["pooler_output"])})
    outer.save(tmp_path / "outer.keras")
    loaded = keras.saving.load_model(tmp_path / "outer.keras")
    assert_same_outputs(outer, loaded, make_batch())


COPIES: dict[str, Callable[[BertEncoder], keras.Model]] = {
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
    "deepcopy": copy.deepcopy,
    "from_config": lambda model: BertEncoder.from_config(model.get_config()),
    "clone_model": keras.models.clone_model,
}


@pytest.mark.parametrize("way", COPIES)
def test_copied(way: str, encoder: BertEncoder, make_batch: Callable[..., Batch]) -> None:
    other = COPIES[way](encoder)
    assert other is not encoder
    if way in ("from_config", "clone_model"):
        other.set_weights(encoder.get_weights())
    assert_same_outputs(encoder, other, make_batch())


def test_dropout_only_in_training(
    tiny_config: EncoderConfig, make_batch: Callable[..., Batch]
) -> None:
    encoder, batch = BertEncoder(tiny_config), make_batch()
    runs = [np.array(encoder(batch, training=on)["pooler_output"]) for on in (0, 0, 1, 1)]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert np.abs(runs[0] - runs[2]).max() > 1e-3
    assert np.abs(runs[2] - runs[3]).max() > 1e-3


def test_inputs_are_taken_by_name(encoder: BertEncoder, make_batch: Callable[..., Batch]) -> None:
    batch = make_batch()
    more = {**batch, "labels": np.zeros(4), "special_tokens_mask": batch["attention_mask"]}
    turned = collections.OrderedDict(reversed(batch.items()))
    assert list(turned) != list(encoder.input)
    wanted, found = (np.array(encoder(x)["pooler_output"]) for x in (batch, turned))
    np.testing.assert_array_equal(found, wanted)
    with pytest.raises(ValueError, match=r"unknown are \['labels', 'special_tokens_mask'\]"):
        encoder(more)
    with pytest.raises(ValueError, match="token_type_ids"):
        encoder({name: batch[name] for name in ("input_ids", "attention_mask")})
    with pytest.raises(ValueError, match=r"must be a dict of .* received list"):
        encoder(list(batch.values()))

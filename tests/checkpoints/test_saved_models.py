"""SavedModels in the layout of TF Hub's encoders, beside what they compute themselves."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from keras_bert_zoo.bundle import load, trained_for
from keras_bert_zoo.checkpoints.tensors import CheckpointError

SIZES = {"words": 61, "positions": 20, "types": 2, "hidden": 24, "inner": 40, "heads": 3}
THEIR_NAMES = {"last_hidden_state": "sequence_output", "pooler_output": "pooled_output"}
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "good", "film", "##s", "was"]


def hub_encoder(activation: Callable[[Any], Any], **sizes: int) -> Any:
    """A module with the variables of the Model Garden's `BertEncoder`, and what it computes.

    Names and shapes are those of its layers: `OnDeviceEmbedding`, `PositionEmbedding`,
    `MultiHeadAttention`, `EinsumDense`. `export_tfhub` adds `vocab_file` and `do_lower_case`.
    """
    import tensorflow as tf

    of = {**SIZES, **sizes}
    width, heads, inner = of["hidden"], of["heads"], of["inner"]
    generator = np.random.default_rng(3)

    class HubEncoder(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers: dict[str, Any] = {}
            self.add("word_embeddings/embeddings", of["words"], width)
            self.add("position_embedding/embeddings", of["positions"], width)
            self.add("type_embeddings/embeddings", of["types"], width)
            self.add_norm("embeddings/layer_norm")
            for layer in ("transformer/layer_0", "transformer/layer_1"):
                for name in ("query", "key", "value"):
                    self.add(f"{layer}/self_attention/{name}/kernel", width, heads, width // heads)
                    self.add(f"{layer}/self_attention/{name}/bias", heads, width // heads)
                output = f"{layer}/self_attention/attention_output"
                self.add(f"{output}/kernel", heads, width // heads, width)
                self.add(f"{output}/bias", width)
                self.add_norm(f"{layer}/self_attention_layer_norm")
                self.add(f"{layer}/intermediate/kernel", width, inner)
                self.add(f"{layer}/intermediate/bias", inner)
                self.add(f"{layer}/output/kernel", inner, width)
                self.add(f"{layer}/output/bias", width)
                self.add_norm(f"{layer}/output_layer_norm")
            self.add("pooler_transform/kernel", width, width)
            self.add("pooler_transform/bias", width)

        def add(self, name: str, *shape: int, mean: float = 0.0) -> None:
            values = mean + 0.2 * generator.standard_normal(shape)
            self.layers[name] = tf.Variable(values.astype("float32"), name=name)

        def add_norm(self, name: str) -> None:
            self.add(f"{name}/gamma", width, mean=1.0)
            self.add(f"{name}/beta", width)

        def norm(self, name: str, x: Any) -> Any:
            mean, variance = tf.nn.moments(x, -1, keepdims=True)
            scale, shift = self.layers[f"{name}/gamma"], self.layers[f"{name}/beta"]
            return (x - mean) / tf.sqrt(variance + 1e-12) * scale + shift

        def dense(self, name: str, equation: str, x: Any) -> Any:
            kernel, bias = self.layers[f"{name}/kernel"], self.layers[f"{name}/bias"]
            return tf.einsum(equation, x, kernel) + bias

        def attend(self, name: str, x: Any, mask: Any) -> Any:
            parts = ("query", "key", "value")
            query, key, value = (self.dense(f"{name}/{p}", "bsh,hnd->bsnd", x) for p in parts)
            scores = tf.einsum("bqnd,bknd->bnqk", query, key) / (width // heads) ** 0.5
            chances = tf.nn.softmax(scores - 1e9 * (1 - tf.cast(mask, "float32"))[:, None, None])
            mixed = tf.einsum("bnqk,bknd->bqnd", chances, value)
            return self.dense(f"{name}/attention_output", "bqnd,ndh->bqh", mixed)

        @tf.function(input_signature=[tf.TensorSpec([None, None], "int32")] * 3)
        def __call__(self, ids: Any, mask: Any, types: Any) -> dict[str, Any]:
            x = tf.gather(self.layers["word_embeddings/embeddings"], ids)
            x += self.layers["position_embedding/embeddings"][: tf.shape(ids)[1]]
            x += tf.gather(self.layers["type_embeddings/embeddings"], types)
            x = self.norm("embeddings/layer_norm", x)
            for layer in ("transformer/layer_0", "transformer/layer_1"):
                attended = self.attend(f"{layer}/self_attention", x, mask)
                x = self.norm(f"{layer}/self_attention_layer_norm", x + attended)
                inside = activation(self.dense(f"{layer}/intermediate", "bsh,hi->bsi", x))
                outside = self.dense(f"{layer}/output", "bsi,ih->bsh", inside)
                x = self.norm(f"{layer}/output_layer_norm", x + outside)
            pooled = tf.tanh(self.dense("pooler_transform", "bh,hg->bg", x[:, 0]))
            return {"sequence_output": x, "pooled_output": pooled}

    return HubEncoder()


def save(module: Any, directory: pathlib.Path, lower: bool | None = True) -> pathlib.Path:
    """Saves a module as TF Hub serves it, with the vocabulary as an asset."""
    import tensorflow as tf

    directory.parent.mkdir(parents=True, exist_ok=True)
    vocabulary = directory.parent / "vocab.txt"
    vocabulary.write_text("".join(f"{word}\n" for word in WORDS))
    module.vocab_file = tf.saved_model.Asset(str(vocabulary))
    if lower is not None:
        module.do_lower_case = tf.Variable(lower, trainable=False)
    tf.saved_model.save(module, str(directory))
    return directory


@pytest.mark.parametrize(
    ("activation", "approximate"), [("gelu_new", True), ("gelu", False), ("relu", None)]
)
def test_outputs_are_those_of_the_saved_model(
    activation: str, approximate: bool | None, tmp_path: pathlib.Path, make_batch: Any
) -> None:
    import tensorflow as tf

    def computed(x: Any) -> Any:
        return tf.nn.relu(x) if approximate is None else tf.nn.gelu(x, approximate)

    directory = save(hub_encoder(computed), tmp_path / "bert_en_uncased_L-2_H-24_A-3")
    bundle, batch = load(directory), make_batch()
    assert bundle.config.hidden_act == activation
    assert trained_for(directory) is None
    theirs = tf.saved_model.load(str(directory))
    names = ("input_ids", "attention_mask", "token_type_ids")
    expected = theirs(*(tf.constant(batch[name]) for name in names))
    outputs = bundle.model(batch)
    for ours, name in THEIR_NAMES.items():
        np.testing.assert_allclose(outputs[ours], expected[name], rtol=0, atol=1e-5)
    assert bundle.tokenizer.tokenize("A Films") == ["a", "film", "##s"]


@pytest.mark.parametrize(
    ("name", "stored", "expected"),
    [("bert_en_uncased", False, False), ("bert_en_cased", None, False), ("bert", None, True)],
)
def test_case(name: str, stored: bool | None, expected: bool, tmp_path: pathlib.Path) -> None:
    import tensorflow as tf

    directory = save(hub_encoder(tf.nn.relu), tmp_path / name, stored)
    assert load(directory).tokenizer.options.do_lower_case == expected


def test_another_model(tmp_path: pathlib.Path) -> None:
    import tensorflow as tf

    module = tf.Module()
    module.kernel = tf.Variable([1.0], name="dense/kernel")
    tf.saved_model.save(module, str(tmp_path / "other"))
    with pytest.raises(CheckpointError, match="is no encoder of TF Hub: it lacks"):
        load(tmp_path / "other")


def test_more_than_an_encoder(tmp_path: pathlib.Path) -> None:
    import tensorflow as tf

    module = hub_encoder(tf.nn.relu)
    module.add("embedding_projection/kernel", 24, 24)
    with pytest.raises(CheckpointError, match="embedding_projection/kernel is left over"):
        load(save(module, tmp_path / "projected"))


def test_a_damaged_graph(tmp_path: pathlib.Path) -> None:
    import tensorflow as tf

    directory = save(hub_encoder(tf.nn.relu), tmp_path / "bert")
    (directory / "saved_model.pb").write_bytes(b"no protocol buffer")
    with pytest.raises(CheckpointError, match=r"saved_model.pb is damaged"):
        load(directory)

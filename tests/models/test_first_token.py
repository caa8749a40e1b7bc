"""What is read of the first token alone: the same, with a last layer that computes no other."""

from __future__ import annotations

import io
import zipfile

import h5py
import keras
import numpy as np
import pytest
from architectures import batch, tiny

from keras_bert_zoo.checkpoints.tables import ARCHITECTURES
from keras_bert_zoo.models import BertEncoder, SentenceEmbedder, SequenceClassifier, encoder_of
from keras_bert_zoo.models.trained_parts import add_lora

STATES = "last_hidden_state"
KINDS = pytest.mark.parametrize("kind", [*ARCHITECTURES, "marian", "pegasus"])
OPTIONS = ({}, {"packed": True}, {"fused_attention": True}, {"recompute": True})


def undropped(kind, **changes):
    rates = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    return tiny(kind).replace(**rates, **changes)


def given(encoder):
    arrays = batch(encoder.config)
    if encoder.options["packed"]:
        arrays["attention_mask"] *= np.where(np.arange(9) < 2, 1, 2).astype("int32")
        arrays["position_ids"] = np.tile(np.arange(9, dtype="int32"), (3, 1))
    return arrays


def learned(encoder, first_token_only):
    """The first token's outputs, and the gradients of a loss of them."""
    import tensorflow as tf

    inputs = given(encoder)
    with tf.GradientTape() as tape:
        outputs = encoder(inputs, training=True, first_token_only=first_token_only)
        first = {name: x[:, :1] if name == STATES else x for name, x in outputs.items()}
        loss = tf.add_n([tf.reduce_sum(x**3) for x in first.values()])
    slopes = tape.gradient(loss, encoder.trainable_weights)
    return {name: x.numpy() for name, x in first.items()}, [
        np.zeros(w.shape) if slope is None else tf.convert_to_tensor(slope).numpy()
        for slope, w in zip(slopes, encoder.trainable_weights, strict=True)
    ]


@KINDS
@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "".join(options) or "plain")
def test_outputs_and_gradients_are_those_of_the_whole(kind, options, randomise):
    encoder = randomise(encoder_of(undropped(kind), **options))
    whole, wanted = learned(encoder, False)
    alone, found = learned(encoder, True)
    assert alone.keys() == whole.keys()
    for name in whole:
        np.testing.assert_allclose(alone[name], whole[name], atol=1e-5)
    for one, other in zip(wanted, found, strict=True):
        np.testing.assert_allclose(other, one, rtol=0, atol=1e-5 * max(1.0, np.abs(one).max()))


def products(model):
    """How many rows each product of two matrices has, of two texts of 8 tokens."""
    import tensorflow as tf

    signature = {name: tf.TensorSpec((2, 8), tf.int32, name=name) for name in model.input}
    graph = tf.function(lambda **inputs: model(inputs)).get_concrete_function(**signature).graph
    found = [node for node in graph.get_operations() if node.type == "MatMul"]
    return [node.outputs[0].shape[0] for node in found]


def test_a_classifier_computes_no_other_token_in_the_last_layer():
    encoder = encoder_of(undropped("bert"))
    # Queries, keys, values, attended, widened, narrowed; 16 tokens, then the keys and values of
    # them and the rest of 2.
    layer, last = [16] * 6, [2, 16, 16, 2, 2, 2]
    pooled, head = [2], [2]
    assert sorted(products(encoder)) == sorted(layer + layer + pooled)
    labels = undropped("bert", id2label={0: "no", 1: "yes"})
    assert sorted(products(SequenceClassifier(encoder, labels))) == sorted(
        layer + last + pooled + head
    )


@pytest.mark.parametrize(
    ("pooling", "alone"), [("cls", True), ("mean", False), (["cls", "max"], False)]
)
def test_an_embedding_of_the_first_token_computes_no_other(pooling, alone, randomise):
    encoder = randomise(encoder_of(undropped("bert"), add_pooling_layer=False))
    embedder = SentenceEmbedder(encoder, pooling=pooling)
    assert (products(embedder).count(2) > 0) == alone
    # The same encoder, which another head may read as a whole.
    arrays = batch(encoder.config)
    first = np.asarray(embedder(arrays)["sentence_embedding"])[:, :24]
    if pooling != "mean":
        np.testing.assert_allclose(first, np.asarray(encoder(arrays)[STATES])[:, 0], atol=1e-5)


def test_updates_of_low_rank_are_in_both(randomise):
    encoder = encoder_of(undropped("bert"))
    add_lora(encoder, rank=2)
    randomise(encoder)
    whole, wanted = learned(encoder, False)
    alone, found = learned(encoder, True)
    np.testing.assert_allclose(alone["pooler_output"], whole["pooler_output"], atol=1e-5)
    for one, other in zip(wanted, found, strict=True):
        np.testing.assert_allclose(other, one, rtol=0, atol=1e-5 * max(1.0, np.abs(one).max()))


def test_files_hold_each_weight_once(randomise, tmp_path):
    encoder = encoder_of(undropped("bert"))
    model = randomise(SequenceClassifier(encoder, undropped("bert", id2label={0: "no", 1: "yes"})))
    model.save(tmp_path / "model.keras")
    stored: list[int] = []
    with zipfile.ZipFile(tmp_path / "model.keras") as archive:
        content = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(content) as file:
        file.visititems(
            lambda _, entry: (
                stored.append(entry.size)
                if isinstance(entry, h5py.Dataset) and entry.dtype == "float32"
                else None
            )
        )
    assert sum(stored) == sum(int(np.prod(w.shape)) for w in model.weights)
    again = keras.saving.load_model(tmp_path / "model.keras")
    arrays = batch(encoder.config)
    np.testing.assert_array_equal(again(arrays)["logits"], model(arrays)["logits"])


def test_dropout_is_on_in_training_alone():
    encoder = encoder_of(tiny("bert"))
    arrays = batch(encoder.config)

    def asked(training):
        return np.asarray(encoder(arrays, training=training, first_token_only=True)[STATES])

    np.testing.assert_array_equal(asked(False), asked(False))
    assert np.abs(asked(True) - asked(True)).max() > 0.1


def test_inputs_are_checked_as_ever():
    encoder = encoder_of(undropped("bert"))
    arrays = batch(encoder.config)
    with pytest.raises(ValueError, match=r"unknown are \['positions'\]"):
        encoder({**arrays, "positions": arrays["input_ids"]}, first_token_only=True)


class Whole(BertEncoder):
    """As a user may have written it."""

    def call(self, inputs, training=None, mask=None):
        return super().call(inputs, training=training, mask=mask)


@pytest.mark.parametrize("kind", ["subclass", "clone", "plain"])
def test_encoders_that_know_whole_rows_alone_have_heads_too(kind, randomise):
    config = undropped("bert", id2label={0: "no", 1: "yes"})
    known = randomise(encoder_of(config))
    made = {
        "subclass": lambda: Whole(config),
        "clone": lambda: keras.models.clone_model(known),
        "plain": lambda: keras.Model(known.input, known.output),
    }
    encoder = made[kind]()
    encoder.set_weights(known.get_weights())
    encoder.config = config
    arrays = batch(config)
    for model, other in (
        (SequenceClassifier(known, config), SequenceClassifier(encoder, config)),
        (SentenceEmbedder(known, pooling="cls"), SentenceEmbedder(encoder, pooling="cls")),
    ):
        other.set_weights(model.get_weights())
        [wanted], [found] = model(arrays).values(), other(arrays).values()
        np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_a_direct_call_hears_of_training():
    encoder = encoder_of(tiny("bert"))
    arrays = batch(encoder.config)
    once, again = (
        np.asarray(encoder.call(arrays, training=True, first_token_only=True)[STATES])
        for _ in range(2)
    )
    assert np.abs(once - again).max() > 0.1

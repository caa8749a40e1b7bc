"""The options of encoders with blocks of their own: what BERT's tests show of BERT."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from architectures import OWN_BLOCKS, batch, tiny

from keras_bert_zoo.models import ENCODERS, encoder_of
from keras_bert_zoo.models.trained_parts import add_lora, freeze_layers, merged_weights

KINDS = pytest.mark.parametrize("kind", OWN_BLOCKS)
STATES = "last_hidden_state"


def twins(kind, randomise, dropout=0.0, **options):
    """The same encoder without and with options."""
    rates = {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
    config = tiny(kind).replace(**rates)
    models = []
    for more in ({}, options):
        keras.utils.set_random_seed(3)  # the same masks of dropout
        models.append(encoder_of(config, **more))
    randomise(models[0])
    models[1].set_weights(models[0].get_weights())
    return config, *models


def gradients(model, inputs):
    import tensorflow as tf

    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(inputs, training=True)[STATES] ** 3)
    return [tf.convert_to_tensor(g).numpy() for g in tape.gradient(loss, model.trainable_weights)]


@KINDS
def test_recomputing_changes_no_gradient(kind, randomise):
    config, kept, computed = twins(kind, randomise, dropout=0.3, recompute=True)
    wanted, found = gradients(kept, batch(config)), gradients(computed, batch(config))
    for one, other in zip(wanted, found, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-5 * max(1.0, np.abs(one).max()))


@KINDS
def test_the_kernel_of_the_backend_gives_the_same(kind, randomise):
    config, own, fused = twins(kind, randomise, fused_attention=True)
    arrays = batch(config)
    tokens = arrays["attention_mask"] > 0
    found = np.asarray(fused(arrays)[STATES])
    np.testing.assert_allclose(found[tokens], np.asarray(own(arrays)[STATES])[tokens], atol=1e-5)


@KINDS
def test_documents_of_a_packed_row_do_not_see_each_other(kind, randomise):
    config, single, packed = twins(kind, randomise, packed=True)
    rows = [batch(config, lengths=(length,), seed=length) for length in (8, 5)]
    first, second = (row["input_ids"][0] for row in rows)
    row = {
        "input_ids": np.concatenate([first, second])[None],
        "attention_mask": np.array([[1] * 8 + [2] * 5], "int32"),
        "position_ids": np.array([[*range(8), *range(5)]], "int32"),
    }
    if config.type_vocab_size > 1:
        row["token_type_ids"] = np.concatenate([x["token_type_ids"] for x in rows], axis=1)
    found = np.asarray(packed(row)[STATES])
    wanted = np.concatenate([np.asarray(single(x)[STATES]) for x in rows], axis=1)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5)


@KINDS
def test_hidden_states_end_with_the_last(kind, randomise):
    config = tiny(kind)
    model = randomise(encoder_of(config, output_hidden_states=True, output_attentions=True))
    outputs = model(batch(config))
    assert len(outputs["hidden_states"]) == config.num_hidden_layers + 1
    assert np.array_equal(outputs["hidden_states"][-1], outputs[STATES])
    assert [x.shape for x in outputs["attentions"]] == [(3, 3, 9, 9)] * 2


@KINDS
def test_keras_files_keep_it(kind, randomise, tmp_path):
    config = tiny(kind)
    model = randomise(encoder_of(config))
    model.save(tmp_path / "encoder.keras")
    loaded = keras.saving.load_model(tmp_path / "encoder.keras")
    assert type(loaded) is ENCODERS[kind] and loaded.config == config
    assert np.array_equal(loaded(batch(config))[STATES], model(batch(config))[STATES])


@KINDS
def test_rows_longer_than_the_positions_are_refused(kind):
    config = tiny(kind)
    with pytest.raises(ValueError, match="has 21 tokens a row, but positions end at 20"):
        encoder_of(config)(batch(config, lengths=(21,)))


@KINDS
def test_updates_of_low_rank_have_the_names_of_the_projections(kind, randomise):
    config = tiny(kind)
    model = randomise(encoder_of(config))
    before = np.asarray(model(batch(config))[STATES])
    block = model.get_layer("layer_1")
    add_lora(model, 2, targets=[name.rpartition(".")[2] for name in block.projections])
    assert all(layer.lora_rank == 2 for layer in block.projections.values())
    np.testing.assert_allclose(np.asarray(model(batch(config))[STATES]), before, atol=1e-6)
    assert not [path for path in merged_weights(model) if "lora" in path]


@KINDS
def test_what_follows_the_last_block_is_frozen_with_all_blocks(kind):
    for count in (0, 1, 2):
        model = encoder_of(tiny(kind))
        freeze_layers(model, count)
        trained = {variable.path.rpartition("/")[0] for variable in model.trainable_variables}
        assert ("encoder/final_norm" in trained) == (kind == "modernbert" and count < 2)
        blocks = {path.split("/")[1] for path in trained if "layer_" in path}
        assert blocks == {f"layer_{index}" for index in range(count, 2)}
        assert not [path for path in trained if not path.startswith("encoder/")]


@KINDS
def test_by_default_queries_and_values_are_updated(kind):
    model = encoder_of(tiny(kind))
    add_lora(model, 2)
    layers = model.get_layer("layer_0").projections
    wanted = {
        "modernbert": ["Wqkv"],
        "deberta-v2": ["query_proj", "value_proj"],
        "mobilebert": ["query", "value"],
    }[kind]
    assert [name.rpartition(".")[2] for name, x in layers.items() if x.lora_rank] == wanted


@KINDS
def test_half_precision_is_near(kind, randomise):
    config, wide, half = twins(kind, randomise, dtype="mixed_bfloat16")
    arrays = batch(config)
    tokens = arrays["attention_mask"] > 0
    found, wanted = (np.asarray(m(arrays)[STATES], "float32")[tokens] for m in (half, wide))
    # Eight bits of mantissa, in some forty operations, on numbers of size 3.
    assert np.abs(found - wanted).mean() < 0.05

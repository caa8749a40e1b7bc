"""Every architecture with every head beside live `transformers`, both ways."""

from __future__ import annotations

import numpy as np
import pytest
from architectures import PAIRS, VARIANTS, batch, tiny

from keras_bert_zoo import bundle
from keras_bert_zoo.checkpoints import tables

pytestmark = pytest.mark.parity
LABELS = {0: "a", 1: "b", 2: "c"}
# Our outputs that `transformers` calls otherwise, or differently from class to class.
THEIRS = {
    "prediction_logits": ("prediction_logits", "logits"),
    "seq_relationship_logits": ("seq_relationship_logits", "sop_logits", "logits"),
    "replaced_logits": ("logits",),
}


def reference(config, task):
    """Their model, every weight with a value of its own."""
    import torch
    import transformers

    labelled = task in ("sequence_classification", "token_classification")
    labels = {"id2label": LABELS, "label2id": {v: k for k, v in LABELS.items()}} if labelled else {}
    theirs = transformers.AutoConfig.for_model(
        **{**config.to_dict(), **labels}, attn_implementation="eager"
    )
    name = tables.architecture(config.model_type).classes[task]
    if not hasattr(transformers, name):
        pytest.skip(f"transformers has no {name}")
    model = getattr(transformers, name)(theirs).eval()
    generator = torch.Generator().manual_seed(7)
    for path, parameter in model.named_parameters():
        scale = path.endswith("weight") and "norm" in path.lower()
        parameter.data.copy_(0.1 * torch.randn(parameter.shape, generator=generator) + scale)
    return model


def inputs_for(config, task):
    arrays = batch(config)
    if task == "multiple_choice":
        return {name: np.stack([x, x[::-1]], axis=1) for name, x in arrays.items()}
    return arrays


def answers(model, arrays, ours):
    """Their outputs, by our names."""
    import torch

    with torch.no_grad():
        found = model(**{name: torch.from_numpy(x).long() for name, x in arrays.items()})
    known = {name: THEIRS.get(name, (name,)) for name in ours}
    return {
        name: next(found[each] for each in names if each in found).numpy()
        for name, names in known.items()
    }


def assert_equal(outputs, wanted, mask):
    """Within 1e-5; of tokens, those that are no padding."""
    for name, numbers in wanted.items():
        ours, theirs = outputs[name], numbers
        if ours.shape[: mask.ndim] == mask.shape:
            ours, theirs = ours[mask > 0], theirs[mask > 0]
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5, err_msg=name)


@pytest.mark.parametrize(("kind", "task", "changes"), [*((*pair, {}) for pair in PAIRS), *VARIANTS])
def test_outputs_are_theirs_and_saved_files_too(kind, task, changes, tmp_path):
    config = tiny(kind, **changes)
    theirs = reference(config, task)
    theirs.save_pretrained(tmp_path / "theirs")
    model = bundle.load(tmp_path / "theirs", task=task).model
    arrays = inputs_for(config, task)
    asked = dict(arrays)
    if "masked_positions" in model.input:
        places = np.arange(arrays["input_ids"].shape[1], dtype="int32")
        asked["masked_positions"] = np.tile(places, (len(arrays["input_ids"]), 1))
    outputs = {name: np.asarray(x) for name, x in model(asked).items()}
    mask = arrays["attention_mask"]
    assert_equal(outputs, answers(theirs, arrays, outputs), mask)

    bundle.save(model, None, tmp_path / "ours")
    again, report = type(theirs).from_pretrained(tmp_path / "ours", output_loading_info=True)
    assert not any(report.values()), report
    assert_equal(outputs, answers(again.eval(), arrays, outputs), mask)


def test_a_bottleneck_that_nothing_uses_is_left_unread(tmp_path, caplog):
    config = tiny("mobilebert", use_bottleneck_attention=True)
    assert config.choices.key_query_shared_bottleneck
    theirs = reference(config, None)
    theirs.save_pretrained(tmp_path / "theirs")
    with caplog.at_level("INFO"):
        model = bundle.load(tmp_path / "theirs").model
    assert "layer.0.bottleneck.attention.dense.weight (a bottleneck that nothing" in caplog.text
    arrays = batch(config)
    outputs = {name: np.asarray(x) for name, x in model(arrays).items()}
    assert_equal(outputs, answers(theirs, arrays, outputs), arrays["attention_mask"])
    bundle.save(model, None, tmp_path / "ours")
    again, report = type(theirs).from_pretrained(tmp_path / "ours", output_loading_info=True)
    assert all(".bottleneck.attention." in name for name in report["missing_keys"])
    assert_equal(outputs, answers(again.eval(), arrays, outputs), arrays["attention_mask"])


@pytest.mark.parametrize("kind", tables.ARCHITECTURES)
def test_gradients_are_theirs(kind, tmp_path):
    import tensorflow as tf
    import torch

    config = tiny(kind)
    theirs = reference(config, None)
    theirs.save_pretrained(tmp_path)
    # PyTorch would give the row of padding no gradient: a neighbour's in MobileBERT.
    theirs.get_input_embeddings().padding_idx = None
    model = bundle.load(tmp_path).model
    arrays = batch(config)
    weights = np.random.default_rng(1).normal(size=(*arrays["input_ids"].shape, 24))
    weights = (weights * arrays["attention_mask"][..., None]).astype("float32")
    output = theirs(**{name: torch.from_numpy(x).long() for name, x in arrays.items()})
    (output["last_hidden_state"] * torch.from_numpy(weights)).sum().backward()
    variables = [v for v in model.trainable_variables if "pooler" not in v.path]
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(arrays, training=False)["last_hidden_state"] * weights)
    gradients = tape.gradient(loss, [v.value for v in variables])
    ours = {v.path: tf.convert_to_tensor(g) for v, g in zip(variables, gradients, strict=True)}
    table, named = tables.architecture(kind), dict(theirs.named_parameters())
    for row in table.rows(config, pooler=False, task=None):
        wanted = named[row.tensor].grad.numpy()
        wanted = wanted.T if row.transposed else wanted
        # Sums over all tokens: as many float32 steps more as their size says.
        limit = 1e-5 * max(1.0, np.abs(wanted).max())
        np.testing.assert_allclose(ours[row.variable], wanted, rtol=0, atol=limit)

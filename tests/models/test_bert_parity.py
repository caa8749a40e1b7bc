"""The encoder beside a live `transformers.BertModel` with the same tiny random weights."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from keras_bert_zoo import bundle
from keras_bert_zoo.checkpoints import tables
from keras_bert_zoo.config import EncoderConfig

pytestmark = pytest.mark.parity
SIZES = {
    "vocab_size": 61,
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "intermediate_size": 40,
    "max_position_embeddings": 20,
}
SEQUENCES = ("hidden_states", "attentions")


def reference(**choices: Any) -> Any:
    import torch
    import transformers

    config = transformers.BertConfig(**SIZES, attn_implementation="eager", **choices)
    model = transformers.BertModel(config).eval()
    generator = torch.Generator().manual_seed(7)
    for name, parameter in model.named_parameters():
        noise = 0.2 * torch.randn(parameter.shape, generator=generator)
        parameter.data.copy_(noise + ("LayerNorm.weight" in name))
    return model


def ours_of(model: Any, directory: pathlib.Path) -> Any:
    model.save_pretrained(directory)
    return bundle.load(directory, output_hidden_states=True, output_attentions=True).model


def torch_inputs(batch: dict[str, np.ndarray]) -> dict[str, Any]:
    import torch

    return {name: torch.from_numpy(values).long() for name, values in batch.items()}


@pytest.mark.parametrize("activation", ["gelu", "gelu_new", "gelu_pytorch_tanh", "relu", "silu"])
def test_outputs(
    activation: str, tmp_path: pathlib.Path, make_batch: Callable[..., dict[str, np.ndarray]]
) -> None:
    import torch

    theirs = reference(hidden_act=activation)
    ours = ours_of(theirs, tmp_path)
    for lengths in ((12, 9, 5, 1), (20,)):
        batch = make_batch(lengths, width=max(lengths))
        with torch.no_grad():
            expected = theirs(
                **torch_inputs(batch), output_hidden_states=True, output_attentions=True
            )
        outputs = ours(batch)
        for name in ("last_hidden_state", "pooler_output", *SEQUENCES):
            ours_stacked = np.stack([np.array(part) for part in outputs[name]])
            theirs_stacked = np.stack([part.numpy() for part in expected[name]])
            np.testing.assert_allclose(
                ours_stacked, theirs_stacked, rtol=0, atol=1e-5, err_msg=name
            )


def test_gradients_of_every_weight(
    tmp_path: pathlib.Path, make_batch: Callable[..., dict[str, np.ndarray]]
) -> None:
    import tensorflow as tf

    theirs, batch = reference(), make_batch()
    ours = ours_of(theirs, tmp_path)
    # Real tokens only: torch's table keeps the row of [PAD] without a gradient.
    real = batch["attention_mask"] == 1
    outputs = theirs(**torch_inputs(batch))
    (outputs.last_hidden_state[real].pow(3).mean() + outputs.pooler_output.pow(3).mean()).backward()
    with tf.GradientTape() as tape:
        outputs = ours(batch)
        loss = tf.reduce_mean(outputs["last_hidden_state"][real] ** 3)
        loss += tf.reduce_mean(outputs["pooler_output"] ** 3)
    weights = {weight.path: weight for weight in ours.weights}
    gradients = dict(zip(weights, tape.gradient(loss, list(weights.values())), strict=True))
    expected = {name: parameter.grad.numpy() for name, parameter in theirs.named_parameters()}
    rows = tables.architecture("bert").rows(ours.config, pooler=True, task=None)
    assert {row.variable for row in rows} == set(weights)
    for row in rows:
        gradient = np.array(tf.convert_to_tensor(gradients[row.variable]))
        gradient = gradient.T if row.transposed else gradient
        scale = max(1.0, np.abs(expected[row.tensor]).max())
        np.testing.assert_allclose(
            gradient / scale, expected[row.tensor] / scale, rtol=0, atol=1e-5, err_msg=row.variable
        )


def test_transformers_reads_the_config_we_write(tmp_path: pathlib.Path) -> None:
    import transformers

    theirs = transformers.BertConfig(**SIZES, id2label={0: "no", 1: "yes"}, layer_norm_eps=1e-6)
    theirs.save_pretrained(tmp_path)
    ours = EncoderConfig.from_file(tmp_path / "config.json")
    read = transformers.BertConfig.from_dict(ours.to_dict()).to_dict()
    assert read.pop("label2id") == {"no": 0, "yes": 1}
    assert read.items() >= {k: v for k, v in theirs.to_dict().items() if k != "label2id"}.items()

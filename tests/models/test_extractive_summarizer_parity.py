"""Beside a transcription of Liu and Lapata 2019, section 3, in torch, that takes each [CLS] out."""

from __future__ import annotations

import numpy as np
import pytest
from published import check_gradients, gradients_by_variable, torch_inputs

from keras_bert_zoo import bundle
from keras_bert_zoo.models import BertEncoder, ExtractiveSummarizer

pytestmark = pytest.mark.parity
CLS = 7
LENGTHS = (19, 14, 8)
STARTS = ((0, 4, 5, 9, 15), (0, 3, 6), (0,))
LABELS = ((0, 1, 0, 0, 1), (1, 0, 0), (1,))
# The names of torch's layer for those of ours.
NAMES = {
    "attention.output.dense": "self_attn.out_proj",
    "attention.output.LayerNorm": "norm1",
    "intermediate.dense": "linear1",
    "output.dense": "linear2",
    "output.LayerNorm": "norm2",
}
PROJECTIONS = ("query", "key", "value")


def parts(prefix, kind, layer, of):
    """Torch's tensors by our names, a projection of three as three."""
    get = of if of else lambda parameter: parameter
    three = get(getattr(layer.self_attn, f"in_proj_{kind}")).chunk(3)
    found = {
        f"{prefix}.attention.self.{name}.{kind}": each
        for name, each in zip(PROJECTIONS, three, strict=True)
    }
    for ours, theirs in NAMES.items():
        found[f"{prefix}.{ours}.{kind}"] = get(getattr(layer.get_submodule(theirs), kind))
    return found


def transcription(directory, config):
    """BERT of `transformers`, layers of torch, one linear layer; weights as they were saved."""
    import safetensors.torch
    import torch
    import transformers

    bert = transformers.BertModel.from_pretrained(
        directory, add_pooling_layer=False, attn_implementation="eager"
    ).eval()
    layers = [
        torch.nn.TransformerEncoderLayer(
            config.hidden_size, config.num_attention_heads, config.intermediate_size, dropout=0.0,
            activation="gelu", layer_norm_eps=config.layer_norm_eps, batch_first=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    classifier = torch.nn.Linear(config.hidden_size, 1)
    stored = safetensors.torch.load_file(directory / "model.safetensors")
    with torch.no_grad():
        for index, layer in enumerate(layers):
            for kind in ("weight", "bias"):
                for name, part in parts(f"inter_sentence.layer.{index}", kind, layer, None).items():
                    part.copy_(stored[name])
        classifier.weight.copy_(stored["classifier.weight"])
        classifier.bias.copy_(stored["classifier.bias"])
    return bert, layers, classifier


def pos_emb(count, width):
    """Vaswani et al. 2017, section 3.5, a number at a time."""
    import torch

    table = torch.zeros(count, width)
    for position in range(count):
        for pair in range(0, width, 2):
            angle = position / 10000 ** (pair / width)
            table[position, pair] = np.sin(angle)
            table[position, pair + 1] = np.cos(angle)
    return table


def test_logits_loss_and_gradients(tmp_path, make_batch, tiny_config, randomise):
    import tensorflow as tf
    import torch

    batch = make_batch(LENGTHS, width=19)
    batch["input_ids"][batch["input_ids"] == CLS] = CLS + 1
    labels = np.zeros((3, 19), "int32")
    weights = np.zeros((3, 19), "float32")
    for row, (starts, wanted) in enumerate(zip(STARTS, LABELS, strict=True)):
        batch["input_ids"][row, list(starts)] = CLS
        labels[row, list(starts)] = wanted
        weights[row, list(starts)] = 1.0
    ours = randomise(ExtractiveSummarizer(BertEncoder(tiny_config, add_pooling_layer=False)))
    ours.compile("sgd")
    saved = bundle.save(ours, None, tmp_path / "saved")
    bert, layers, classifier = transcription(saved, tiny_config)

    hidden = bert(**torch_inputs(batch)).last_hidden_state
    logits = []
    for row, starts in enumerate(STARTS):  # one document at a time: no mask, no padding
        sentences = hidden[row, list(starts)] + pos_emb(len(starts), tiny_config.hidden_size)
        sentences = sentences[None]
        for layer in layers:
            sentences = layer(sentences)
        logits.append(classifier(sentences)[0, :, 0])
    logits = torch.cat(logits)
    flat = torch.tensor([float(label) for wanted in LABELS for label in wanted])
    loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, flat)
    loss.backward()

    with tf.GradientTape() as tape:
        outputs = ours(batch, training=False)
        our_loss = ours.compute_loss(batch, {"logits": labels}, outputs, {"logits": weights})
    found = np.array(outputs["logits"])[weights > 0]
    np.testing.assert_allclose(found, logits.detach().numpy(), rtol=0, atol=1e-5)
    assert float(our_loss) == pytest.approx(loss.item(), rel=1e-5)

    expected = {f"bert.{name}": each.grad for name, each in bert.named_parameters()}
    for index, layer in enumerate(layers):
        for kind in ("weight", "bias"):
            expected |= parts(f"inter_sentence.layer.{index}", kind, layer, lambda p: p.grad)
    expected |= {f"classifier.{n}": p.grad for n, p in classifier.named_parameters()}
    check_gradients(ours, gradients_by_variable(ours, our_loss, tape), expected)

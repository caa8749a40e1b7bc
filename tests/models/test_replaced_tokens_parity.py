"""ELECTRA's discriminator beside live `transformers`; all of it on every backend of Keras."""

from __future__ import annotations

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from published import check_gradients, gradients_by_variable, gradients_of

from keras_bert_zoo import BertEncoder, ReplacedTokenModel, bundle

pytestmark = pytest.mark.parity
POSITIONS = np.array([[1, 4, 11], [2, 8, 0], [3, 0, 0], [1, 2, 0]], "int32")


@pytest.fixture
def batch(make_batch):
    return make_batch((12, 9, 5, 4), width=12)


def reference(config, activation):
    import torch
    import transformers

    values = {**config.to_dict(), "model_type": "electra", "hidden_act": activation}
    values["embedding_size"] = config.hidden_size
    config = transformers.ElectraConfig(attn_implementation="eager", **values)
    model = transformers.ElectraForPreTraining(config).eval()
    generator = torch.Generator().manual_seed(7)
    for path, parameter in model.named_parameters():
        noise = 0.2 * torch.randn(parameter.shape, generator=generator)
        parameter.data.copy_(noise + ("LayerNorm.weight" in path))
    return model


def answer(model, batch, **labels):
    import torch

    return model(**{k: torch.from_numpy(v).long() for k, v in {**batch, **labels}.items()})


@pytest.mark.parametrize("activation", ["gelu", "gelu_new"])
def test_logits_loss_and_gradients(activation, tmp_path, batch, tiny_config):
    import tensorflow as tf

    theirs = reference(tiny_config, activation)
    theirs.save_pretrained(tmp_path)
    detector = bundle.load(tmp_path, task="replaced_tokens").model
    replaced = np.random.default_rng(2).integers(0, 2, (4, 12)) * batch["attention_mask"]
    expected = answer(theirs, batch, labels=replaced)
    expected.loss.backward()

    model = ReplacedTokenModel(detector.encoder, tiny_config)
    positions = np.tile(np.arange(12, dtype="int32"), (4, 1))
    inputs = {**batch, "masked_positions": positions}
    words = {"prediction_logits": batch["input_ids"] + replaced}  # another word where replaced
    weights = {"prediction_logits": np.ones((4, 12), "float32")}
    with tf.GradientTape() as tape:
        logits = detector(batch)["replaced_logits"]
        outputs = {
            "prediction_logits": tf.zeros((4, 12, 61)),
            "sampled_ids": tf.constant(batch["input_ids"]),
            "replaced_logits": logits,
        }
        term = model.loss_terms(inputs, outputs, words, weights)["replaced_tokens"]
        loss = tf.reduce_sum(term.losses * term.weights) / tf.reduce_sum(term.weights)
    np.testing.assert_allclose(logits, expected.logits.detach().numpy(), rtol=0, atol=1e-5)
    assert float(loss) == pytest.approx(expected.loss.item(), rel=1e-6)

    gradients = gradients_by_variable(detector, loss, tape)
    check_gradients(detector, gradients, gradients_of(theirs), "replaced_tokens")


def test_transformers_reads_what_we_save(tmp_path, batch, tiny_config, randomise):
    import torch
    import transformers

    model = ReplacedTokenModel(BertEncoder(tiny_config, add_pooling_layer=False), tiny_config)
    detector = randomise(model).detector
    bundle.save(detector, None, tmp_path / "saved")
    pretrained = transformers.AutoModelForPreTraining.from_pretrained(tmp_path / "saved").eval()
    assert isinstance(pretrained, transformers.ElectraForPreTraining)
    plain = transformers.AutoModel.from_pretrained(tmp_path / "saved").eval()
    assert isinstance(plain, transformers.ElectraModel)
    with torch.no_grad():
        logits, hidden = (answer(each, batch)[0].numpy() for each in (pretrained, plain))
    ours = detector(batch)["replaced_logits"]
    np.testing.assert_allclose(ours, logits, rtol=0, atol=1e-5)
    ours = detector.encoder(batch)["last_hidden_state"]
    np.testing.assert_allclose(ours, hidden, rtol=0, atol=1e-5)


SCRIPT = """
import sys
import keras, numpy as np
from keras_bert_zoo.models import ReplacedTokenModel

folder, backend = sys.argv[1:]
assert keras.backend.backend() == backend
model = keras.models.load_model(f"{folder}/model.keras")
given = dict(np.load(f"{folder}/batch.npz"))
fixed, words, weights = (given.pop(name) for name in ("fixed", "words", "weights"))
y, w = {"prediction_logits": words}, {"prediction_logits": weights}

outputs = model(given, training=True)
drawn = keras.ops.convert_to_numpy(outputs["sampled_ids"])
read = {name: given[name] for name in model.detector.input}
outputs["sampled_ids"] = keras.ops.convert_to_tensor(fixed)
outputs["replaced_logits"] = model.detector({**read, "input_ids": fixed})["replaced_logits"]
loss = model.compute_loss(given, y, outputs, w)
arrays = {name: keras.ops.convert_to_numpy(value) for name, value in outputs.items()}

model.compile(keras.optimizers.Adam(3e-3))
history = model.fit(given, y, sample_weight=w, batch_size=4, epochs=30, verbose=0).history["loss"]
arrays |= {"loss": keras.ops.convert_to_numpy(loss), "drawn": drawn, "history": history}
np.savez(f"{folder}/{backend}.npz", **arrays)
"""


def on(backend, folder):
    environment = {**os.environ, "KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-c", SCRIPT, str(folder), backend]
    subprocess.run(command, env=environment, check=True, timeout=300)
    return dict(np.load(folder / f"{backend}.npz"))


def test_tensorflow_jax_and_torch_agree(tiny_config, batch, tmp_path):
    keras.utils.set_random_seed(3)
    config = tiny_config.replace(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    small = config.replace(hidden_size=12, num_hidden_layers=1)
    encoder = BertEncoder(config, add_pooling_layer=False)
    ReplacedTokenModel(encoder, small, seed=5).save(tmp_path / "model.keras")
    words = np.random.default_rng(0).integers(5, 61, POSITIONS.shape).astype("int32")
    fixed = batch["input_ids"].copy()
    fixed[:, 1] = 9
    weights = (POSITIONS > 0).astype("float32")
    given = {"masked_positions": POSITIONS, "fixed": fixed, "words": words, "weights": weights}
    np.savez(tmp_path / "batch.npz", **batch, **given)
    expected = on("tensorflow", tmp_path)
    for backend in ("tensorflow", "jax", "torch"):
        found = expected if backend == "tensorflow" else on(backend, tmp_path)
        for name in ("prediction_logits", "replaced_logits", "loss"):
            np.testing.assert_allclose(
                found[name], expected[name], rtol=1e-5, atol=1e-5, err_msg=f"{backend} {name}"
            )
        # Each backend has its own random numbers.
        elsewhere = np.ones((4, 12), bool)
        np.put_along_axis(elsewhere, np.maximum(POSITIONS, 1), False, axis=1)
        np.testing.assert_array_equal(found["drawn"][elsewhere], batch["input_ids"][elsewhere])
        assert (found["drawn"] != batch["input_ids"]).sum() >= 4
        assert found["history"][-1] < found["history"][0] - 2, backend

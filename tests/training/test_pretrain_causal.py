"""Pretraining of decoders: a whole run, what is learned of a row, what is refused."""

from __future__ import annotations

import itertools
import json
import signal

import keras
import numpy as np
import pytest
from writers import tiny_writer

from keras_bert_zoo import bundle
from keras_bert_zoo.config import IGNORED, ConfigError
from keras_bert_zoo.generation import generate
from keras_bert_zoo.training import pretrain_callbacks
from keras_bert_zoo.training.interruption import TrainingInterrupted
from keras_bert_zoo.training.optimizers import BertAdamW
from keras_bert_zoo.training.pretrain import pretrain
from keras_bert_zoo.training.pretrain_recipe import PretrainRecipe
from keras_bert_zoo.training.pretrainer import Pretrainer


def run(values, **changes):
    return pretrain(PretrainRecipe(**{**values, **changes}), verbose=0)


SHORT = {
    "phases": [{"steps": 6, "max_length": 32, "batch_size": 8, "accumulation": 2}],
    "eval_steps": 3,
    "log_steps": 3,
}


@pytest.fixture(scope="module")
def finished(make_causal, tmp_path_factory):
    """A run of full rows."""
    return run(make_causal(tmp_path_factory.mktemp("finished")), **SHORT)


@pytest.mark.parametrize("packed", [False, True], ids=["full", "packed"])
def test_a_run_leaves_a_model_that_writes(finished, causal, packed):
    result = run(causal, **SHORT, packed=True) if packed else finished
    first, last = result.history
    assert first["causal_lm_loss"] == pytest.approx(np.log(1000), abs=0.3)
    assert last["val_perplexity"] == pytest.approx(np.exp(last["val_causal_lm_loss"]))
    scores = result.metrics["held_out"]
    assert scores.keys() == {"causal_lm_loss", "causal_lm_accuracy", "perplexity"}
    loaded = bundle.load(result.bundle)
    assert loaded.model.task == "causal_lm" and loaded.config.model_type == "gpt2"
    ids = [loaded.tokenizer.cls_token_id, 7, 8]
    begun = {"input_ids": np.array([ids], "int32"), "attention_mask": np.ones((1, 3), "int32")}
    # The config says what ends a text.
    written = generate(loaded.model, begun, max_new_tokens=4, jit_compile=False)
    assert written.shape == (1, 4)


def test_going_on_starts_with_the_weights_of_the_bundle(finished, causal, tmp_path):
    changes = {"model": str(finished.bundle), "decoder": None, "warmup_steps": 1}
    phases = [{**SHORT["phases"][0], "steps": 1}]
    again = run(causal, **changes, phases=phases, output=str(tmp_path / "again"))
    # The first update of a warm-up changes nothing.
    assert again.metrics == finished.metrics
    models = [bundle.load(each.bundle).model for each in (finished, again)]
    for one, two in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.slow
@pytest.mark.parametrize("stopped_at", [2, 5])
def test_a_run_that_is_stopped_ends_with_the_same_bytes(causal, tmp_path, monkeypatch, stopped_at):
    phases = [
        {"steps": 4, "max_length": 32, "batch_size": 8},
        {"steps": 3, "max_length": 48, "batch_size": 8, "accumulation": 2},
    ]
    causal = {**causal, "phases": phases}
    whole = run(causal, output=str(tmp_path / "whole"))
    steps = itertools.count(1)
    start = pretrain_callbacks.ShowMeans.on_train_batch_begin

    def stop(self, batch, logs=None):
        if next(steps) == stopped_at:
            signal.raise_signal(signal.SIGTERM)
        start(self, batch, logs)

    monkeypatch.setattr(pretrain_callbacks.ShowMeans, "on_train_batch_begin", stop)
    with pytest.raises(TrainingInterrupted, match=r"stopped after \d steps"):
        run(causal)
    again = run(causal, resume=True)
    one, two = ((each.bundle / "model.safetensors").read_bytes() for each in (whole, again))
    assert one == two


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {"decoder": {"n_embd": 32, "n_layer": 2, "n_head": 2}, "packed": True},
        {"decoder": {"n_embd": 32, "n_layer": 2, "n_head": 2}, "dtype": "mixed_bfloat16"},
        {
            "decoder": {
                "model_type": "bert",
                "hidden_size": 32,
                "num_hidden_layers": 2,
                "num_attention_heads": 2,
                "intermediate_size": 64,
            }
        },
    ],
    ids=str,
)
def test_what_can_be_learned_is_learned(causal, ten_words, changes):
    """That the text has ten words, and which token is the end of one."""
    phases = [{"steps": 60, "max_length": 32, "batch_size": 16}]
    changes = {**changes, "phases": phases, "shards": str(ten_words), "learning_rate": 1e-2}
    losses = [point["causal_lm_loss"] for point in run(causal, **changes).history]
    assert losses[0] > 3 and losses[-1] == pytest.approx(np.log(10), abs=0.2)


def batch(model, rows=4, width=9):
    generator = np.random.default_rng(3)
    ids = generator.integers(3, model.config.vocab_size, (rows, width)).astype("int32")
    lengths = np.array([[9], [5], [7], [2]])
    mask = (np.arange(width) < lengths).astype("int32")
    labels = np.where(np.arange(width) < lengths - 1, np.roll(ids, -1, axis=1), IGNORED)
    weights = (labels != IGNORED).astype("float32")
    inputs = {"input_ids": ids * mask, "attention_mask": mask}
    return inputs, {"logits": labels.astype("int32")}, {"logits": weights}


def test_the_step_is_that_of_keras():
    """Where nothing is cut, `CausalLM.fit` computes the same with Keras' own step."""
    weights, losses = [], []
    for wrap in (lambda model: model, Pretrainer):
        model = tiny_writer("gpt2", changes={"n_layer": 1})
        for layer in model._flatten_layers():
            if isinstance(getattr(layer, "rate", None), float):
                layer.rate = 0.0
        trained = wrap(model)
        trained.compile(BertAdamW(1e-2), jit_compile=False)
        inputs, labels, counts = batch(model)
        options = {"sample_weight": counts, "batch_size": 4, "epochs": 2, "verbose": 0}
        losses.append(trained.fit(inputs, labels, **options).history["loss"])
        weights.append(np.concatenate([v.numpy().ravel() for v in model.weights]))
    np.testing.assert_allclose(*losses, rtol=1e-5)
    np.testing.assert_allclose(*weights, atol=1e-5)


def test_parts_are_divided_by_what_all_of_them_hold():
    logs = []
    for accumulation in (1, 2):
        model = tiny_writer("gpt2")
        pretrainer = Pretrainer(model, accumulation=accumulation)
        pretrainer.compile(BertAdamW(0.0))
        sums, totals = pretrainer.sums(batch(model))
        logs.append(float(sums["causal_lm_loss"]) / float(totals["causal_lm"]))
        assert float(totals["causal_lm"]) == 8 + 4 + 6 + 1
    logits = tiny_writer("gpt2")(batch(model)[0])["logits"]
    labels = batch(model)[1]["logits"]
    chances = np.log(keras.ops.convert_to_numpy(keras.ops.softmax(logits)))
    rows, places = np.nonzero(labels != IGNORED)
    expected = -chances[rows, places, labels[rows, places]].mean()
    np.testing.assert_allclose(logs, expected, rtol=1e-5)


def test_a_packed_document_is_scored_as_if_it_stood_alone():
    alone, packed = tiny_writer("gpt2"), tiny_writer("gpt2", packed=True)
    ids = np.random.default_rng(1).integers(3, alone.config.vocab_size, (1, 9)).astype("int32")
    numbers = np.repeat([[1, 2, 3]], [4, 3, 2], axis=1).astype("int32")
    places = np.concatenate([np.arange(n) for n in (4, 3, 2)])[None].astype("int32")
    inputs = {"input_ids": ids, "attention_mask": numbers, "position_ids": places}
    together = np.asarray(packed(inputs)["logits"])
    for number in (1, 2, 3):
        text = ids[numbers == number][None]
        scores = np.asarray(alone({"input_ids": text, "attention_mask": 0 * text + 1})["logits"])
        np.testing.assert_allclose(together[numbers == number], scores[0], atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sentences": "next"}, "'causal' needs sentences='none'"),
        ({"masking": "span"}, "masks nothing"),
        ({"objective": "clm"}, "objective must be one of"),
        ({"objective": "masked"}, "causal is that of a decoder, and masked that of an encoder"),
        ({"decoder": None, "encoder": {}}, "causal is that of a decoder"),
        ({"decoder": None}, "either model .* or encoder or decoder"),
        ({"model": "runs/mine"}, "only one of them"),
        ({"generator": {"hidden_size": 8}}, "generator and objective causal exclude each other"),
        ({"decoder": {"n_embed": 8}}, "decoder has no key 'n_embed': did you mean 'n_embd'"),
        ({"decoder": {"prefix_lm": True}}, "decoder has no key 'prefix_lm'"),
        ({"decoder": {"model_type": "marian"}}, r"one of \['gpt2', 'bert'\], received 'marian'"),
    ],
    ids=str,
)
def test_recipes_that_cannot_be_run(causal, changes, message):
    with pytest.raises(ConfigError, match=message):
        PretrainRecipe(**{**causal, **changes})


def test_checkpoints_that_do_not_do(causal, checkpoint, tmp_path):
    going_on = {"decoder": None, "phases": SHORT["phases"]}
    with pytest.raises(ConfigError, match="is an encoder, or reads a prefix"):
        run(causal, **going_on, model=str(checkpoint))
    prefix = bundle.save(tiny_writer("prefix"), None, tmp_path / "prefix")
    assert json.loads((prefix / "config.json").read_text())["prefix_lm"]
    with pytest.raises(ConfigError, match="or reads a prefix from both sides"):
        run(causal, **going_on, model=str(prefix))
    with pytest.raises(ConfigError, match="decoder: vocab_size 5 is less than the 1000 tokens"):
        run(causal, decoder={**causal["decoder"], "vocab_size": 5})

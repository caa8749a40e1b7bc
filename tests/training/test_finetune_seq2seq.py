"""Models that write are learned by the command's own code."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sequences import save_tokenizer, sizes, write_files

from keras_bert_zoo import load, predictor
from keras_bert_zoo.config import ConfigError
from keras_bert_zoo.training import callbacks
from keras_bert_zoo.training.finetune import finetune
from keras_bert_zoo.training.interruption import TrainingInterrupted
from keras_bert_zoo.training.new_models import new_transformer
from keras_bert_zoo.training.recipe import FinetuneRecipe


def recipe_of(directory, files, width=16, **changes):
    values = {
        "new_model": sizes(width),
        "tokenizer": str(directory / "tokenizer"),
        "task": "seq2seq",
        "output": str(directory / "run"),
        "max_length": 16,
        "buckets": [16],
        "weight_decay": 0.0,
        "options": {"metric": "exact_match", "max_new_tokens": 12},
        **files,
    }
    return FinetuneRecipe(**{**values, **changes})


@pytest.fixture
def directory(tmp_path):
    save_tokenizer(tmp_path / "tokenizer")
    return tmp_path


def test_a_run_leaves_a_bundle_that_remembers_how_it_is_asked(directory):
    files = write_files(directory, "reverse", {"train": 40, "validation": 8, "test": 8})
    small = {**sizes(16), "encoder_layers": 1, "decoder_layers": 1}
    changes = {"new_model": small, "epochs": 1, "batch_size": 16}
    result = finetune(recipe_of(directory, files, **changes), verbose=0)
    assert set(result.metrics["test"]) == {"loss", "exact_match"}
    [epoch] = result.history
    assert np.isfinite(epoch["loss"]) and np.isfinite(epoch["val_loss"])
    assert epoch["val_exact_match"] == result.metrics["validation"]["exact_match"]
    ask = predictor(result.bundle)
    assert ask.task.options.max_new_tokens == 12 and ask.task.settings.max_length == 16
    scores = ask.evaluate(files["test"])
    assert scores["exact_match"] == result.metrics["test"]["exact_match"]
    again = finetune(recipe_of(directory, files, **changes, resume=True), verbose=0)
    assert again.metrics == result.metrics


@pytest.mark.parametrize(
    ("sides", "tied", "layers"),
    [
        ({}, False, 2),
        pytest.param({"tie_encoder_decoder": True}, True, 2, marks=pytest.mark.slow),
        pytest.param({"new_decoder": {"num_hidden_layers": 1}}, False, 1, marks=pytest.mark.slow),
    ],
)
def test_an_encoder_becomes_both_sides(checkpoint, directory, sides, tied, layers):
    files = write_files(directory, "reverse", {"train": 20})
    changes = {
        "new_model": None,
        "tokenizer": None,
        "model": str(checkpoint),
        "epochs": 1,
        "schedule": "inverse_square_root",
        "learning_rate": 2e-3,
        "warmup_steps": 20,
        "decoder_learning_rate": 0.1,
        "decoder_warmup_steps": 10,
        **sides,
    }
    result = finetune(recipe_of(directory, files, **changes), verbose=0)
    loaded = load(result.bundle)
    assert loaded.config.model_type == "encoder-decoder" and loaded.model.task == "seq2seq"
    assert loaded.config.tied == tied
    assert loaded.config.decoder.num_hidden_layers == layers
    assert set(predictor(result.bundle)(["good w1"])[0]) == {"generated_text"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": "m"}, "state a model, or for seq2seq a new_model"),
        ({"new_model": None}, "new_model and tokenizer belong together"),
        ({"task": "sequence_classification"}, "new_model is of task seq2seq"),
        ({"tie_encoder_decoder": True}, "of task seq2seq with a model that is an encoder"),
        ({"new_decoder": {}}, "of task seq2seq with a model that is an encoder"),
        ({"schedule": "inverse_square_root"}, "needs warmup_steps"),
        ({"decoder_learning_rate": 0.1}, "of task seq2seq with schedule inverse_square_root"),
        ({"decoder_warmup_steps": 5}, "decoder_warmup_steps needs a decoder_learning_rate"),
        ({"layer_decay": 0.9}, "layer_decay is of encoders alone"),
    ],
)
def test_recipes_that_contradict_themselves(tmp_path, changes, message):
    with pytest.raises(ConfigError, match=message):
        recipe_of(tmp_path, {"train": "t.jsonl"}, **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"d_modle": 32, "d_model": None}, r"needs the keys \['d_model'\].*'d_model' by 'd_modle'"),
        (
            {"scale_embeding": True, "scale_embedding": None},
            "no keys.*'scale_embedding' by 'scale_embeding'",
        ),
        ({"dropuot": 0.9, "dropout": None}, "no keys.*'dropout' by 'dropuot'"),
    ],
)
def test_misspelt_keys_of_a_new_model(directory, changes, message):
    values = {name: x for name, x in {**sizes(16), **changes}.items() if x is not None}
    with pytest.raises(ConfigError, match=message):
        new_transformer(values, directory / "tokenizer")
    # What others write into a config is no mistake.
    others = {**sizes(16), "transformers_version": "4.57.6"}
    assert new_transformer(others, directory / "tokenizer")


@pytest.mark.slow
def test_a_stopped_run_ends_with_the_same_weights(directory, monkeypatch):
    files = write_files(directory, "sort", {"train": 48, "validation": 8})
    changes = {"epochs": 2, "batch_size": 8, "save_steps": 4}
    whole = finetune(recipe_of(directory, files, **changes), verbose=0)

    saved = callbacks.SaveState.on_train_batch_end

    def stopping(self, batch, logs=None):
        if self.progress.epoch == 1 and batch == 2:
            self.request.signal = 2
        saved(self, batch, logs)

    output = str(directory / "stopped")
    with monkeypatch.context() as patch:
        patch.setattr(callbacks.SaveState, "on_train_batch_end", stopping)
        with pytest.raises(TrainingInterrupted):
            finetune(recipe_of(directory, files, output=output, **changes), verbose=0)
    done = finetune(recipe_of(directory, files, output=output, resume=True, **changes), verbose=0)
    weights = [(each.bundle / "model.safetensors").read_bytes() for each in (whole, done)]
    assert weights[0] == weights[1]
    assert json.dumps(done.metrics) == json.dumps(whole.metrics)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["reverse", "sort"])
def test_a_small_transformer_learns_to_write_what_nobody_showed_it(directory, kind):
    files = write_files(directory, kind, {"train": 20_000, "test": 1000})
    recipe = recipe_of(directory, files, width=64, epochs=8, batch_size=64, learning_rate=1e-3)
    result = finetune(recipe, verbose=0)
    assert result.metrics["test"]["exact_match"] >= 0.999, result.metrics

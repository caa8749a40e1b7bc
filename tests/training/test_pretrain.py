"""Whole runs: what they leave, what they refuse, how they end when the loss does."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import shutil

import numpy as np
import pytest
import safetensors.numpy

from keras_bert_zoo import bundle
from keras_bert_zoo.config import ConfigError
from keras_bert_zoo.corpus.shards import ShardError
from keras_bert_zoo.training.pretrain import pretrain
from keras_bert_zoo.training.pretrain_callbacks import DivergedError
from keras_bert_zoo.training.pretrain_recipe import Phase, PretrainRecipe
from keras_bert_zoo.training.recipe_files import packaged_recipes, parse_recipe


def run(values, **changes):
    return pretrain(PretrainRecipe(**{**values, **changes}), verbose=0)


def weights(directory):
    return safetensors.numpy.load_file(pathlib.Path(directory) / "bundle" / "model.safetensors")


@pytest.fixture(scope="module")
def finished(tmp_path_factory, shards, sizes):
    values = {
        "shards": str(shards),
        "output": str(tmp_path_factory.mktemp("finished") / "run"),
        "encoder": {**sizes, "num_hidden_layers": 1},
        "phases": [
            {"steps": 12, "max_length": 32, "batch_size": 16},
            {"steps": 8, "max_length": 48, "batch_size": 8, "accumulation": 2},
        ],
        "learning_rate": 1e-3,
        "warmup_steps": 5,
        "log_steps": 5,
        "eval_steps": 10,
        "eval_rows": 40,
    }
    return values, run(values)


def test_a_run_leaves_a_bundle_with_its_heads(finished):
    values, result = finished
    loaded = bundle.load(result.bundle, task="pretraining", fresh_head=False)
    assert loaded.config.vocab_size == len(loaded.tokenizer.vocabulary) == 1000
    assert loaded.config.max_position_embeddings == 512
    names = sorted(path.name for path in pathlib.Path(values["output"]).iterdir())
    wanted = ["bundle", "curve.png", "history.jsonl", "logs", "metrics.json", "recipe.yaml"]
    assert names == wanted


def test_the_curve_has_the_points_that_are_due(finished):
    values, result = finished
    assert [point["step"] for point in result.history] == [5, 10, 15, 20]
    validated = [point["step"] for point in result.history if "val_masked_lm_loss" in point]
    assert validated == [10, 20]
    last = result.history[-1]
    assert last["learning_rate"] == 0 and last["tokens_per_second"] > 0
    assert last["perplexity"] == pytest.approx(np.exp(last["masked_lm_loss"]))
    assert result.metrics["held_out"]["masked_lm_loss"] == last["val_masked_lm_loss"]
    path = pathlib.Path(values["output"]) / "metrics.json"
    assert json.loads(path.read_text()) == result.metrics


def test_the_first_loss_is_that_of_guessing(finished):
    # A head that looked at the wrong words would be far from it, or learn nothing.
    first = finished[1].history[0]
    assert first["masked_lm_loss"] == pytest.approx(np.log(1000), abs=0.2)
    assert first["next_sentence_loss"] == pytest.approx(np.log(2), abs=0.2)


def test_a_finished_run_is_that_of_its_recipe_alone(finished):
    values, result = finished
    assert run(values, resume=True).metrics == result.metrics
    with pytest.raises(ValueError, match=r"cannot go on .*learning_rate: was 0.001, is 0.002"):
        run(values, resume=True, learning_rate=2e-3)
    with pytest.raises(FileExistsError, match=r"\(--resume\) to go on .*\(--overwrite\)"):
        run(values)


def test_going_on_from_a_checkpoint_starts_with_its_weights(finished, tmp_path):
    values, result = finished
    phases = [{"steps": 1, "max_length": 32, "batch_size": 16}]
    changes = {"model": str(result.bundle), "encoder": None, "phases": phases, "warmup_steps": 1}
    again = run(values, **changes, output=str(tmp_path / "again"))
    before, after = weights(values["output"]), weights(tmp_path / "again")
    assert before.keys() == after.keys()
    # The first update of a warm-up changes nothing.
    for name, array in before.items():
        np.testing.assert_array_equal(array, after[name])
    assert again.metrics["held_out"].keys() == result.metrics["held_out"].keys()


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {"sentences": "order", "masking": "whole_word"},
        {"sentences": "none", "packed": True, "masking": "span"},
        {"sentences": "none", "masking": "ngram", "dtype": "mixed_bfloat16"},
    ],
    ids=str,
)
def test_every_objective_learns(pretraining, ten_words, changes):
    """What can be learned of this text is that it has ten words: log 1000 becomes log 10."""
    phases = [{"steps": 40, "max_length": 32, "batch_size": 16}]
    changes = {**changes, "phases": phases, "shards": str(ten_words)}
    result = run(pretraining, **changes, learning_rate=1e-2)
    losses = [point["masked_lm_loss"] for point in result.history]
    assert losses[0] > 4 and losses[-1] == pytest.approx(np.log(10), abs=0.3)
    pairs = changes["sentences"] != "none"
    assert ("next_sentence_loss" in result.history[0]) == pairs
    task = "pretraining" if pairs else "masked_lm"
    bundle.load(result.bundle, task=task, fresh_head=False)


@pytest.mark.parametrize(
    "dtype", ["float32", pytest.param("mixed_float16", marks=pytest.mark.slow)]
)
def test_a_loss_that_is_no_number_stops_the_run(pretraining, dtype):
    with pytest.raises(DivergedError, match=r"The loss of step \d+ is (nan|inf).*step-0000"):
        run(pretraining, learning_rate=1e30, warmup_steps=0, save_steps=1, dtype=dtype)
    checkpoints = sorted((pathlib.Path(pretraining["output"]) / "checkpoints").iterdir())
    for path in checkpoints:
        arrays = safetensors.numpy.load_file(path)
        assert all(np.isfinite(a).all() for k, a in arrays.items() if k.startswith("model/"))


@pytest.mark.slow
def test_checkpoints_that_are_too_many_go(pretraining, monkeypatch):
    from keras_bert_zoo.training import checkpoints

    saved = []
    save = checkpoints.Checkpoints.save

    def note(self, position):
        path = save(self, position)
        saved.append(sorted(each.name for each in self.directory.iterdir()))
        return path

    monkeypatch.setattr(checkpoints.Checkpoints, "save", note)
    run(pretraining, keep_checkpoints=2, save_steps=10)
    assert [names[-1] for names in saved] == [f"step-{n:08}.safetensors" for n in (0, 10, 20)]
    assert max(map(len, saved)) == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"phases": []}, "phases must hold at least one"),
        ({"model": "minilm"}, "either model .* or encoder"),
        ({"encoder": None}, "either model .* or encoder"),
        ({"optimizer": "adam"}, "optimizer must be one of"),
        ({"warmup_steps": 31}, "from 0 to the 30 steps"),
        ({"sentences": "following"}, "sentences must be one of"),
        ({"packed": True}, "packed rows need sentences='none'"),
        ({"dtype": "int8"}, "dtype must be one of"),
        (
            {"encoder": {"hidden_sise": 3}},
            r"no key 'hidden_sise': did you mean 'hidden_size'",
        ),
        ({"generator": {"width": 3}, "sentences": "none"}, "generator has no key 'width'"),
        ({"resume": True, "overwrite": True}, "exclude each other"),
        ({"save_minutes": 0.0}, "save_minutes must be positive"),
        ({"log_steps": 0}, "log_steps must be at least 1"),
        ({"seed": -1}, "seed must be 0 or more"),
    ],
    ids=str,
)
def test_recipes_that_cannot_be_run(pretraining, changes, message):
    with pytest.raises(ConfigError, match=message):
        PretrainRecipe(**{**pretraining, **changes})


@pytest.mark.parametrize(
    ("phase", "message"),
    [
        ({"steps": 0}, r"phases\[0\]: steps must be at least 1"),
        ({"batch_size": 6, "accumulation": 4}, r"accumulation \(4\) must divide batch_size \(6\)"),
        ({"max_length": 8, "max_predictions_per_seq": 9}, "must be at most 5"),
        ({"max_length": 4}, "max_length must be at least 5"),
    ],
    ids=str,
)
def test_phases_that_cannot_be_run(pretraining, phase, message):
    values = {"steps": 20, "max_length": 32, "batch_size": 16, **phase}
    with pytest.raises(ConfigError, match=message):
        PretrainRecipe(**{**pretraining, "phases": [Phase(**values)]})


def test_what_does_not_fit_the_model(pretraining, shards, tmp_path):
    long = [{"steps": 20, "max_length": 100, "batch_size": 16}]
    with pytest.raises(ValueError, match="max_length 100 is more than the model's 64 positions"):
        run(pretraining, phases=long)
    short = [{"steps": 20, "max_length": 24, "batch_size": 16}]
    with pytest.raises(ShardError, match="made with another vocabulary"):
        run(
            pretraining,
            model="all-minilm-l6-v2",
            encoder=None,
            phases=short,
        )
    with pytest.raises(FileNotFoundError, match="no directory of finished shards"):
        run(pretraining, shards=str(tmp_path))
    with pytest.raises(ConfigError, match="vocab_size 5 is less than the 1000 tokens"):
        run(pretraining, encoder={**pretraining["encoder"], "vocab_size": 5}, overwrite=True)
    with pytest.raises(ValueError, match="is the directory of the training shards"):
        run(pretraining, held_out=str(shards), overwrite=True)


def test_a_damaged_shard_is_named(pretraining, shards, tmp_path):
    copy = tmp_path / "shards"
    shutil.copytree(shards, copy)
    file = sorted(copy.glob("shard-*"))[0]
    content = bytearray(file.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 200] = b"\xff" * 200
    file.write_bytes(content)
    with pytest.raises(ShardError, match=r"shard-00000\.safetensors is damaged"):
        run(pretraining, shards=str(copy))
    (copy / "shards.json").write_text("{")
    with pytest.raises(ShardError, match=r"shards\.json is not valid JSON.*Run prepare again"):
        run(pretraining, shards=str(copy), overwrite=True)


def test_the_default_number_of_predictions_is_the_published_one(pretraining):
    recipe = PretrainRecipe(**pretraining)
    lengths = {128: 20, 512: 77}
    for length, most in lengths.items():
        phase = Phase(steps=1, max_length=length)
        assert recipe.batch_options(phase).max_predictions_per_seq == most


def test_what_makes_another_run_and_what_does_not(pretraining):
    recipe = PretrainRecipe(**pretraining)
    free = {"output": "elsewhere", "save_steps": 99, "devices": ["CPU:0"], "resume": True}
    assert dataclasses.replace(recipe, **free).identity() == recipe.identity()
    assert dataclasses.replace(recipe, seed=2).identity() != recipe.identity()


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {"optimizer": "lamb", "beta_2": 0.98, "clip": None},
        {"rate_power": 0.5, "rate_end": 0.02, "ema": 0.9},
    ],
    ids=str,
)
def test_the_choices_of_an_optimizer(pretraining, ten_words, changes):
    phases = [
        {"steps": 30, "max_length": 32, "batch_size": 16, "learning_rate": 2e-2},
        {
            "steps": 20,
            "max_length": 48,
            "batch_size": 16,
            "learning_rate": 1e-2,
            "warmup_steps": 10,
        },
    ]
    changes = {**changes, "phases": phases, "shards": str(ten_words), "sentences": "none"}
    history = run(pretraining, **changes).history
    # The second phase warms up anew.
    rates = {point["step"]: point["learning_rate"] for point in history}
    assert rates[40] == pytest.approx(1e-2) and rates[10] > rates[20]
    assert history[-1]["masked_lm_loss"] < history[0]["masked_lm_loss"] - 1


@pytest.mark.slow
def test_replaced_tokens_are_told_apart(pretraining, ten_words):
    """The generator soon knows the ten words; the encoder is what is kept."""
    generator = {"hidden_size": 16, "num_attention_heads": 1, "intermediate_size": 32}
    changes = {"shards": str(ten_words), "sentences": "none", "learning_rate": 1e-2}
    result = run(pretraining, **changes, generator=generator)
    first, last = result.history[0], result.history[-1]
    assert last["masked_lm_loss"] < first["masked_lm_loss"] - 1
    assert last["replaced_tokens_accuracy"] > 0.8
    loaded = bundle.load(result.bundle, task="replaced_tokens", fresh_head=False)
    assert loaded.config.model_type == "electra"
    with pytest.raises(ConfigError, match="generator needs sentences none"):
        run(pretraining, generator=generator)


@pytest.mark.slow
def test_averaged_weights_are_those_that_are_saved(pretraining, ten_words, tmp_path):
    same = tmp_path / "held_out"
    shutil.copytree(ten_words, same)
    changes = {"shards": str(ten_words), "held_out": str(same), "learning_rate": 1e-2}
    result = run(pretraining, **changes, ema=0.99)
    # With so long a memory they are still near the first ones, where the plain ones have learned.
    plain = result.history[-1]["val_masked_lm_loss"]
    assert result.metrics["held_out"]["masked_lm_loss"] > plain + 0.5


@pytest.mark.parametrize("path", packaged_recipes("pretrain"), ids=lambda path: path.stem)
def test_every_recipe_of_the_package_is_one(path):
    recipe = parse_recipe(PretrainRecipe, [path.stem], "pretrain", "pretrain")
    assert pathlib.Path(recipe.output).name.endswith(path.stem)
    head = path.read_text(encoding="utf-8").split("\nshards:")[0]
    for word in ("arXiv", f"keras-bert-zoo pretrain {path.stem}", "Hardware:", "Cost:", "Result:"):
        assert word in head, f"the header of {path.name} does not state {word!r}"


def test_the_published_recipes_are_there():
    names = {path.stem for path in packaged_recipes("pretrain")}
    assert names >= {"bert-base", "bert-large", "bert-base-24h", "small-cpu", "tweets-minilm"}


@pytest.mark.parametrize(("verbose", "printed"), [(0, 0), (2, 2)])
def test_what_is_printed(pretraining, capsys, verbose, printed):
    phases = [{"steps": 4, "max_length": 32, "batch_size": 16}]
    values = {**pretraining, "phases": phases, "warmup_steps": 1, "log_steps": 2, "eval_steps": 9}
    pretrain(PretrainRecipe(**values), verbose=verbose)
    assert capsys.readouterr().out.count("\n") == printed

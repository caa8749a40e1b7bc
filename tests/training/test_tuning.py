from __future__ import annotations

import datetime

import pytest
import yaml

from keras_bert_zoo.config import ConfigError
from keras_bert_zoo.training import tuning
from keras_bert_zoo.training.finetune import FinetuneResult
from keras_bert_zoo.training.recipe import FinetuneRecipe
from keras_bert_zoo.training.recipe_files import parse_recipe
from keras_bert_zoo.training.tuning_recipe import TuningRecipe

# KerasTuner 1.4 asks threading for its thread in the way of Python 3.9.
pytestmark = pytest.mark.filterwarnings("ignore:.*(currentThread|getName).*:DeprecationWarning")
SEARCH = {
    "learning_rate": {"min": 1e-4, "max": 1e-2, "sampling": "log"},
    "batch_size": [8, 16],
    "lora_rank": {"min": 1, "max": 4},
}


@pytest.fixture
def search(values):
    return {**values, "search": SEARCH, "trials": 4, "monitor": "val_accuracy", "epochs": 1}


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"search": {}}, "at least one field"),
        ({"search": {"lerning_rate": [1.0]}}, r"\['lerning_rate'\], .* mean 'learning_rate' by"),
        ({"search": {"epochs": []}}, "search takes lists"),
        ({"search": {"epochs": {"min": 3, "max": 1}}}, "search takes lists"),
        ({"search": {"weight_decay": {"min": 0, "max": 1, "sampling": "log"}}}, "takes lists"),
        ({"validation": None}, "needs validation data"),
        ({"monitor": None}, "needs monitor"),
        ({"trials": 0}, "trials must be at least 1"),
    ],
)
def test_searches_for_nothing_are_refused(search, changes, complaint):
    with pytest.raises(ConfigError, match=complaint):
        TuningRecipe(**{**search, **changes})


def test_a_search_is_written_in_yaml(tmp_path):
    path = tmp_path / "search.yaml"
    path.write_text(
        "model: m\ntrain: t.csv\nvalidation: v.csv\noutput: o\nmonitor: val_loss\n"
        "search:\n  learning_rate: {min: 1e-5, max: 1.0e-3, sampling: log}\n  seed: [1, 2]\n"
    )
    recipe = parse_recipe(TuningRecipe, [str(path)], "finetune", "tune")
    assert recipe.search["learning_rate"] == {"min": 1e-5, "max": 1e-3, "sampling": "log"}


def test_the_best_trial_is_kept_and_a_stopped_search_goes_on(search, monkeypatch, tmp_path):
    ran = {}

    def scored(recipe, **_):
        # Training itself is tested elsewhere; here the score is known to fall with the rate.
        if len(ran) == 2 and recipe.output not in ran and not stopped:
            stopped.append(recipe)
            raise KeyboardInterrupt
        ran[recipe.output] = recipe
        accuracy = 1 - recipe.learning_rate
        return FinetuneResult(tmp_path, [], {"validation": {"accuracy": accuracy}})

    stopped = []
    monkeypatch.setattr(tuning, "finetune", scored)
    with pytest.raises(KeyboardInterrupt):
        tuning.tune(TuningRecipe(**search), verbose=0)
    best = tuning.tune(TuningRecipe(**search, resume=True), verbose=0)
    assert len(ran) == 4
    assert ran[stopped[0].output].learning_rate == stopped[0].learning_rate
    assert best.learning_rate == min(each.learning_rate for each in ran.values())
    for each in ran.values():
        assert 1e-4 <= each.learning_rate <= 1e-2
        assert each.batch_size in (8, 16) and each.lora_rank in (1, 2, 3, 4)
    written = yaml.safe_load((tmp_path / "run" / "best.yaml").read_text())
    assert written["output"] == best.output
    assert FinetuneRecipe(**written).identity() == best.identity()


def test_what_never_ran_has_no_best(search, monkeypatch):
    def diverged(recipe, **_):
        raise ValueError("training diverged")

    monkeypatch.setattr(tuning, "finetune", diverged)
    with pytest.raises(RuntimeError, match="training diverged"):
        tuning.tune(TuningRecipe(**{**search, "trials": 2}), verbose=0)


def test_values_of_any_kind_and_options_of_the_task(search, monkeypatch, tmp_path):
    ran = []

    def scored(recipe, **_):
        ran.append(recipe)
        return FinetuneResult(tmp_path, [], {"validation": {"accuracy": 0.5}})

    monkeypatch.setattr(tuning, "finetune", scored)
    space = {
        "lora_rank": [2],
        "lora_targets": [["query"], ["key", "value"], None],
        "options.label_smoothing": {"min": 0.1, "max": 0.2},
        "options.focal_gamma": [None, 2],
    }
    recipe = TuningRecipe(**{**search, "search": space, "options": {"label_smoothing": 0.0}})
    tuning.tune(recipe, verbose=0)
    assert len(ran) == 4
    for each in ran:
        assert each.lora_targets in space["lora_targets"]
        assert 0.1 <= each.options["label_smoothing"] <= 0.2
        assert each.options["focal_gamma"] in (None, 2)


def test_what_cannot_be_drawn_deletes_nothing(search, tmp_path):
    kept = tmp_path / "run" / "best.yaml"
    kept.parent.mkdir()
    kept.write_text("years of work")
    (kept.parent / "recipe.yaml").write_text("{}")
    wrong = {"seed": [datetime.date(2026, 1, 1)]}
    with pytest.raises(TypeError, match="date"):
        tuning.tune(TuningRecipe(**{**search, "search": wrong, "overwrite": True}), verbose=0)
    assert kept.read_text() == "years of work"


@pytest.mark.slow
def test_trials_are_runs(search):
    best = tuning.tune(TuningRecipe(**{**search, "trials": 2}), verbose=0)
    from keras_bert_zoo import load

    assert load(f"{best.output}/bundle").config.labels == ("bad", "good")

"""A search among recipes: KerasTuner proposes, ``finetune`` runs. Needs the extra ``tuner``.

TensorFlow-only.
"""

from __future__ import annotations

import json
import pathlib
from typing import Any

import keras_tuner
import yaml

from keras_bert_zoo.atomic import alone, write_text
from keras_bert_zoo.training.callbacks import direction
from keras_bert_zoo.training.crossvalidation import going_on
from keras_bert_zoo.training.finetune import finetune
from keras_bert_zoo.training.recipe import FinetuneRecipe
from keras_bert_zoo.training.run_directory import RECIPE, RunDirectory
from keras_bert_zoo.training.tuning_recipe import TuningRecipe

BEST, _SEARCH, _TRIALS = "best.yaml", "search", "trials"


def tune(recipe: TuningRecipe, *, verbose: int | None = None) -> FinetuneRecipe:
    """Runs recipes with values drawn at random and writes the best one to ``best.yaml``.

    With ``resume``, trials that are finished count and the one that was stopped goes on.

    Args:
        recipe: the search.
        verbose: as of ``finetune``.

    Returns:
        The best recipe, which has been run: its bundle lies in its output directory.

    Raises:
        FileExistsError: as of ``finetune``.
        RuntimeError: three trials in a row failed, or all did; the message has a traceback.
        TrainingInterrupted: a signal stopped a trial; its state is saved.
    """
    space = _space(recipe.search)
    directory = RunDirectory(pathlib.Path(recipe.output), RECIPE, (BEST, _SEARCH, _TRIALS))
    directory.check(resume=recipe.resume, overwrite=recipe.overwrite)
    with alone(directory.path):
        if recipe.resume:
            directory.check_recipe(recipe.identity())
        else:
            directory.clear(recipe.identity())
        search = _Search(recipe, space, verbose)
        search.search(verbose=1 if verbose is None else verbose)
        best = search.best()
        kept = {**best.identity(), "output": best.output}
        text = yaml.safe_dump(kept, sort_keys=False, allow_unicode=True)
        write_text(directory.path / BEST, text)
    return best


class _Search(keras_tuner.RandomSearch):
    """KerasTuner's loop, whose trials are runs of a recipe."""

    def __init__(
        self, recipe: TuningRecipe, space: keras_tuner.HyperParameters, verbose: int | None
    ) -> None:
        self.recipe, self.verbose = recipe, verbose
        self.monitor = str(recipe.monitor)
        super().__init__(
            objective=keras_tuner.Objective(self.monitor, direction(self.monitor)),
            hyperparameters=space,
            max_trials=recipe.trials,
            seed=recipe.seed,
            directory=recipe.output,
            project_name=_SEARCH,
        )

    def recipe_of(self, trial: Any) -> FinetuneRecipe:
        name = str(pathlib.Path(_TRIALS, trial.trial_id))
        drawn = trial.hyperparameters.values
        values = {
            key: json.loads(drawn[key]) if isinstance(choice, list) else drawn[key]
            for key, choice in self.recipe.search.items()
        }
        return self.recipe.trial(name, values)

    def best(self) -> FinetuneRecipe:
        [found] = self.oracle.get_best_trials()
        # Where all failed, KerasTuner gives one of these.
        if found.status != "COMPLETED":
            raise RuntimeError(f"No trial was run to its end: {found.message}")
        return self.recipe_of(found)

    def run_trial(self, trial: Any, *_: Any, **__: Any) -> dict[str, float]:
        result = finetune(going_on(self.recipe_of(trial)), verbose=self.verbose)
        return {self.monitor: result.metrics["validation"][self.monitor.removeprefix("val_")]}


def _space(search: dict[str, Any]) -> keras_tuner.HyperParameters:
    space = keras_tuner.HyperParameters()
    for name, choice in search.items():
        if isinstance(choice, list):
            # KerasTuner takes texts and numbers, and no list, null or true beside them.
            space.Choice(name, [json.dumps(value, ensure_ascii=False) for value in choice])
            continue
        bounds = {f"{key}_value": choice[key] for key in ("min", "max")}
        whole = all(isinstance(value, int) for value in bounds.values())
        number = space.Int if whole else space.Float
        number(name, **bounds, sampling=choice.get("sampling", "linear"))
    return space

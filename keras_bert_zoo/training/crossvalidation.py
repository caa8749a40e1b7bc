"""One recipe, several runs: how much of a score is chance, and what they know together.

TensorFlow-only.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
from collections.abc import Iterable
from typing import Any

from keras_bert_zoo.atomic import alone, write_text
from keras_bert_zoo.evaluation.classification import scores_json
from keras_bert_zoo.evaluation.intervals import summary
from keras_bert_zoo.tasks.predictor import predictor
from keras_bert_zoo.tasks.task import Settings
from keras_bert_zoo.training.crossvalidation_recipe import CrossvalidationRecipe
from keras_bert_zoo.training.finetune import STATE, FinetuneResult, finetune, task_of
from keras_bert_zoo.training.folds import check_folds
from keras_bert_zoo.training.recipe import FinetuneRecipe
from keras_bert_zoo.training.run_directory import METRICS, RECIPE, RunDirectory

# What `predictor` has arguments of its own for.
_NOT_COLUMNS = ("max_length", "problem_type", "options")


def crossvalidate(recipe: CrossvalidationRecipe, *, verbose: int | None = None) -> dict[str, Any]:
    """Runs a recipe once for each fold or seed, and sums up.

    With ``resume``, runs that are finished are kept and the one that was stopped goes on.

    Args:
        recipe: the runs.
        verbose: as of ``finetune``.

    Returns:
        What ``metrics.json`` holds: for ``"validation"`` and ``"test"`` a
        ``evaluation.intervals.summary`` of each score, and as ``"ensemble"`` the scores of the
        runs' mean probabilities for the examples that none of them learnt from, where the task
        has such.

    Raises:
        FileExistsError: as of ``finetune``.
        ValueError: as of ``finetune``. Unknown options, and too few examples for so many folds,
            are told before anything is written.
        TrainingInterrupted: a signal stopped a run; its state is saved.
    """
    members = recipe.members()
    task = task_of(recipe)
    if recipe.folds:
        check_folds(task, task.read(recipe.train)[: recipe.limit], recipe.folds)
    directory = RunDirectory(pathlib.Path(recipe.output), RECIPE, tuple(members))
    directory.check(resume=recipe.resume, overwrite=recipe.overwrite)
    with alone(directory.path):
        if recipe.resume:
            directory.check_recipe(recipe.identity())
        else:
            directory.clear(recipe.identity())
        results = []
        for number, (name, member) in enumerate(members.items(), start=1):
            if verbose != 0:
                print(f"{name}: run {number} of {len(members)}", flush=True)
            results.append(finetune(going_on(member), verbose=verbose))
        metrics = {**_summaries(recipe, results), "ensemble": _ensemble(recipe, results)}
        write_text(directory.path / METRICS, scores_json(metrics))
    return json.loads(scores_json(metrics))


def going_on(member: FinetuneRecipe) -> FinetuneRecipe:
    """Resumes what there is to resume; anything else there was killed before its first save."""
    started = any((pathlib.Path(member.output) / name).is_file() for name in (STATE, METRICS))
    return dataclasses.replace(member, resume=started, overwrite=not started)


def _summaries(
    recipe: CrossvalidationRecipe, results: Iterable[FinetuneResult]
) -> dict[str, dict[str, Any]]:
    overlap = 1 / (recipe.folds - 1) if recipe.folds else 0.0
    every = [result.metrics for result in results]
    nan = float("nan")  # which JSON has as null
    return {
        split: {
            score: summary([nan if (x := m[split][score]) is None else x for m in every], overlap)
            for score in scores
        }
        for split, scores in every[0].items()
    }


def _ensemble(
    recipe: CrossvalidationRecipe, results: Iterable[FinetuneResult]
) -> dict[str, dict[str, float]]:
    # Of folds, each validation example was learnt from by all runs but one.
    sources = {"validation": recipe.validation, "test": recipe.test}
    columns = {
        field.name: getattr(recipe, field.name)
        for field in dataclasses.fields(Settings)
        if field.name not in _NOT_COLUMNS
    }
    outputs: dict[str, list[Any]] = {name: [] for name, source in sources.items() if source}
    for result in results:
        ask = predictor(result.bundle, task=recipe.task, **columns)
        examples = {name: ask.task.read(sources[name] or "") for name in outputs}
        rows = {}
        for name in outputs:
            rows[name], said = ask.outputs(examples[name])
            outputs[name].append(said)
    means = {name: ask.task.averaged(said) for name, said in outputs.items()}
    return {
        name: ask.task.score(examples[name], rows[name], mean, ask.labels)
        for name, mean in means.items()
        if mean is not None
    }

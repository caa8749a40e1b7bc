"""``keras-bert-zoo crossvalidate``."""

from __future__ import annotations

from collections.abc import Sequence

from keras_bert_zoo.training.crossvalidation_recipe import CrossvalidationRecipe
from keras_bert_zoo.training.recipe_files import parse_recipe


def main(arguments: Sequence[str]) -> None:
    """Runs a recipe several times: ``crossvalidate [RECIPE] --folds 5 [--key value …]``."""
    program = "keras-bert-zoo crossvalidate [RECIPE]"
    recipe = parse_recipe(CrossvalidationRecipe, arguments, "finetune", program)
    # Loads TensorFlow: only after the arguments are known to be right.
    from keras_bert_zoo.training.crossvalidation import crossvalidate

    metrics = crossvalidate(recipe)
    ensemble = metrics.pop("ensemble")
    for split, scores in metrics.items():
        for name, found in scores.items():
            shown = "not defined"
            if found["mean"] is not None:
                low, high = found["interval"]
                spread = found["standard_deviation"]
                shown = f"{found['mean']:.4f} ± {spread:.4f} (95 %: {low:.4f} to {high:.4f})"
            print(f"{split} {name}: {shown}")
    for split, scores in ensemble.items():
        print(f"{split} of the ensemble: " + ", ".join(_shown(*each) for each in scores.items()))
    print(f"runs: {recipe.output}")


def _shown(name: str, value: float | None) -> str:
    return f"{name} " + ("not defined" if value is None else f"{value:.4f}")

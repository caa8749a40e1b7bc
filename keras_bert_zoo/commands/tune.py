"""``keras-bert-zoo tune``."""

from __future__ import annotations

from collections.abc import Sequence

from keras_bert_zoo.training.recipe_files import parse_recipe
from keras_bert_zoo.training.tuning_recipe import TuningRecipe


def main(arguments: Sequence[str]) -> None:
    """Searches for the best recipe: ``tune [RECIPE] --search '{…}' --trials 10``."""
    recipe = parse_recipe(TuningRecipe, arguments, "finetune", "keras-bert-zoo tune [RECIPE]")
    # Loads TensorFlow: only after the arguments are known to be right.
    from keras_bert_zoo.training.tuning import BEST, tune

    best = tune(recipe)
    for name in recipe.search:
        print(f"{name}: {getattr(best, name)}")
    print(f"recipe: {recipe.output}/{BEST}")
    print(f"run: {best.output}")

"""``keras-bert-zoo pretrain``."""

from __future__ import annotations

import os
from collections.abc import Sequence

from keras_bert_zoo.training.cluster import run_workers, workers_of
from keras_bert_zoo.training.pretrain_recipe import PretrainRecipe
from keras_bert_zoo.training.recipe_files import parse_recipe


def main(arguments: Sequence[str]) -> int:
    """Pretrains an encoder or a decoder: ``pretrain [RECIPE] [--key value …]``."""
    program = "keras-bert-zoo pretrain [RECIPE]"
    recipe = parse_recipe(PretrainRecipe, arguments, "pretrain", program)
    if recipe.cluster is not None and "TF_CONFIG" not in os.environ:
        return run_workers(workers_of(recipe.cluster), ["pretrain", *arguments])
    # Loads TensorFlow: only after the arguments are known to be right.
    from keras_bert_zoo.training.pretrain import pretrain

    result = pretrain(recipe)
    for name, scores in result.metrics.items():
        print(f"{name}: " + ", ".join(f"{key} {value:.4f}" for key, value in scores.items()))
    if result.history and not result.metrics:
        print("Nothing was held out: no scores. prepare --held_out 0.01 holds documents out.")
    if result.history:
        print(f"bundle: {result.bundle}")
    return 0

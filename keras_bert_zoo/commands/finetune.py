"""``keras-bert-zoo finetune``."""

from __future__ import annotations

from collections.abc import Sequence

from keras_bert_zoo.training.recipe import FinetuneRecipe
from keras_bert_zoo.training.recipe_files import parse_recipe


def main(arguments: Sequence[str]) -> None:
    """Fine-tunes a checkpoint: ``finetune [RECIPE] [--key value …]``."""
    program = "keras-bert-zoo finetune [RECIPE]"
    recipe = parse_recipe(FinetuneRecipe, arguments, "finetune", program)
    # Loads TensorFlow: only after the arguments are known to be right.
    from keras_bert_zoo.training.finetune import finetune

    result = finetune(recipe)
    for name, scores in result.metrics.items():
        print(f"{name}: " + ", ".join(f"{key} {value:.4f}" for key, value in scores.items()))
    print(f"bundle: {result.bundle}")

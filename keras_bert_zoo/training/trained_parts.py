"""What of a model a recipe trains."""

from __future__ import annotations

import math

import keras

from keras_bert_zoo.models.trained_parts import add_lora, freeze_layers
from keras_bert_zoo.training.recipe import FinetuneRecipe


def choose_trained(encoder: keras.Model, recipe: FinetuneRecipe) -> None:
    """Freezes blocks and adds updates of low rank as a recipe says; before ``compile``.

    Args:
        encoder: an ``Encoder``.
        recipe: has ``freeze_layers``, ``lora_rank``, ``lora_alpha`` and ``lora_targets``.

    Raises:
        ValueError: the encoder has no such layers, or none is left that ``layer_decay`` or LoRA
            could act on.
    """
    frozen, blocks = recipe.freeze_layers, encoder.config.num_hidden_layers
    if frozen == blocks and recipe.layer_decay is not None:
        raise ValueError(
            f"freeze_layers={frozen} leaves no block of {blocks} whose learning rate layer_decay "
            "could lower. Freeze fewer, or leave layer_decay out."
        )
    if recipe.lora_rank is not None:
        add_lora(encoder, recipe.lora_rank, recipe.lora_alpha, recipe.lora_targets, frozen or 0)
    elif frozen is not None:
        freeze_layers(encoder, frozen)


def trained_counts(model: keras.Model) -> str:
    """How many numbers of a model are trained, for people."""
    trained = sum(math.prod(variable.shape) for variable in model.trainable_weights)
    return f"training {trained:,} of {model.count_params():,} weights"

"""Texts as the rows of ids that an artifact is given one by one. TensorFlow only."""

from __future__ import annotations

from typing import Any

import numpy as np

from keras_bert_zoo.data.examples import Examples
from keras_bert_zoo.tasks.task import remembered


def trained_length(config: Any, task: str | None) -> int:
    """Tokens of the longest row: as in the training, or all that the model can see."""
    asked = remembered(config, task or "sentence_embedding")
    return min(config.max_tokens, asked.get("max_length", config.max_tokens))


def longest_text(bundle: Any) -> int:
    """How many tokens of a text are kept: the rest is cut off."""
    row = trained_length(bundle.config, bundle.model.task)
    return min(bundle.tokenizer.model_max_length, row)


def encoded(
    bundle: Any, examples: Examples, limit: int | None = None
) -> list[dict[str, np.ndarray]]:
    """Tokenizes texts, each to a batch of its own length.

    Args:
        bundle: with a tokenizer.
        examples: texts or pairs of texts.
        limit: tokens that are kept, where the model sees more.

    Returns:
        For each text the inputs of the model by name, int32 ``(1, S)``.
    """
    longest = min(limit or longest_text(bundle), longest_text(bundle))
    pairs = examples.text_pairs
    options = {"truncation": True, "max_length": longest, "padding": True}
    batches = (
        bundle.tokenizer([text], None if pairs is None else [pairs[index]], **options)
        for index, text in enumerate(examples.texts)
    )
    return [{name: tensor.numpy() for name, tensor in batch.items()} for batch in batches]

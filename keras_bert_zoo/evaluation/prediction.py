"""Logits of a model for texts.

TensorFlow-only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_bert_zoo.data.batches import EncodedTexts, buckets_for, encode, plan
from keras_bert_zoo.data.examples import Examples


def predict_logits(
    model: keras.Model,
    tokenizer: Any,
    texts: Sequence[str],
    text_pairs: Sequence[str] | None = None,
    *,
    max_length: int | None = None,
    batch_size: int = 64,
) -> np.ndarray:
    """Classifies texts, short ones with short ones.

    Args:
        model: a ``SequenceClassifier``.
        tokenizer: its ``WordPieceTokenizer``.
        texts: N strings.
        text_pairs: N second texts, or ``None``.
        max_length: tokens at which texts are truncated; by default the tokenizer's
            ``model_max_length``, or as many as the model has positions.
        batch_size: texts at once.

    Returns:
        float32 ``(N, num_labels)``, in the order of the texts.

    Raises:
        ValueError: a text is not a string, ``max_length`` is beyond the model's, there is
            no tokenizer, the model has no logits, or one is NaN or infinite.
    """
    if "logits" not in model.output:
        raise ValueError(
            f"model returns {list(model.output)}, no logits. Load a classifier: "
            "load(…, task='sequence_classification')."
        )
    if tokenizer is None:
        raise ValueError(
            "tokenizer is None: the bundle holds neither tokenizer.json nor vocab.txt. Add one of "
            "them to it."
        )
    if max_length is None:
        max_length = min(tokenizer.model_max_length, model.config.max_position_embeddings)
    checked_max_length(model, max_length)
    examples = Examples(texts, text_pairs)
    if not len(examples):
        return np.zeros((0, model.config.num_labels), "float32")
    encoded = encode(examples, tokenizer, max_length)
    return logits_of(model, encoded, max_length=max_length, batch_size=batch_size)


def logits_of(
    model: keras.Model, encoded: EncodedTexts, *, max_length: int, batch_size: int = 64
) -> np.ndarray:
    """Logits of texts that are tokenised already, float32 ``(N, num_labels)``.

    Raises:
        ValueError: a logit is NaN or infinite.
    """
    logits = np.zeros((len(encoded), model.config.num_labels), "float32")
    buckets = buckets_for(max_length)
    for batch in plan(encoded.lengths, batch_size=batch_size, buckets=buckets):
        inputs = encoded.padded(batch.rows, batch.width)
        logits[batch.rows] = model.predict_on_batch(inputs)["logits"]
    if not np.isfinite(logits).all():
        raise ValueError(
            "The model returns logits that are NaN or infinite: its training diverged (try a "
            "smaller learning_rate) or its weights are damaged."
        )
    return logits


def checked_max_length(model: keras.Model, max_length: int) -> None:
    """Raises a ``ValueError`` where ``max_length`` is beyond the position table."""
    limit = model.config.max_position_embeddings
    if not 3 <= max_length <= limit:
        raise ValueError(
            f"max_length must be from 3 to {limit}, the positions the model has "
            f"(max_position_embeddings), received {max_length}."
        )

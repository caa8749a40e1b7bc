"""Which tokens a model attends to.

TensorFlow-only.
"""

from __future__ import annotations

import pathlib
from typing import Any

import numpy as np

from keras_bert_zoo import bundle
from keras_bert_zoo.evaluation.prediction import checked_max_length


def attentions_of(
    source: str | pathlib.Path, text: str, text_pair: str | None = None, *, layer: int = -1
) -> tuple[list[str], np.ndarray]:
    """The attention probabilities of one layer, those that the model computes with.

    Args:
        source: of ``load``.
        text: what the model reads.
        text_pair: the second text, for pairs.
        layer: index of the block from 0; -1 is the last.

    Returns:
        The S tokens, and float32 ``(N, S, S)``: head, token that attends, token attended to.

    Raises:
        ValueError: there is no such layer, or no tokenizer.
    """
    loaded = bundle.load(source, output_attentions=True)
    max_length = checked_max_length(loaded.config, loaded.tokenizer, None)
    blocks = loaded.config.num_hidden_layers
    if not -blocks <= layer < blocks:
        raise ValueError(f"layer must be from 0 to {blocks - 1}, or -1 for the last: {layer}.")
    tokenizer: Any = loaded.tokenizer
    pairs = None if text_pair is None else [text_pair]
    inputs = tokenizer([text], pairs, truncation=True, max_length=max_length, padding=True)
    encoder = getattr(loaded.model, "encoder", loaded.model)
    attentions = encoder({name: inputs[name] for name in encoder.input})["attentions"]
    words = [tokenizer.vocabulary[index] for index in inputs["input_ids"].numpy()[0]]
    return words, np.asarray(attentions[layer])[0]

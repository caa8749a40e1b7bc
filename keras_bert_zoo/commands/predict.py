"""``keras-bert-zoo predict``."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

import jsonargparse


def predict(bundle: str, texts: list[str] | None = None, max_length: int | None = None) -> None:
    """Classifies texts; prints one JSON object a line.

    Args:
        bundle: directory of a classifier, or where else ``load`` finds one.
        texts: the texts, as a list; by default the lines of standard input.
        max_length: tokens at which texts are truncated; by default the model's positions.
    """
    from keras_bert_zoo.bundle import load
    from keras_bert_zoo.evaluation.classification import probabilities
    from keras_bert_zoo.evaluation.prediction import predict_logits

    loaded = load(bundle, task="sequence_classification")
    if texts is None:
        texts = [line.rstrip("\r\n") for line in sys.stdin]
    logits = predict_logits(loaded.model, loaded.tokenizer, texts, max_length=max_length)
    problem_type = loaded.config.problem_type or "single_label_classification"
    for text, row in zip(texts, probabilities(problem_type, logits), strict=True):
        named = zip(loaded.config.labels, row.tolist(), strict=True)
        scores = {name: round(value, 6) for name, value in named}
        print(json.dumps({"text": text, "scores": scores}, ensure_ascii=False))


def main(arguments: Sequence[str]) -> None:
    """Parses the arguments of ``predict``: the bundle, then any number of texts."""
    words = list(arguments)
    if len(words) > 1 and not words[1].startswith("-"):
        words[1:] = [f"--texts+={word}" for word in words[1:]]
    parser = jsonargparse.ArgumentParser(prog="keras-bert-zoo predict BUNDLE [TEXT …]")
    parser.add_function_arguments(predict, as_group=False, as_positional=True)
    predict(**parser.parse_args(words).as_dict())

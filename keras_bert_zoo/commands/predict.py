"""``keras-bert-zoo predict``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence


def predict(
    bundle: str, texts: Sequence[str], *, pairs: bool = False, max_length: int | None = None
) -> None:
    """Classify texts; prints one JSON object a line.

    The arguments are those of the command line.
    """
    from keras_bert_zoo.bundle import load
    from keras_bert_zoo.evaluation.classification import probabilities
    from keras_bert_zoo.evaluation.prediction import predict_logits

    loaded = load(bundle, task="sequence_classification", fresh_head=False)
    lines = list(texts) or [line.rstrip("\r\n") for line in sys.stdin]
    columns = _pairs(lines) if pairs else {"text": lines}
    logits = predict_logits(
        loaded.model, loaded.tokenizer, *columns.values(), max_length=max_length
    )
    rows = probabilities(loaded.model.problem_type, logits).tolist()
    for *given, row in zip(*columns.values(), rows, strict=True):
        named = zip(loaded.config.labels, row, strict=True)
        scores = {name: round(value, 6) for name, value in named}
        shown = {**dict(zip(columns, given, strict=True)), "scores": scores}
        print(json.dumps(shown, ensure_ascii=False))


def _pairs(lines: Iterable[str]) -> dict[str, list[str]]:
    split = [line.split("\t") for line in lines]
    for number, parts in enumerate(split, start=1):
        if len(parts) != 2:
            raise ValueError(
                f"text {number} has {len(parts) - 1} tabs; with pairs it takes one, between the "
                "two texts."
            )
    return {"text": [first for first, _ in split], "text_pair": [second for _, second in split]}


def main(argv: Sequence[str] | None = None) -> None:
    """Parses the arguments of the command and runs it."""
    import jsonargparse

    description = (predict.__doc__ or "").splitlines()[0]
    parser = jsonargparse.ArgumentParser(prog="keras-bert-zoo predict", description=description)
    add = parser.add_argument
    add("bundle", help="directory of a classifier, or where else one is found")
    add("texts", nargs="*", default=[], help="by default the lines of standard input")
    add("--pairs", action="store_true", help="each text is two, with a tab between them")
    length = "tokens at which texts are truncated; by default the model's positions"
    add("--max_length", type=int | None, help=length)
    predict(**vars(parser.parse_args(argv)))

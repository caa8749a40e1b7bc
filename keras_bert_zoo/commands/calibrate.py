"""``keras-bert-zoo calibrate``."""

from __future__ import annotations

import pathlib
from collections.abc import Sequence
from typing import Any


def calibrate(
    bundle: str,
    validation: str,
    *,
    test: str | None = None,
    picture: str | None = None,
    **options: Any,
) -> None:
    """Fit the temperature of a classifier, so that it is as sure as it is right.

    The arguments are those of the command line.
    """
    if picture is not None:
        # Before the work, should the extra be missing.
        from keras_bert_zoo.evaluation.pictures import reliability_diagrams
    from keras_bert_zoo.evaluation.classification import scores_json
    from keras_bert_zoo.tasks.calibration import calibrate as fit

    found = fit(bundle, validation, test=test, **options)
    print(scores_json({"temperature": found.temperature, **found.scores}), end="")
    if picture is not None:
        name = "test" if test else "validation"
        print(reliability_diagrams(pathlib.Path(picture), found.reliability[name], name))


def main(argv: Sequence[str] | None = None) -> None:
    """Parses the arguments of the command and runs it."""
    import jsonargparse

    from keras_bert_zoo.commands.table_options import add_table_options

    description = (calibrate.__doc__ or "").splitlines()[0]
    parser = jsonargparse.ArgumentParser(prog="keras-bert-zoo calibrate", description=description)
    add = parser.add_argument
    add("bundle", help="directory of a fine-tuned classifier; its config.json is changed")
    add("validation", help="file of labelled texts that it was not trained on")
    add("--test", type=str | None, help="others, to see what became of it")
    add("--picture", type=str | None, help="PNG to draw: accuracy by probability, before and after")
    add_table_options(parser, empty_texts="keep", by_task=True)
    add("--max_length", type=int | None, help="tokens of a row; by default as in training")
    calibrate(**vars(parser.parse_args(argv)))

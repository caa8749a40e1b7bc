"""``keras-bert-zoo evaluate``."""

from __future__ import annotations

from collections.abc import Sequence

import jsonargparse


def evaluate(
    bundle: str,
    data: str,
    text_column: str = "text",
    pair_column: str | None = None,
    label_column: str = "label",
    delimiter: str | None = None,
    max_length: int | None = None,
) -> None:
    """Scores a bundle on labelled texts and prints the scores as JSON.

    Args:
        bundle: directory of a classifier, or where else ``load`` finds one.
        data: .csv, .tsv or .jsonl file, or tweets://test.
        text_column: column of the text.
        pair_column: column of the second text, for pairs.
        label_column: column of the label.
        delimiter: of columns; by default comma for .csv and tab for .tsv.
        max_length: tokens at which texts are truncated; by default the model's positions.
    """
    from keras_bert_zoo.bundle import load
    from keras_bert_zoo.data.text_files import TextTable
    from keras_bert_zoo.evaluation.classification import score, scores_json
    from keras_bert_zoo.evaluation.prediction import predict_logits

    table = TextTable(
        text=text_column,
        text_pair=pair_column,
        label=label_column,
        delimiter=delimiter,
        empty_texts="keep",
    )
    rows = table.read(data)
    loaded = load(bundle, task="sequence_classification")
    problem_type = loaded.config.problem_type or "single_label_classification"
    examples = rows.examples(problem_type, loaded.config.labels)
    logits = predict_logits(
        loaded.model,
        loaded.tokenizer,
        examples.texts,
        examples.text_pairs,
        max_length=max_length,
    )
    print(scores_json(score(problem_type, examples.labels, logits)), end="")


def main(arguments: Sequence[str]) -> None:
    """Parses the arguments of ``evaluate``."""
    jsonargparse.auto_cli(
        evaluate, as_positional=True, args=list(arguments), prog="keras-bert-zoo evaluate"
    )

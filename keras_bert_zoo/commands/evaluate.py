"""``keras-bert-zoo evaluate``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keras_bert_zoo.data.text_files import TextTable


def evaluate(bundle: str, data: str, *, table: TextTable, max_length: int | None = None) -> None:
    """Score a bundle on labelled texts; prints the scores as JSON.

    The arguments are those of the command line.
    """
    from keras_bert_zoo.bundle import load
    from keras_bert_zoo.evaluation.classification import score, scores_json
    from keras_bert_zoo.evaluation.prediction import predict_logits

    if table.label is None:
        raise ValueError("label_column is null: there is nothing to score the answers with.")
    rows = table.read(data)
    loaded = load(bundle, task="sequence_classification", fresh_head=False)
    problem_type = loaded.model.problem_type
    examples = rows.examples(problem_type, loaded.config.labels)
    logits = predict_logits(
        loaded.model,
        loaded.tokenizer,
        examples.texts,
        examples.text_pairs,
        max_length=max_length,
    )
    print(scores_json(score(problem_type, examples.labels, logits)), end="")


def main(argv: Sequence[str] | None = None) -> None:
    """Parses the arguments of the command and runs it."""
    import jsonargparse

    from keras_bert_zoo.commands.table_options import add_table_options, take_table

    description = (evaluate.__doc__ or "").splitlines()[0]
    parser = jsonargparse.ArgumentParser(prog="keras-bert-zoo evaluate", description=description)
    add = parser.add_argument
    add("bundle", help="directory of a classifier, or where else one is found")
    add("data", help=".csv, .tsv or .jsonl of labelled texts, or tweets://test")
    add_table_options(parser, empty_texts="keep")
    length = "tokens at which texts are truncated; by default the model's positions"
    add("--max_length", type=int | None, help=length)
    options = vars(parser.parse_args(argv))
    evaluate(table=take_table(options), **options)

"""``keras-bert-zoo deploy``: a SavedModel to a directory that TensorFlow Serving serves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keras_bert_zoo.data.text_files import TextTable


def deploy(
    artifact: str,
    *,
    output: str,
    data: str,
    table: TextTable,
    limit: int | None,
    name: str,
    batch_sizes: str,
    root: str,
) -> None:
    """Add a SavedModel to a directory for TensorFlow Serving, as its next version.

    The arguments are those of the command line.
    """
    import rich

    from keras_bert_zoo.commands.table_options import settings_of
    from keras_bert_zoo.data.examples import Examples
    from keras_bert_zoo.export.artifact import Artifact
    from keras_bert_zoo.export.formats import WHOLE_TEXTS
    from keras_bert_zoo.export.savedmodel.deployment import deploy as deploy_artifact
    from keras_bert_zoo.tasks import TASKS

    sizes, opened = _sizes(batch_sizes), Artifact.load(artifact)
    request: dict[str, Any]
    if opened.task in TASKS and opened.task not in WHOLE_TEXTS:
        request = {"examples": data, **settings_of(table), "limit": limit}
    else:
        rows = table.read(data, limit=limit)
        request = {"examples": Examples(rows.texts, rows.text_pairs)}
    done = deploy_artifact(opened, output, name=name, batch_sizes=sizes, root=root, **request)
    rich.print(f"{done.path}: {name} version {done.version}, {done.requests} warm-up requests ran")


def _sizes(words: str) -> list[int]:
    try:
        return [int(word) for word in words.split(",")]
    except ValueError:
        raise ValueError(
            f"batch_sizes must be whole numbers separated by commas, e.g. 1,8, received {words!r}."
        ) from None


def main(argv: Sequence[str] | None = None) -> None:
    """Parses the arguments of the command and runs it."""
    import jsonargparse

    from keras_bert_zoo.commands.table_options import add_table_options, take_table

    description = (deploy.__doc__ or "").splitlines()[0]
    parser = jsonargparse.ArgumentParser(prog="keras-bert-zoo deploy", description=description)
    add = parser.add_argument
    add("artifact", help="directory that `keras-bert-zoo export` wrote, e.g. exports/savedmodel")
    add("--output", required=True, help="directory to serve; several models may share it")
    data = "real texts for the warm-up: .csv, .tsv, .jsonl, or what the task reads"
    add("--data", required=True, help=data)
    add_table_options(parser, empty_texts="drop")
    parser.set_defaults(label_column=None)
    add("--limit", type=int | None, help="number of rows, from the first; all by default")
    add("--name", default="bert", help="of the model on the server")
    add("--batch_sizes", default="1,8,32", help="texts in a warm-up request, separated by commas")
    add("--root", default="/serving", help="where the server sees the output")
    options = vars(parser.parse_args(argv))
    deploy(table=take_table(options), **options)

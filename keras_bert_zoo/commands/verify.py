"""``keras-bert-zoo verify``: every artifact re-run in its own runtime, against Keras."""

from __future__ import annotations

import dataclasses
import functools
import logging
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keras_bert_zoo.config import EncoderConfig
    from keras_bert_zoo.data.examples import Examples
    from keras_bert_zoo.data.text_files import TextTable

# Of a classifier's texts, where no other column is named.
_LABEL = "label"
_log = logging.getLogger(__name__)


def verify(
    bundle: str,
    artifacts: Sequence[str],
    *,
    data: str | None = None,
    table: TextTable,
    limit: int | None = None,
    options: Mapping[str, Any] | None = None,
    threads: int | None = None,
    report: str | None = None,
) -> bool:
    """Re-run artifacts in their own runtimes and compare them with the Keras model.

    Returns:
        Whether all passed. The arguments are those of the command line.
    """
    import rich

    from keras_bert_zoo.commands.table_options import settings_of
    from keras_bert_zoo.export.artifact import Artifact
    from keras_bert_zoo.export.formats import WHOLE_TEXTS
    from keras_bert_zoo.export.verification.asked import check_source
    from keras_bert_zoo.export.verification.page import write_page
    from keras_bert_zoo.export.verification.verification import verify as verify_artifacts

    paths = report and report_paths(report)
    opened = [Artifact.load(path) for path in artifacts]
    check_source(bundle, opened)  # before a file is read as the other task's
    request: dict[str, Any]
    if opened[0].task in WHOLE_TEXTS:
        if options:
            raise ValueError(
                f"options are for other tasks than {opened[0].task!r}: leave them out."
            )
        config = opened[0].config
        read = _read_pairs if _compares(config, table) else functools.partial(read_examples, config)
        if config.problem_type and data is not None and table.label is None:
            table = with_labels(table, data)
        examples = None if data is None else read(table, data, limit)
        request = {"examples": examples}
    else:
        columns = {**settings_of(table), "options": options, "limit": limit}
        request = {"examples": data, **columns}
    result = verify_artifacts(bundle, opened, threads=threads, **request)
    rich.print(result.table())
    if paths:
        save_both(paths, result.save, functools.partial(write_page, result))
    return result.passed


def report_paths(report: str) -> tuple[pathlib.Path, pathlib.Path]:
    """The files of a report: the numbers, and the page beside them.

    Raises:
        ValueError: the name does not end in ``.json``, or is a directory's.
        OSError: its directory cannot be made.
    """
    path = pathlib.Path(report)
    if path.suffix != ".json":
        raise ValueError(
            f"report must end in .json, received {report!r}; the page gets the same name in .html"
        )
    if path.is_dir():
        raise ValueError(f"report must be a file, {report!r} is a directory.")
    path.parent.mkdir(parents=True, exist_ok=True)  # or an error before the work, not after it
    return path, path.with_suffix(".html")


def save_both(
    paths: tuple[pathlib.Path, pathlib.Path],
    save: Callable[[pathlib.Path], Any],
    write: Callable[[pathlib.Path], Any],
) -> None:
    """Writes the numbers and the page, and says where they are."""
    for path, function in zip(paths, (save, write), strict=True):
        function(path)
        print(path)


def read_examples(
    config: EncoderConfig, table: TextTable, data: str, limit: int | None
) -> Examples:
    """Reads texts for a model, with labels if it has some and a column is named.

    Args:
        config: of the model; it names the labels.
        table: which columns.
        data: the file.
        limit: number of rows, from the first.
    """
    from keras_bert_zoo.tasks.task import pair_column_of

    pair = pair_column_of(config, "sequence_classification", table.text_pair)
    table = dataclasses.replace(table, text_pair=pair)
    problem = config.problem_type
    if not problem:  # a bare encoder has nothing to be right about
        table = dataclasses.replace(table, label=None)
    return table.read(data, limit=limit).examples(problem or "", config.labels)


def with_labels(table: TextTable, data: str) -> TextTable:
    """Reads the column "label" where none is named and the file has it."""
    from keras_bert_zoo.data.records import records

    found = records(data, delimiter=table.delimiter, encoding=table.encoding)
    if _LABEL in next(iter(found), ("", {}))[1]:
        return dataclasses.replace(table, label=_LABEL)
    _log.warning("%s: no column %r, so no score; name another by label_column", data, _LABEL)
    return table


def _compares(config: EncoderConfig, table: TextTable) -> bool:
    """Whether pairs with numbers are for a model that says nothing but vectors."""
    return not config.problem_type and table.text_pair is not None and table.label is not None


def _read_pairs(table: TextTable, data: str, limit: int | None) -> Examples:
    return table.read(data, limit=limit).examples("regression", ["similarity"])


def main(argv: Sequence[str] | None = None) -> int:
    """Parses the arguments of the command and runs it; 1 if an artifact failed."""
    import jsonargparse

    from keras_bert_zoo.commands.table_options import add_table_options, take_table

    description = (verify.__doc__ or "").splitlines()[0]
    parser = jsonargparse.ArgumentParser(prog="keras-bert-zoo verify", description=description)
    add = parser.add_argument
    add("bundle", help="what was exported, as `keras-bert-zoo export` takes it")
    add("artifacts", nargs="+", help="directories that it wrote")
    data = (
        "real texts: .csv, .tsv, .jsonl, tweets://test, or what the task reads; a classifier's may "
        "have labels, in the column label unless another is named; writers have some"
    )
    add("--data", type=str | None, help=data)
    add_table_options(parser, empty_texts="error")
    # Pairs for an embedder have labels only where a column is named.
    parser.set_defaults(label_column=None)  # see `with_labels`
    add("--limit", type=int | None, help="number of rows, from the first; all by default")
    add("--options", type=dict[str, Any] | None, help="of the task, e.g. '{stride: 64}'")
    add("--threads", type=int | None, help="of each runtime; one per processor by default")
    add("--report", type=str | None, help="JSON file to write, with an HTML page beside it")
    options = vars(parser.parse_args(argv))
    return 0 if verify(table=take_table(options), **options) else 1

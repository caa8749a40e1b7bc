"""Writes the tables of docs/zoo.md from ``keras_bert_zoo.zoo``; run it after adding a row."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator

from keras_bert_zoo.commands.list import COLUMNS, cells
from keras_bert_zoo.zoo import TASKS, select

TARGET = pathlib.Path(__file__).parents[1] / "docs" / "zoo.md"
BEGIN = "<!-- Written by scripts/write_zoo_table.py. -->"
CASING = {True: "cased", False: "uncased", None: ""}


def tables() -> Iterator[str]:
    """The lines: a table for each task."""
    headings = (*COLUMNS, "architecture", "vocabulary", "casing", "paper", "loaded from")
    rules = ["--:" if justify == "right" else "---" for justify in COLUMNS.values()]
    for task in TASKS:
        yield from (f"## Task `{task}`", "")
        yield _line(headings)
        yield _line((*rules, "---", "--:", "---", "---", "---"))
        for row in select(task=task):
            yield _line(
                (
                    f"`{row.name}`",
                    *cells(row)[1:],
                    row.architecture,
                    f"{row.config.vocab_size:,}",
                    CASING[row.cased],
                    row.paper.arxiv,
                    f"`{row.source}`",
                )
            )
        yield ""


def _line(values: tuple[str, ...]) -> str:
    return f"| {' | '.join(values)} |"


def content() -> str:
    """The page: what is written by hand, up to the mark, and the tables."""
    by_hand = TARGET.read_text(encoding="utf-8").partition(BEGIN)[0]
    return "\n".join([by_hand + BEGIN, "", *tables()]).rstrip() + "\n"


if __name__ == "__main__":
    TARGET.write_text(content(), encoding="utf-8")

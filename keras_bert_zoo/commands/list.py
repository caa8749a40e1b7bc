"""``keras-bert-zoo list``: the published checkpoints that have a short name."""

from __future__ import annotations

from typing import Any

_COLUMNS = ("name", "layers", "hidden_size", "languages", "licence", "paper")


def list_checkpoints() -> None:
    """List the published checkpoints that have a short name."""
    from rich.console import Console
    from rich.table import Table

    from keras_bert_zoo.zoo import CHECKPOINTS

    caption = "sources: keras_bert_zoo.zoo.CHECKPOINTS"
    # One space between columns: the table fits into 80 characters.
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, caption=caption)
    for column in _COLUMNS:
        table.add_column(column.removesuffix("_size"))
    for checkpoint in CHECKPOINTS.values():
        table.add_row(*(str(getattr(checkpoint, column)) for column in _COLUMNS))
    Console().print(table)


def main(argv: list[str] | None = None) -> Any:
    """Parses the arguments of the command and runs it."""
    import jsonargparse

    return jsonargparse.auto_cli(list_checkpoints, args=argv, prog="keras-bert-zoo list")

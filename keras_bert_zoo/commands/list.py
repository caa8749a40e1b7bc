"""``keras-bert-zoo list``: the published checkpoints that have a short name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def list_checkpoints() -> None:
    """List the published checkpoints that have a short name."""
    import dataclasses

    from rich.console import Console
    from rich.table import Table

    from keras_bert_zoo.zoo import CHECKPOINTS, Checkpoint

    table = Table(*(field.name for field in dataclasses.fields(Checkpoint)))
    for checkpoint in CHECKPOINTS.values():
        table.add_row(*(str(value) for value in dataclasses.astuple(checkpoint)))
    Console().print(table)


def main(argv: Sequence[str] | None = None) -> Any:
    """Parses the arguments of the command and runs it."""
    import jsonargparse

    return jsonargparse.auto_cli(list_checkpoints, args=argv, prog="keras-bert-zoo list")

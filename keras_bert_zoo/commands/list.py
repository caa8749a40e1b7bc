"""``keras-bert-zoo list``: the published checkpoints that have a short name."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import rich.table

    from keras_bert_zoo.zoo import Checkpoint

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "B": 10**9}


def list_checkpoints(*, as_json: bool, max_params: str | None, **asked: Any) -> None:
    """List the published checkpoints that have a short name.

    The arguments are those of the command line.
    """
    from rich.console import Console

    from keras_bert_zoo.zoo import TASKS, select

    limit = None if max_params is None else _count(max_params)
    rows = select(max_params=limit, **asked)
    if as_json:
        print(json.dumps([row.to_dict() for row in rows], indent=2))
        return
    console = Console()
    for task in TASKS:
        if chosen := [row for row in rows if row.task == task]:
            console.print(_table(task, chosen))
    found = "1 checkpoint" if len(rows) == 1 else f"{len(rows)} checkpoints"
    more = " More of one: keras-bert-zoo info NAME" if rows else ""
    console.print(f"{found}.{more}", highlight=False)


# column: how it is justified
COLUMNS: dict[str, Literal["left", "right"]] = {
    "name": "left",
    "params": "right",
    "layers": "right",
    "hidden": "right",
    "languages": "left",
    "licence": "left",
}


def cells(row: Checkpoint) -> tuple[str, ...]:
    """What the columns of ``COLUMNS`` say of a checkpoint."""
    codes = dict.fromkeys(tag.partition("-")[0] for tag in row.languages)
    return (
        row.name,
        f"{row.parameters / 1e6:.1f}M",
        str(row.config.num_hidden_layers),
        str(row.config.hidden_size),
        ", ".join(codes) if len(codes) < 3 else str(len(row.languages)),
        row.licence,
    )


def _table(task: str, rows: Sequence[Checkpoint]) -> rich.table.Table:
    from rich.table import Table

    # One space between columns: the table fits into 80 characters.
    table = Table(title=task, box=None, padding=(0, 1, 0, 0), pad_edge=False, title_justify="left")
    for column, justify in COLUMNS.items():
        table.add_column(column, justify=justify)
    for row in rows:
        table.add_row(*cells(row))
    return table


def _count(text: str) -> int:
    """Reads ``30M``, ``3e7`` or ``30000000``."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?(?:E\d{1,2})?)([KMB]?)", text.upper())
    if not match:
        raise ValueError(
            f"max_params must be a number like 30M, 3e7 or 30000000, received {text!r}."
        )
    return round(float(match[1]) * _UNITS[match[2]])


def main(argv: Sequence[str] | None = None) -> None:
    """Parses the arguments of the command and runs it."""
    import jsonargparse

    from keras_bert_zoo.zoo import TASKS

    description = (list_checkpoints.__doc__ or "").splitlines()[0]
    parser = jsonargparse.ArgumentParser(prog="keras-bert-zoo list", description=description)
    add = parser.add_argument
    add("--task", type=str | None, help=f"what it is ready for: {' or '.join(TASKS)}")
    add("--language", type=str | None, help="that it was trained on, e.g. en, zh or de")
    add("--max_params", type=str | None, help="most weights it may have, e.g. 30M or 3e7")
    add("--licence", "--license", type=str | None, help="e.g. Apache-2.0 or MIT")
    add("--architecture", type=str | None, help="model_type of its config.json, e.g. bert")
    add("--json", action="store_true", help="all that is known, as JSON")
    options = vars(parser.parse_args(argv))
    list_checkpoints(as_json=options.pop("json"), **options)

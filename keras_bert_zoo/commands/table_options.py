"""Options of the commands that read a table of texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keras_bert_zoo.data.text_files import TextTable

ENCODING = "utf-8-sig"
_BY_TASK = "; by default the task's"
# option: field of `TextTable`
_FIELDS = {
    "text_column": "text",
    "pair_column": "text_pair",
    "label_column": "label",
    "delimiter": "delimiter",
    "encoding": "encoding",
    "empty_texts": "empty_texts",
}


def add_table_options(parser: Any, *, empty_texts: str, by_task: bool = False) -> None:
    """Adds the options.

    Args:
        parser: of the command.
        empty_texts: what the command does with rows without text.
        by_task: whether columns that are not named are the task's, instead of a classifier's.
    """
    add_text_options(parser, by_task=by_task)
    label, end = (None, _BY_TASK) if by_task else ("label", "")
    add = parser.add_argument
    add("--label_column", type=str | None, default=label, help=f"column of the label{end}")
    add("--empty_texts", default=empty_texts, help="error, drop or keep rows without text")


def add_text_options(parser: Any, *, by_task: bool) -> None:
    """Adds the options of texts alone, see ``add_table_options``."""
    kind, text, end = (str | None, None, _BY_TASK) if by_task else (str, "text", "")
    add = parser.add_argument
    add("--text_column", type=kind, default=text, help=f"column of the text{end}")
    add("--pair_column", type=str | None, help="column of the second text, for pairs")
    add("--delimiter", type=str | None, help="of columns; by default by the file's suffix")
    add("--encoding", default=ENCODING, help="of the file")


def settings_of(table: TextTable) -> dict[str, Any]:
    """The fields that were named, as ``tasks.task.Settings`` has them."""
    values = {option: getattr(table, field) for option, field in _FIELDS.items()}
    defaults = {option: getattr(type(table)(), field) for option, field in _FIELDS.items()}
    return {option: value for option, value in values.items() if value != defaults[option]}


def take_table(options: dict[str, Any]) -> TextTable:
    """Takes the options out of a command's and returns the table they describe.

    Raises:
        ValueError: an option names nothing.
    """
    from keras_bert_zoo.data.text_files import TextTable

    return TextTable(**{field: options.pop(name) for name, field in _FIELDS.items()})

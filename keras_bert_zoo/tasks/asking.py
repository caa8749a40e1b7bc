"""What users pass to a model: texts, pairs of texts, or records as files have them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras_bert_zoo.data.records import Located, place_of
from keras_bert_zoo.data.spelling import spelling_hint

_COLUMNS = ("text", "text_pair")
_OF_FILES = " Say which columns to take with text_column and pair_column."
# Of tasks that take two texts, for the messages that miss one.
TWO_TEXTS = (
    "On the command line: --pairs with a tab between the two, --jsonl with an object, or --input "
    "with a file."
)


def texts_of(
    questions: Sequence[Any], columns: Sequence[str] = _COLUMNS
) -> tuple[list[str], list[str] | None]:
    """Texts and, where there are pairs, second texts.

    Args:
        questions: strings, pairs of strings, or dicts with the first column and perhaps the
            second; all alike.
        columns: of a text and of a second one.

    Raises:
        ValueError: a question is something else, has a misspelt key (a second text that is
            passed over would change the answer), or some are pairs and some are not.
    """
    if isinstance(questions, str):
        raise ValueError("Pass a list of texts, received one text.")
    rows = [_strings(question, index, columns) for index, question in enumerate(questions)]
    widths = {len(row) for row in rows}
    if len(widths) > 1:
        raise ValueError("Some of the texts are pairs and some are not. Ask for them apart.")
    pairs = [row[1] for row in rows] if widths == {2} else None
    return [row[0] for row in rows], pairs


def _strings(question: Any, index: int, columns: Sequence[str]) -> tuple[str, ...]:
    hint, parts = "", question
    if isinstance(question, dict):
        hint = spelling_hint(question, columns)
        parts = [question[name] for name in columns if name in question]
    parts = [parts] if isinstance(parts, str) else parts
    valid = isinstance(parts, list | tuple) and 1 <= len(parts) <= len(columns) and not hint
    if not valid or not all(isinstance(part, str) for part in parts):
        choice = _OF_FILES if isinstance(question, Located) and question.of_file else ""
        pair = "a pair of strings, " if len(columns) > 1 else ""
        raise ValueError(
            f"{place_of(question, index)} must be a string, {pair}or a dict of strings with "
            f"{tuple(columns)}, received {question!r}.{hint}{choice}"
        )
    return tuple(parts)

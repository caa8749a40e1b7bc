"""What users pass to a model: texts, pairs of texts, or records as files have them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras_bert_zoo.data.spelling import spelling_hint

_COLUMNS = ("text", "text_pair")
# Of tasks that take two texts, for the messages that miss one.
TWO_TEXTS = (
    "On the command line: --pairs with a tab between the two, --jsonl with an object, or --input "
    "with a file."
)


def texts_of(questions: Sequence[Any]) -> tuple[list[str], list[str] | None]:
    """Texts and, where there are pairs, second texts.

    Args:
        questions: strings, pairs of strings, or dicts with ``text`` and perhaps
            ``text_pair``; all alike.

    Raises:
        ValueError: a question is something else, has a misspelt key (a second text that is
            passed over would change the answer), or some are pairs and some are not.
    """
    if isinstance(questions, str):
        raise ValueError("Pass a list of texts, received one text.")
    rows = [_strings(question, index) for index, question in enumerate(questions)]
    widths = {len(row) for row in rows}
    if len(widths) > 1:
        raise ValueError("Some of the texts are pairs and some are not. Ask for them apart.")
    pairs = [row[1] for row in rows] if widths == {2} else None
    return [row[0] for row in rows], pairs


def _strings(question: Any, index: int) -> tuple[str, ...]:
    hint, parts = "", question
    if isinstance(question, dict):
        hint = spelling_hint(question, _COLUMNS)
        parts = [question[name] for name in _COLUMNS if name in question]
    parts = (parts,) if isinstance(parts, str) else tuple(parts or ())
    if hint or not all(isinstance(part, str) for part in parts) or len(parts) not in (1, 2):
        raise ValueError(
            f"question {index} must be a string, a pair of strings, or a dict with "
            f"{_COLUMNS}, received {question!r}.{hint}"
        )
    return parts

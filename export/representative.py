"""The user's texts that an export takes: which, and how many. Loads no TensorFlow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from keras_bert_zoo.data.examples import Examples

from .errors import ExportError
from .formats import FORMATS

OPTION = "examples"
# Half of them give scales, half judge the result.
_FEWEST, _MOST = 20, 200


def chosen_examples(examples: Examples | None, formats: Iterable[str]) -> Examples | None:
    """Returns the texts that an export uses: at most 200, evenly spread over those given.

    Raises:
        ExportError: a format needs texts and there are none, or too few, or no format takes them.
    """
    takers = [name for name, row in FORMATS.items() if OPTION in row.options]
    wanted = [name for name in formats if name in takers]
    if not wanted and examples is None:
        return None
    if not wanted:
        raise ExportError(
            f"examples (--data) are for the formats {takers}, received {list(formats)}. Add one of "
            "them, or leave the texts out."
        )
    distinct = [] if examples is None else _distinct(examples)
    count = len(distinct)
    if examples is None or count < _FEWEST:
        raise ExportError(
            f"{wanted} find the scales of activations on your texts: they need {_FEWEST} or more, "
            f"received {count} different ones; {_MOST} are used at most. Pass "
            "examples=Examples(texts) (--data FILE) of the kind that the model will see."
        )
    used = min(count, _MOST)
    return examples.select([distinct[row * count // used] for row in range(used)])


def _distinct(examples: Examples) -> list[int]:
    """The first row of each text: a copy in the other half would judge itself."""
    pairs: Sequence[str | None] = examples.text_pairs or [None] * len(examples)
    rows: dict[tuple[str, str | None], int] = {}
    for row, text in enumerate(zip(examples.texts, pairs, strict=True)):
        rows.setdefault(text, row)
    return list(rows.values())


def halves(examples: Examples) -> tuple[Examples, Examples]:
    """Every other text, and the rest."""
    rows = range(len(examples))
    return examples.select(rows[::2]), examples.select(rows[1::2])

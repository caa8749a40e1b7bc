"""Scores of tags, computed by seqeval and scikit-learn, and the entities that tags spell."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from seqeval.metrics import sequence_labeling
from sklearn import metrics

from keras_bert_zoo.data.tagging import PLAIN, PREFIXED, spells_words

_OUTSIDE = "O"
# Other names for the same.
_NAMES = str.maketrans("MLU", "IES")
Entity = tuple[str, int, int]


def spells_entities(labels: Iterable[str]) -> bool:
    """Whether tags are of entities or of words, and not for instance parts of speech."""
    names = set(labels)
    return any(PREFIXED.fullmatch(name) for name in names) or spells_words(names)


def entities(tags: Sequence[str]) -> list[Entity]:
    """Kind, first and last word of each entity, as seqeval reads tags by default.

    BIO, BIOES, BILOU and BMES; tags without a kind spell entities of the kind ``word``.
    """
    return [tuple(found) for found in sequence_labeling.get_entities(_as_seqeval(tags))]


def may_follow(labels: Sequence[str]) -> np.ndarray:
    """Which tags may stand behind which in BIO, BIOES, BILOU and BMES.

    An entity goes on only where one of its kind is open, and where its kind has a tag for the
    end, an open entity must go on. A kind without a tag for the beginning begins anyhow.

    Args:
        labels: C tags.

    Returns:
        bool ``(C + 1, C + 1)``, from the row to the column; the last is the border of a text.

    Raises:
        ValueError: the tags spell no entities.
    """
    if not spells_entities(labels):
        raise ValueError(f"Only tags of entities exclude each other, received {list(labels)}.")
    names = [(*_named(tag).split("-", 1), "")[:2] for tag in (*labels, _OUTSIDE)]
    known = set(names)

    def allowed(before: tuple[str, ...], after: tuple[str, ...]) -> bool:
        (first, kind), (then, other) = before, after
        is_open, goes_on = first in ("B", "I"), then in ("I", "E")
        if is_open and goes_on and kind == other:
            return True
        may_begin = not goes_on or ("B", other) not in known
        return may_begin and not (is_open and ("E", kind) in known)

    return np.array([[allowed(before, after) for after in names] for before in names])


def score(
    true: Sequence[Sequence[str]],
    predicted: Sequence[Sequence[str]],
    labels: Iterable[str] | None = None,
) -> dict[str, float]:
    """Compares tags, one sequence for each text.

    Args:
        true: tags by people.
        predicted: those of a model.
        labels: of the model, which say whether tags spell entities: a file may hold none. By
            default those of ``true``.

    Returns:
        Of entities ``f1``, ``precision`` and ``recall``, each entity counting once (Tjong Kim
        Sang & De Meulder 2003, CoNLL-2003); of other tags ``f1_macro``; ``accuracy`` of single
        tags of both.

    Raises:
        ValueError: there is nothing to compare.
    """
    flat = [tag for tags in true for tag in tags]
    answered = [tag for tags in predicted for tag in tags]
    if not flat:
        raise ValueError("score needs at least one tag, received none.")
    accuracy = float(metrics.accuracy_score(flat, answered))
    if not spells_entities(flat if labels is None else labels):
        f1 = metrics.f1_score(flat, answered, average="macro", zero_division=0.0)
        return {"accuracy": accuracy, "f1_macro": float(f1)}
    both = [[_as_seqeval(tags) for tags in texts] for texts in (true, predicted)]
    options: dict[str, Any] = {"average": "micro", "zero_division": 0}
    return {
        "f1": float(sequence_labeling.f1_score(*both, **options)),
        "precision": float(sequence_labeling.precision_score(*both, **options)),
        "recall": float(sequence_labeling.recall_score(*both, **options)),
        "accuracy": accuracy,
    }


def tally(
    true: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]], labels: Iterable[str]
) -> np.ndarray:
    """Of each text the parts of F1 or, where the labels spell no entities, of accuracy.

    Returns:
        float64 ``(N, 2)``: the score is the sum of the first by the sum of the second.
    """
    pairs = [*zip(true, predicted, strict=True)]
    if not spells_entities(labels):
        return np.array([(sum(map(operator.eq, *pair)), len(pair[0])) for pair in pairs], float)
    both = [[set(entities(tags)) for tags in pair] for pair in pairs]
    return np.array([(2 * len(t & p), len(t) + len(p)) for t, p in both], float)


def _as_seqeval(tags: Sequence[str]) -> list[str]:
    return [_named(tag) for tag in tags]


def _named(tag: str) -> str:
    if PREFIXED.fullmatch(tag):
        return tag[0].translate(_NAMES) + tag[1:]
    if len(tag) == 1 and tag in PLAIN - {"O"}:
        return f"{tag.translate(_NAMES)}-word"
    return tag

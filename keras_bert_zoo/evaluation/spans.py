"""The parts of a text that a model takes for the answer to a question, best first."""

from __future__ import annotations

import dataclasses

import numpy as np

from keras_bert_zoo.data.windows import Windows

_PAIRS_AT_ONCE = 1 << 22


@dataclasses.dataclass(frozen=True)
class Spans:
    """What was found for N questions: M parts of their contexts.

    Args:
        owners: the question of each part, int ``(M,)``, rising; within one the best is first.
        starts: first character, int ``(M,)``.
        ends: the character after the last, int ``(M,)``.
        scores: sum of both logits, float64 ``(M,)``.
        null_scores: that of ``[CLS]``, the lowest of the rows of each question, float64 ``(N,)``.
    """

    owners: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    scores: np.ndarray
    null_scores: np.ndarray

    @property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """The first part of each question and the one after its last, int ``(N,)`` each."""
        edges = np.searchsorted(self.owners, np.arange(len(self.null_scores) + 1))
        return edges[:-1], edges[1:]

    @property
    def null_margins(self) -> np.ndarray:
        """Score of no answer, less that of the best one: float64 ``(N,)``.

        Infinite where a context has no tokens, so that there is no answer to choose.
        """
        first, after = self.bounds
        margins = np.full(len(first), np.inf)
        found = first < after
        margins[found] = self.null_scores[found] - self.scores[first[found]]
        return margins


def best_spans(
    windows: Windows,
    logits: tuple[np.ndarray, np.ndarray],
    *,
    questions: int,
    n_best: int,
    max_answer_length: int,
) -> Spans:
    """Searches all rows of each question for the parts with the largest sum of logits.

    Devlin et al. 2018, section 4.2: a part ends where it begins or later. All pairs of tokens
    count; published scripts try those of the 20 best first and the 20 best last ones alone, which
    may leave nothing. A part that several rows hold counts once, with its best score.

    Args:
        windows: rows of questions, see ``data.question_windows``.
        logits: how well a part begins and how well it ends at each token, ``(tokens,)`` each.
        questions: N.
        n_best: parts to keep of each question.
        max_answer_length: tokens of the longest part.
    """
    encoded, count = windows.encoded, len(windows.encoded)
    start_logits, end_logits = (each.astype("float64") for each in logits)
    firsts = encoded.spread(start_logits + end_logits, np.arange(count), 1, 0.0)[:, 0]
    null_scores = np.full(questions, np.inf)
    np.minimum.at(null_scores, windows.owners, firsts)
    longest = max(1, int(encoded.lengths.max(initial=1)))
    size = max(1, _PAIRS_AT_ONCE // (longest * min(longest, max_answer_length)))
    parts = [
        _candidates(windows, part, (start_logits, end_logits), (n_best, max_answer_length))
        for part in np.split(np.arange(count), range(size, count, size))
    ]
    owner, start, end, score = map(np.concatenate, zip(*parts, strict=True))
    best = _best_of_each(owner, start, end, score, n_best)
    return Spans(owner[best], start[best], end[best], score[best], null_scores)


def _candidates(
    windows: Windows,
    part: np.ndarray,
    logits: tuple[np.ndarray, np.ndarray],
    limits: tuple[int, int],
) -> tuple[np.ndarray, ...]:
    """Owner, first and last character, and score of the best pairs of some rows."""
    n_best, max_answer_length = limits
    encoded = windows.encoded
    width = int(encoded.lengths[part].max(initial=1))
    begins, stops = (encoded.spread(values, part, width, 0) for values in windows.offsets.T)
    first, last = (
        np.where(stops > 0, encoded.spread(each, part, width, 0), -np.inf) for each in logits
    )
    span = min(max_answer_length, width)
    last = np.pad(last, ((0, 0), (0, span - 1)), constant_values=-np.inf)
    ends = np.lib.stride_tricks.sliding_window_view(last, span, axis=1)
    scores = (first[:, :, None] + ends).reshape(len(part), width * span)
    kept = np.argpartition(-scores, min(n_best, scores.shape[1]) - 1, axis=1)[:, :n_best]
    found = np.take_along_axis(scores, kept, axis=1)
    row, column = np.nonzero(np.isfinite(found))
    at_first, further = np.divmod(kept[row, column], span)
    return (
        windows.owners[part][row],
        begins[row, at_first],
        stops[row, at_first + further],
        found[row, column],
    )


def _best_of_each(
    owner: np.ndarray, start: np.ndarray, end: np.ndarray, score: np.ndarray, count: int
) -> np.ndarray:
    """Indices of the best parts by owner, each part once."""
    by_part = np.lexsort((-score, end, start, owner))
    keys = np.stack([owner, start, end])[:, by_part]
    is_new = np.append(True, (keys[:, 1:] != keys[:, :-1]).any(axis=0))[: len(by_part)]
    kept = by_part[is_new]
    order = kept[np.lexsort((end[kept], start[kept], -score[kept], owner[kept]))]
    owners = owner[order]
    rank = np.arange(len(order)) - np.searchsorted(owners, owners)
    return order[rank < count]

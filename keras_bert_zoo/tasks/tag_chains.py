"""The best tags of whole texts, where it counts which tags follow each other."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np

from keras_bert_zoo.config import IGNORED
from keras_bert_zoo.layers.crf import marginals, viterbi

_AT_ONCE = 256


def best_tags(
    logits: np.ndarray, known: np.ndarray, counts: Sequence[int], transitions: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Tags of the words of N texts.

    Args:
        logits: ``(words, classes)``, of all texts one after the other.
        known: bool ``(words,)``; the others are passed over.
        counts: words of each text, ``(N,)``.
        transitions: ``(classes + 1, classes + 1)``, see ``layers.crf``.

    Returns:
        The tag of each word, int ``(words,)``, and its probability over all sequences; 0 and
        NaN where it is not known.
    """
    lengths = np.array(counts, int)
    starts = np.cumsum(lengths) - lengths
    tags, chances = np.zeros(len(logits), int), np.full(len(logits), np.nan)
    order = np.argsort(lengths, kind="stable")
    order = order[lengths[order] > 0]
    for at in range(0, len(order), _AT_ONCE):
        texts = order[at : at + _AT_ONCE, None]
        columns = np.arange(lengths[texts].max())
        inside = columns < lengths[texts]
        places = np.where(inside, starts[texts] + columns, 0)
        mask = inside & known[places]
        chain = logits[places].astype("float32"), mask, transitions
        best, shares = (keras.ops.convert_to_numpy(each(*chain)) for each in (viterbi, marginals))
        chosen = best[mask]
        tags[places[mask]] = chosen
        chances[places[mask]] = np.take_along_axis(shares[mask], chosen[:, None], axis=1)[:, 0]
    return tags, chances


def chain_scores(
    labels: np.ndarray, lengths: np.ndarray, classes: int
) -> tuple[np.ndarray, np.ndarray]:
    """How often labels occur, and how much more often they follow each other than by chance.

    A CRF begins with both, which together are the probability of a label behind another: the
    rates at which encoders are fine-tuned would hardly move it from 0. The second alone would
    have it tag all words as entities, because a rare label follows its like far more often than
    by chance.

    Args:
        labels: int ``(tokens,)``; ``IGNORED`` is passed over.
        lengths: tokens of each row.
        classes: number of classes C.

    Returns:
        As logarithms the rate of each label ``(C,)``, and the pointwise mutual information
        ``(C + 1, C + 1)``, each pair counted once more than it occurs; 0 from border to border.
    """
    counted = labels != IGNORED
    row = np.repeat(np.arange(len(lengths)), lengths)[counted]
    new = np.diff(row, prepend=-1, append=len(lengths)) > 0
    chain = labels[counted]
    pairs = np.ones((classes + 1, classes + 1))
    np.add.at(pairs, (np.where(new[:-1], classes, np.roll(chain, 1)), chain), 1)
    np.add.at(pairs, (chain[new[1:]], classes), 1)
    pairs[classes, classes] = 0
    rates = pairs.sum(axis=0) / pairs.sum()
    by_chance = pairs.sum(axis=1, keepdims=True) * rates
    pairs[classes, classes] = by_chance[classes, classes]
    return np.log(rates[:-1]).astype("float32"), np.log(pairs / by_chance).astype("float32")

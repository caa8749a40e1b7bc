"""The best way to write words as pieces of a Unigram vocabulary. TensorFlow-only, core ops only.

Viterbi's algorithm as ``tokenizers`` runs it: in double precision, each sum from the word's
beginning, the longest last piece of equally good ones. tensorflow-text's
``SentencepieceTokenizer`` has single precision: for runs of equal characters, whose
segmentations differ in rounding alone, it answers otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from keras_bert_zoo.tokenizers.unigram.characters import (
    lower_bound,
    reachable,
    repeated,
    runs,
)
from keras_bert_zoo.tokenizers.unigram.trie import Trie

# What a character that no piece spells costs more than the least likely piece.
_UNKNOWN_PENALTY = 10.0


class Found(NamedTuple):
    """Pieces of ``W`` words.

    Attributes:
        ids: ``(P,)`` int32.
        first: ``(P,)`` int64: first character of each piece in its word.
        past: ``(P,)`` int64: one past the last.
        splits: ``(W + 1,)`` int64: where the pieces of each word begin.
    """

    ids: tf.Tensor
    first: tf.Tensor
    past: tf.Tensor
    splits: tf.Tensor


class Lattice:
    """Cuts words into the pieces whose scores have the largest sum.

    Args:
        pieces: the vocabulary in the order of ids; of equal pieces the last counts.
        scores: logarithms of probabilities.
        unknown: id of characters that no piece spells; those in a row are one piece.
        byte_ids: ids of the 256 bytes that such characters are spelled with, or ``None``.
    """

    def __init__(
        self,
        pieces: Sequence[str],
        scores: Sequence[float],
        unknown: int,
        byte_ids: Sequence[int] | None,
    ) -> None:
        ids = {piece: index for index, piece in enumerate(pieces) if piece}
        self._trie = Trie(list(ids))
        kept = [scores[index] for index in ids.values()]
        # Two more keys: an unknown character, and no piece.
        self._unknown, self._none = len(ids), len(ids) + 1
        self._scores = tf.constant([*kept, min(scores) - _UNKNOWN_PENALTY, -np.inf], tf.float64)
        self._ids = tf.constant([*ids.values(), unknown], tf.int32)
        self._unknown_id = unknown
        self._byte_ids = None if byte_ids is None else tf.constant(byte_ids, tf.int32)

    def __call__(self, points: tf.Tensor, splits: tf.Tensor) -> Found:
        """Cuts words.

        Args:
            points: ``(N,)`` int32: the characters of all words.
            splits: ``(W + 1,)`` int64: where each word begins; none is empty.
        """
        words = tf.RaggedTensor.from_row_splits(points, splits, validate=False)
        word = words.value_rowids()
        start = tf.gather(splits, word)
        length, key = self._best(points, splits, word)
        size = tf.size(word, tf.int64)
        here = tf.range(size)
        before = here - length
        # A piece is known by its last character; back from there to the one before it.
        successor = tf.concat([tf.where(before >= start, before, size), [size]], axis=0)
        is_last = tf.scatter_nd(splits[1:, None] - 1, tf.ones_like(splits[1:]), [size + 1]) > 0
        last = tf.reshape(tf.where(reachable(successor, is_last)[:-1]), [-1])
        first = tf.gather(before, last) + 1
        ids, word = tf.gather(self._ids, tf.gather(key, last)), tf.gather(word, last)
        # Unknown characters in a row are one piece.
        alone = tf.where(ids == self._unknown_id, -tf.ones_like(first), first)
        pieces = runs(word, alone)
        ids, word, first = (tf.gather(each, pieces.first) for each in (ids, word, first))
        past = tf.gather(last, pieces.past - 1) + 1
        if self._byte_ids is not None:
            ids, index = self._in_bytes(ids, first, points)
            word, first, past = (tf.gather(each, index) for each in (word, first, past))
        start = tf.gather(splits, word)
        bounds = lower_bound(word, tf.range(tf.size(splits, tf.int64)))
        return Found(ids, first - start, past - start, bounds)

    def _best(
        self, points: tf.Tensor, splits: tf.Tensor, word: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """For each character, the best last piece of what ends with it: its length and key."""
        width = self._trie.longest
        past = tf.gather(splits, word + 1)
        first, key = self._trie(points, past)
        length = tf.gather(self._trie.lengths, key)
        # Characters that are no pieces.
        spelled = tf.scatter_nd(
            tf.boolean_mask(first, length == 1)[:, None],
            tf.ones_like(tf.boolean_mask(first, length == 1)),
            tf.shape(points, tf.int64),
        )
        strange = tf.reshape(tf.where(spelled == 0), [-1])
        first = tf.concat([first, strange], axis=0)
        length = tf.concat([length, tf.ones_like(strange)], axis=0)
        key = tf.concat([key, tf.fill(tf.shape(strange), self._unknown)], axis=0)
        # One row for each character, in the order of their places in the words; of each place
        # the longest words come first. Of each row the longest piece comes first.
        lengths = splits[1:] - splits[:-1]
        rank = tf.math.invert_permutation(tf.argsort(lengths, direction="DESCENDING", stable=True))
        place = tf.range(tf.size(word, tf.int64)) - tf.gather(splits, word)
        counts = tf.math.bincount(tf.cast(place, tf.int32), dtype=tf.int64)
        row = tf.gather(tf.cumsum(counts, exclusive=True), place)
        row += tf.cast(tf.gather(rank, word), tf.int64)
        at = tf.gather(row, first + length - 1) * width + width - length
        size = tf.size(word, tf.int64) * width
        table = tf.tensor_scatter_nd_update(tf.fill([size], self._none), at[:, None], key)
        slot = _best_slots(tf.reshape(table, [-1, width]), counts, self._scores)
        slot = tf.gather(tf.cast(slot, tf.int64), row)
        return width - slot, tf.gather(table, row * width + slot)

    def _in_bytes(
        self, ids: tf.Tensor, first: tf.Tensor, points: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Spells unknown pieces in bytes: the new ids, and which piece each comes from."""
        splits = tf.concat([first, [tf.size(points, tf.int64)]], axis=0)
        pieces = tf.RaggedTensor.from_row_splits(points, splits, validate=False)
        is_unknown = ids == self._unknown_id
        text = tf.where(is_unknown, tf.strings.unicode_encode(pieces, "UTF-8"), "?")
        index, _ = repeated(tf.strings.length(text))
        values = tf.io.decode_raw(tf.strings.reduce_join(text), tf.uint8)
        spelled = tf.gather(self._byte_ids, tf.cast(values, tf.int32))
        return tf.where(tf.gather(is_unknown, index), spelled, tf.gather(ids, index)), index


@tf.function(
    input_signature=[
        tf.TensorSpec([None, None], tf.int32),
        tf.TensorSpec([None], tf.int64),
        tf.TensorSpec([None], tf.float64),
    ],
    autograph=False,
)
def _best_slots(table: tf.Tensor, counts: tf.Tensor, scores: tf.Tensor) -> tf.Tensor:
    """Chooses the last piece of every beginning of every word.

    Args:
        table: ``(N, L)``: for each character the keys of the pieces that end with it; the
            piece at ``s`` has ``L - s`` characters.
        counts: ``(T,)``: how many words have a character at each place.
        scores: ``(K,)`` of the keys.

    Returns:
        ``(N,)`` int32: place in the row of ``table``.
    """
    width = tf.shape(table)[1]
    words = tf.reduce_max(tf.concat([counts, tf.zeros([1], tf.int64)], axis=0))

    def step(place, start, window, slots):  # type: ignore[no-untyped-def]
        count = tf.gather(counts, place)
        paths = tf.gather(scores, table[start : start + count]) + window[:count]
        best = tf.reduce_max(paths, axis=1, keepdims=True)
        # Of equal ones the first; tf.argmax promises none.
        slot = tf.reduce_min(tf.where(paths == best, tf.range(width), width), axis=1)
        window = tf.concat([window[:count, 1:], best], axis=1)
        return place + 1, start + count, window, slots.write(place, slot)

    # Best sums of the last L beginnings of each word; of the empty one alone at first.
    impossible = tf.fill([words, tf.cast(width, tf.int64) - 1], tf.constant(-np.inf, tf.float64))
    window = tf.concat([impossible, tf.zeros([words, 1], tf.float64)], axis=1)
    places = tf.size(counts)
    slots = tf.TensorArray(tf.int32, places, infer_shape=False, element_shape=[None])
    start = (tf.constant(0), tf.constant(0, tf.int64), window, slots)
    shapes = tuple(tf.TensorShape(s) for s in ([], [], [None, None], []))
    *_, slots = tf.while_loop(
        lambda place, *_: place < places, step, start, shape_invariants=shapes
    )
    return slots.concat()

"""Byte-pair encoding of all words of a batch at once. TensorFlow-only, core ops only.

The reference merges, in each word, one pair after another: the pair of the lowest rank, the
leftmost of several. Here a round merges all pairs of which nothing that comes before them in
this order can change anything. A merge changes its neighbours, these theirs, but a token that
grows so across others is never longer than the longest token. So a pair that has the lowest
rank within twice that length need not wait for what is farther away.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from keras_bert_zoo.tokenizers.byte_bpe.alphabet import CHARACTERS, bytes_of
from keras_bert_zoo.tokenizers.byte_bpe.source import ByteBpeSource
from keras_bert_zoo.tokenizers.segmentation import int64, rows

_NO_RANK = np.iinfo(np.int32).max
# Rounds look at tokens, some dozens of times for each byte of a megabyte of one word. What would
# take a time that grows with the square of a word's length ends here; words of less than twice as
# many bytes cannot get so far.
_MOST_LOOKS = 500
_TOO_LONG = (
    f"Cutting a word took more than {_MOST_LOOKS} looks at each byte: it has thousands of bytes, "
    "and merges of the vocabulary wait for one another. Put spaces into the text, or shorten it."
)


class _Layout(NamedTuple):
    """Words laid end to end, a gap after each, and cut into blocks.

    Attributes:
        starts: ``(W,)`` int32: place of the first byte of each word.
        gaps: ``(W,)`` int32: place of the gap after each.
        is_gap: ``(size,)`` whether a place is one.
        block: ``(size,)`` int32: the block of each place.
        begins: ``(blocks,)``: whether a block begins a word.
    """

    starts: tf.Tensor
    gaps: tf.Tensor
    is_gap: tf.Tensor
    block: tf.Tensor
    begins: tf.Tensor


class _Tokens(NamedTuple):
    """Tokens and the places of their first bytes, int32 ``(N,)`` each."""

    ids: tf.Tensor
    at: tf.Tensor

    def where(self, mask: tf.Tensor) -> _Tokens:
        """Those for which ``mask`` holds."""
        return _Tokens(tf.boolean_mask(self.ids, mask), tf.boolean_mask(self.at, mask))


class Merger(tf.Module):
    """Merges the bytes of words to tokens.

    Args:
        source: the vocabulary and the merges.
    """

    def __init__(self, source: ByteBpeSource) -> None:
        super().__init__()
        ids = source.ids
        # Of a pair that is listed twice the last rank counts.
        ranks = {pair: rank for rank, pair in enumerate(source.merges)}
        pairs = np.array([(ids[a], ids[b]) for a, b in ranks], np.int64).reshape(-1, 2)
        keys = pairs @ np.array([len(ids), 1], np.int64)
        order = np.argsort(keys)
        rank = np.array(list(ranks.values()), np.int32)
        products = np.array([ids[a + b] for a, b in source.merges], np.int32)
        lengths = np.array([len(bytes_of(token)) for token in source.vocabulary], np.int32)
        # An entry that no pair finds, so that there is one to read wherever a search ends.
        self._keys = tf.constant(np.append(keys[order], np.iinfo(np.int64).max))
        self._ranks = tf.constant(np.append(rank[order], np.int32(_NO_RANK)))
        self._products = tf.constant(np.append(products, np.int32(0)))
        self._bytes = tf.constant([ids[character] for character in CHARACTERS], tf.int32)
        self._lengths = tf.constant(lengths)
        self._size = len(ids)
        self._reach = 2 * int(lengths[products].max(initial=1))
        leads_back = _lead_back(pairs, rank, products)
        self._leads_back = tf.constant(leads_back) if leads_back.any() else None

    # In Python each round would call some fifty operators one by one.
    @tf.function(
        input_signature=[tf.TensorSpec([None], tf.string), tf.TensorSpec([None], tf.int32)],
        autograph=False,
    )
    def __call__(self, words: tf.Tensor, whole: tf.Tensor) -> tf.RaggedTensor:
        """Cuts words into tokens.

        Args:
            words: ``(W,)`` strings.
            whole: ``(W,)`` int32: id of a word that is one token as it is, or -1.

        Returns:
            Ids ``(W, None)`` int32.

        Raises:
            tf.errors.InvalidArgumentError: a word is so long, and the merges are such, that it
                would take too long.
        """
        is_whole = whole >= 0
        merged = tf.where(is_whole, b"", words)
        layout = self._layout(tf.strings.length(merged))
        raw = tf.io.decode_raw(tf.strings.reduce_join(merged), tf.uint8)
        places = tf.cast(tf.where(~layout.is_gap)[:, 0], tf.int32)
        tokens = _Tokens(tf.gather(self._bytes, tf.cast(raw, tf.int32)), places)
        # A whole word takes its gap.
        done = _Tokens(whole, layout.starts).where(is_whole)
        ids, at = self._merged(tokens, done, layout)
        found = tf.scatter_nd(at[:, None], ids + 1, tf.shape(layout.block))
        counts = tf.cumsum(int64(found > 0))
        splits = tf.concat([tf.zeros([1], tf.int64), tf.gather(counts, layout.gaps)], axis=0)
        return rows(tf.boolean_mask(found, found > 0) - 1, splits)

    def _layout(self, lengths: tf.Tensor) -> _Layout:
        gaps = tf.cumsum(lengths + 1) - 1
        starts = gaps - lengths
        size = tf.reduce_sum(lengths + 1)
        is_gap = tf.scatter_nd(gaps[:, None], tf.ones_like(gaps), [size])
        word = tf.cumsum(is_gap, exclusive=True)
        blocks = lengths // self._reach + 1
        first = tf.cumsum(blocks, exclusive=True)
        inside = tf.range(size) - tf.gather(starts, word)
        begins = tf.scatter_nd(first[:, None], tf.ones_like(first), [tf.reduce_sum(blocks)])
        block = tf.gather(first, word) + inside // self._reach
        return _Layout(starts, gaps, is_gap > 0, block, begins > 0)

    def _merged(self, tokens: _Tokens, done: _Tokens, layout: _Layout) -> _Tokens:
        """Merges until there is nothing to merge."""
        most = _MOST_LOOKS * tf.size(layout.block, tf.int64)

        def body(tokens: _Tokens, done: _Tokens, looks: tf.Tensor) -> tuple[Any, ...]:
            merged, is_kept, is_active = self._round(tokens, layout)
            rest = merged.where(is_kept & ~is_active)
            done = _Tokens(*(tf.concat(each, axis=0) for each in zip(done, rest, strict=True)))
            looks += tf.size(tokens.ids, tf.int64)
            return merged.where(is_kept & is_active), done, looks

        flat = _Tokens(tf.TensorShape([None]), tf.TensorShape([None]))
        _, done, looks = tf.while_loop(
            lambda tokens, _, looks: (tf.size(tokens.ids) > 0) & (looks <= most),
            body,
            (tokens, done, tf.zeros([], tf.int64)),
            shape_invariants=(flat, flat, tf.TensorShape([])),
        )
        tf.debugging.assert_less_equal(looks, most, _TOO_LONG)
        return done

    def _round(self, tokens: _Tokens, layout: _Layout) -> tuple[_Tokens, tf.Tensor, tf.Tensor]:
        """Merges every pair that need not wait.

        Returns:
            The tokens, each merged one in the place of its first part; which are left, not
            taken in by the one before; and near which there was anything to merge.
        """
        ranks = self._pair_ranks(tokens)
        block = tf.gather(layout.block, tokens.at)
        least = tf.math.unsorted_segment_min(ranks, block, tf.size(layout.begins))
        before, after = _neighbours(least, layout.begins)
        lowest = tf.gather(tf.minimum(least, tf.minimum(before, after)), block)
        is_active = lowest < _NO_RANK
        chosen = is_active & (ranks == lowest)
        # Pairs of one rank that overlap are of equal tokens: of such a run every second is
        # merged, from the first on, which decides for all.
        start = _run_starts(ranks)
        index = tf.range(tf.size(ranks))
        merges = chosen & tf.gather(chosen, start) & ((index - start) % 2 == 0)
        if self._leads_back is not None:
            merges &= self._may_go(ranks, chosen, block, before)
        products = tf.gather(self._products, tf.where(merges, ranks, 0))
        is_kept = tf.concat([[True], ~merges[:-1]], axis=0)
        merged = _Tokens(tf.where(merges, products, tokens.ids), tokens.at)
        return merged, is_kept, is_active

    def _pair_ranks(self, tokens: _Tokens) -> tf.Tensor:
        """Rank of each token with the one after it, ``_NO_RANK`` where they do not merge."""
        left, right = tokens.ids[:-1], tokens.ids[1:]
        keys = int64(left) * self._size + int64(right)
        found = tf.searchsorted(self._keys, keys)
        # There is a gap after each word: tokens of two words do not touch.
        touch = tokens.at[:-1] + tf.gather(self._lengths, left) == tokens.at[1:]
        merge = touch & (tf.gather(self._keys, found) == keys)
        ranks = tf.where(merge, tf.gather(self._ranks, found), _NO_RANK)
        return tf.concat([ranks, [_NO_RANK]], axis=0)

    def _may_go(
        self, ranks: tf.Tensor, chosen: tf.Tensor, block: tf.Tensor, before: tf.Tensor
    ) -> tf.Tensor:
        """Whether a merge may be one of several.

        One whose token is part of an earlier merge may have to be followed by that one: only
        the leftmost is merged.
        """
        index = tf.range(tf.size(ranks))
        last = tf.size(ranks)
        first = tf.math.unsorted_segment_min(tf.where(chosen, index, last), block, tf.size(before))
        leftmost = (index == tf.gather(first, block)) & (ranks < tf.gather(before, block))
        return leftmost | ~tf.gather(self._leads_back, tf.where(chosen, ranks, 0))


def _neighbours(least: tf.Tensor, begins: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """What the blocks before and after each block of the same word have."""
    none = tf.fill([1], _NO_RANK)
    before = tf.where(begins, _NO_RANK, tf.concat([none, least[:-1]], axis=0))
    ends = tf.concat([begins[1:], [True]], axis=0)
    after = tf.where(ends, _NO_RANK, tf.concat([least[1:], none], axis=0))
    return before, after


def _run_starts(values: tf.Tensor) -> tf.Tensor:
    """For each value, the index of the first one of its run of equal values, int32."""
    begins = tf.concat([[True], values[1:] != values[:-1]], axis=0)
    starts = tf.cast(tf.where(begins)[:, 0], tf.int32)
    return tf.gather(starts, tf.cumsum(tf.cast(begins, tf.int32)) - 1)


def _lead_back(pairs: np.ndarray, ranks: np.ndarray, products: np.ndarray) -> np.ndarray:
    """For each merge, whether the token it makes is part of an earlier one."""
    size = 1 + max(pairs.max(initial=0), products.max(initial=0))
    first_use = np.full(size, _NO_RANK)
    np.minimum.at(first_use, pairs.reshape(-1), np.repeat(ranks, 2))
    return first_use[products] < np.arange(len(products))

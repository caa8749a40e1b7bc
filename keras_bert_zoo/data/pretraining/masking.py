"""Masked words, inside the graph. TensorFlow-only.

``B`` is the batch size, ``S`` the width of a row, ``P`` ``max_predictions_per_seq``. Words are
taken in units: a token, a whole word, or some whole words one after the other. The units of a row
are put in a random order, and words are taken in this order; one that would exceed the number of
tokens to be masked is passed over, as in Google's whole-word masking.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from keras_bert_zoo.data.pretraining.options import MaskingOptions
from keras_bert_zoo.data.pretraining.random_bits import Stream, below, random_bits, uniform

# Words of a unit: weights of the lengths 1, 2, 3, …
UNIT_LENGTHS = {
    "whole_word": (1.0,),
    # Lan et al. 2019 (arXiv:1909.11942), section 4.1.
    "ngram": (1.0, 1 / 2, 1 / 3),
    # Joshi et al. 2019 (arXiv:1907.10529), section 3.1: geometric, cut at 10 and normalised.
    "span": tuple(0.2 * 0.8**n for n in range(10)),
}
_TOGETHER = ("span",)  # whose tokens are all masked, all replaced or all kept


class MaskedTokens(NamedTuple):
    """Rows with masked words.

    Attributes:
        input_ids: int32 ``(B, S)``.
        positions: int32 ``(B, P)``, ascending; 0 after the last.
        labels: int32 ``(B, P)``, the ids that stood there; 0 after the last.
        weights: float32 ``(B, P)``: 1, and 0 after the last.
    """

    input_ids: tf.Tensor
    positions: tf.Tensor
    labels: tf.Tensor
    weights: tf.Tensor


class _Words(NamedTuple):
    """For each token, ``(B, S)``: its unit, the tokens of its word, and those after it there."""

    unit: tf.Tensor
    length: tf.Tensor
    after: tf.Tensor


def mask_tokens(
    input_ids: tf.Tensor,
    special_tokens_mask: tf.Tensor,
    seeds: tf.Tensor,
    *,
    mask_token_id: int,
    vocab_size: int,
    word_continues: tf.Tensor | None = None,
    options: MaskingOptions | None = None,
) -> MaskedTokens:
    """Masks words of a batch, the same for the same seeds.

    >>> masked = mask_tokens(ids, special, seeds, mask_token_id=103, vocab_size=30522)

    Args:
        input_ids: integer ``(B, S)``; ``S`` is known when the graph is traced.
        special_tokens_mask: boolean or integer ``(B, S)``; where it is 1 nothing is masked.
        seeds: integer ``(B,)``, of each row; their lower 32 bits count.
        mask_token_id: what most masked words become.
        vocab_size: random words are any id below it.
        word_continues: boolean or integer ``(B, S)``: 1 if a token goes on with the word
            before it; for all but ``masking="token"``.
        options: which words are masked; ``MaskingOptions()`` by default.

    Raises:
        ValueError: the masking needs ``word_continues``.
    """
    options, input_ids = options or MaskingOptions(), tf.cast(input_ids, tf.int32)
    special, seeds = tf.cast(special_tokens_mask, tf.bool), tf.cast(seeds, tf.uint32)
    if options.masking == "token":
        words = None
    elif word_continues is None:
        raise ValueError(
            f"masking={options.masking!r} needs word_continues: which tokens go on with a word."
        )
    else:
        words = _words(special, tf.cast(word_continues, tf.bool), seeds, options.masking)
    chosen = _choose(special, words, seeds, options)
    fate_places = chosen.positions
    if words is not None and options.masking in _TOGETHER:
        fate_places = tf.gather(words.unit, chosen.positions, batch_dims=1)
    labels = tf.gather(input_ids, chosen.positions, batch_dims=1)
    fate = uniform(random_bits(seeds, Stream.FATE, fate_places))
    word = below(random_bits(seeds, Stream.WORD, chosen.positions), vocab_size)
    changed = tf.where(fate < options.mask_rate + options.random_rate, word, labels)
    changed = tf.where(fate < options.mask_rate, mask_token_id, changed)
    # Places after the last are 0, and write back what stands there.
    return MaskedTokens(
        input_ids=_written(input_ids, chosen.positions, tf.where(chosen.real, changed, labels)),
        positions=chosen.positions,
        labels=tf.where(chosen.real, labels, 0),
        weights=tf.cast(chosen.real, tf.float32),
    )


def _words(special: tf.Tensor, continues: tf.Tensor, seeds: tf.Tensor, masking: str) -> _Words:
    breaks = special | tf.pad(special[:, :-1], [[0, 0], [1, 0]], constant_values=True)
    word = tf.cumsum(tf.cast(breaks | ~continues, tf.int32), axis=1) - 1
    # The number of a word is sorted: its tokens are found by bisection.
    start = tf.searchsorted(word, word, side="left")
    end = tf.searchsorted(word, word, side="right")
    place = tf.range(special.shape[1])
    unit = _units(word, special, seeds, UNIT_LENGTHS[masking])
    return _Words(unit, end - start, end - 1 - place)


def _units(
    word: tf.Tensor, special: tf.Tensor, seeds: tf.Tensor, weights: tuple[float, ...]
) -> tf.Tensor:
    """The number of each token's unit: all words are cut into units of random lengths."""
    if len(weights) == 1:
        return word
    total = sum(weights)
    bounds = [sum(weights[: n + 1]) / total for n in range(len(weights) - 1)]
    drawn = uniform(random_bits(seeds, Stream.LENGTH, tf.range(word.shape[1])))
    lengths = 1 + sum(tf.cast(drawn >= bound, tf.int32) for bound in bounds)
    unit = tf.searchsorted(tf.cumsum(lengths, axis=1), word, side="right")
    # A unit does not go on behind a special token.
    return unit + tf.cumsum(tf.cast(special, tf.int32), axis=1)


class _Chosen(NamedTuple):
    """Places of masked tokens, ``(B, P)``, and whether there is one."""

    positions: tf.Tensor
    real: tf.Tensor


def _choose(
    special: tf.Tensor, words: _Words | None, seeds: tf.Tensor, options: MaskingOptions
) -> _Chosen:
    width, most = special.shape[1], options.max_predictions_per_seq
    maskable = tf.math.count_nonzero(~special, axis=1, dtype=tf.int32)
    wanted = tf.cast(tf.round(tf.cast(maskable, tf.float64) * options.masked_lm_prob), tf.int32)
    wanted = tf.minimum(tf.clip_by_value(wanted, 1, most), maskable)[:, None]
    unit = tf.range(width) if words is None else words.unit
    bits = random_bits(seeds, Stream.ORDER, unit)
    keys = tf.cast(tf.bitwise.right_shift(bits, tf.constant(1, tf.uint32)), tf.int32)
    keys = tf.where(special, -1, keys)
    # Of equal keys the first place comes first: the tokens of a unit stay together.
    places = tf.math.top_k(keys, min(most, width) if words is None else width).indices
    if words is None:
        taken = tf.range(places.shape[1]) < wanted
    else:
        taken = _fit(places, words, tf.range(width) < maskable[:, None], wanted)
    first = -tf.math.top_k(-tf.where(taken, places, width), min(most, width)).values
    first = tf.pad(first, [[0, 0], [0, max(most - width, 0)]], constant_values=width)
    real = first < width
    return _Chosen(tf.where(real, first, 0), real)


def _fit(places: tf.Tensor, words: _Words, open_: tf.Tensor, wanted: tf.Tensor) -> tf.Tensor:
    """Takes words in their order, and passes over those that do not fit.

    Args:
        places: tokens in the order in which they are tried, ``(B, S)``.
        words: lengths of their words.
        open_: whether the token may be taken, in that order.
        wanted: tokens to be taken, ``(B, 1)``.

    Returns:
        Which tokens are taken, in that order.
    """
    length = tf.gather(words.length, places, batch_dims=1)
    after = tf.gather(words.after, places, batch_dims=1)

    def some_open(_: tf.Tensor, open_: tf.Tensor, left: tf.Tensor) -> tf.Tensor:
        return tf.reduce_any(open_ & (length <= left))

    # Up to the first word that does not fit, all are taken; what is too long now is so for ever.
    def take(
        taken: tf.Tensor, open_: tf.Tensor, left: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        open_ &= length <= left
        fits = open_ & (tf.cumsum(tf.cast(open_, tf.int32), axis=1) + after <= left)
        count = tf.math.count_nonzero(fits, axis=1, keepdims=True, dtype=tf.int32)
        return taken | fits, open_ & ~fits, left - count

    return tf.while_loop(some_open, take, (tf.zeros_like(open_), open_, wanted))[0]


def _written(ids: tf.Tensor, positions: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    rows = tf.broadcast_to(tf.range(tf.shape(positions)[0])[:, None], tf.shape(positions))
    return tf.tensor_scatter_nd_update(ids, tf.stack([rows, positions], axis=-1), values)

"""Texts in the place of single characters. TensorFlow-only, core ops only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from keras_bert_zoo.tokenizers.unigram.characters import Characters, repeated
from keras_bert_zoo.tokenizers.unigram.point_table import point_table


class Expanded(NamedTuple):
    """``M`` characters made of ``N``.

    Attributes:
        points: ``(M,)`` int32 code points.
        index: ``(M,)`` int64: which of the ``N`` each was made of.
        nth: ``(M,)`` int64: how many were made of the same one before it.
        counts: ``(N,)`` int64: how many were made of each.
    """

    points: tf.Tensor
    index: tf.Tensor
    nth: tf.Tensor
    counts: tf.Tensor


class Pool:
    """Texts by number, from 1 on; number 0 leaves a character as it is.

    Args:
        texts: different ones.

    Attributes:
        numbers: text to number.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self.numbers = {text: number for number, text in enumerate(texts, start=1)}
        lengths = np.array([1, *(len(text) for text in self.numbers)], np.int64)
        points = [0, *(ord(character) for text in self.numbers for character in text)]
        self._points = tf.constant(points, tf.int32)
        self._starts = tf.constant(np.cumsum(lengths) - lengths)
        self._lengths = tf.constant(lengths)

    def expand(
        self, points: tf.Tensor, number: tf.Tensor, stays: tf.Tensor | None = None
    ) -> Expanded:
        """Replaces each of ``(N,)`` points by the text of its number.

        Args:
            points: int32.
            number: int32.
            stays: booleans; where they do not hold nothing is left.
        """
        counts = tf.gather(self._lengths, number)
        if stays is not None:
            counts = tf.where(stays, counts, tf.zeros_like(counts))
        index, nth = repeated(counts)
        number = tf.gather(number, index)
        new = tf.gather(self._points, tf.gather(self._starts, number) + nth)
        return Expanded(tf.where(number > 0, new, tf.gather(points, index)), index, nth, counts)


class Replacements:
    """Replaces code points, each by a text of any length.

    Args:
        mapping: code point to text.
    """

    def __init__(self, mapping: Mapping[int, str]) -> None:
        self._pool = Pool(dict.fromkeys(mapping.values()))
        self._numbers = point_table({p: self._pool.numbers[t] for p, t in mapping.items()})

    def expand(self, points: tf.Tensor) -> Expanded:
        """Replaces ``(N,)`` code points."""
        return self._pool.expand(points, self._numbers(points))

    def __call__(self, chars: Characters) -> Characters:
        """Replaces characters; what takes the place of one stands for what it stood for."""
        new = self.expand(chars.points)
        return chars.at(new.index)._replace(points=new.points)

"""Which sentences make a summary, chosen inside the graph. TensorFlow only."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from keras_bert_zoo.evaluation.extracts import WIDE

from .sentences import ALPHANUMERIC


def selected(
    chances: tf.Tensor, sentences: tf.Tensor, *, most: int, threshold: float, block: int
) -> tf.Tensor:
    """Takes the best sentences of each document, as ``evaluation.extracts.select`` does.

    Args:
        chances: a number from 0 to 1 for each sentence, float64 ``(B, K)``, K > 0; -1 where
            there is none.
        sentences: strings ``(B, K)``.
        most: see ``select``, as the others.
        threshold: the least number to be taken.
        block: words that no two sentences may share in a row.

    Returns:
        Which are taken, bool ``(B, K)``.
    """
    repeating = _repeating(sentences, block)

    def take(left: tf.Tensor, chosen: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        best = tf.argmax(tf.where(left, chances, tf.cast(-1, chances.dtype)), axis=1)
        taken = left & tf.one_hot(best, tf.shape(left)[1], True, False, dtype=tf.bool)
        return left & ~taken & ~repeating(taken), chosen | taken

    left = chances >= threshold
    _, chosen = tf.while_loop(
        lambda left, chosen: tf.reduce_any(left),
        take,
        (left, tf.zeros_like(left)),
        maximum_iterations=most,
    )
    return chosen


def _repeating(sentences: tf.Tensor, block: int) -> Callable[[tf.Tensor], tf.Tensor]:
    """Says which sentences share a run of words with one of those of their document, ``(B, K)``."""
    if not block:
        return tf.zeros_like
    lower = tf.strings.lower(tf.reshape(sentences, [-1]), "utf-8")
    apart = tf.strings.regex_replace(lower, f"([{WIDE}])", r" \1 ")
    words = tf.strings.split(tf.strings.regex_replace(apart, f"[^{ALPHANUMERIC}{WIDE}]+", " "))
    runs = tf.strings.ngrams(words, block)
    # Whose run it is, as a place among all sentences and as a document.
    sentence = runs.value_rowids()
    document = tf.strings.as_string(sentence // tf.shape(sentences, tf.int64)[1])
    own, run = tf.unique(tf.strings.join([document, runs.flat_values], " "))

    def repeating(taken: tf.Tensor) -> tf.Tensor:
        flat = tf.cast(tf.reshape(taken, [-1]), tf.int32)
        seen = tf.math.unsorted_segment_max(tf.gather(flat, sentence), run, tf.size(own))
        found = tf.math.unsorted_segment_max(tf.gather(seen, run), sentence, tf.size(flat))
        return tf.reshape(found > 0, tf.shape(taken))

    return repeating

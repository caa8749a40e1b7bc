"""SentencePiece's precompiled map of characters, as the reference applies it. TensorFlow-only.

``Precompiled`` of ``tokenizers`` differs from SentencePiece: a grapheme cluster of fewer than
six bytes becomes, as a whole, what the shortest rule says that it begins with; elsewhere each
character is looked up alone.
"""

from __future__ import annotations

import unicodedata

import numpy as np
import tensorflow as tf

from keras_bert_zoo.tokenizers.options import TokenizerError
from keras_bert_zoo.tokenizers.unigram.characters import Characters, Runs, realigned, runs
from keras_bert_zoo.tokenizers.unigram.graphemes import Graphemes
from keras_bert_zoo.tokenizers.unigram.point_table import point_table
from keras_bert_zoo.tokenizers.unigram.replacements import Pool
from keras_bert_zoo.tokenizers.unigram.trie import Trie

# Clusters of more bytes are looked up by character: no longer rule is ever asked for.
_LONGEST = 5


class Charsmap:
    """Applies a map to each row.

    Args:
        data: the map, as ``precompiled_charsmap`` of a SentencePiece model holds it.

    Raises:
        TokenizerError: it is no such map.
    """

    def __init__(self, data: bytes) -> None:
        found = rules(data)
        singles = {key: text for key, text in found.items() if len(key) == 1}
        # The shortest rule counts: one that begins with another is never reached.
        longer = {
            key: text
            for key, text in found.items()
            if len(key) > 1 and not any(key[:end] in found for end in range(1, len(key)))
        }
        self._pool = Pool(dict.fromkeys([*singles.values(), *longer.values()]))
        numbers = self._pool.numbers
        self._single = point_table({ord(key): numbers[text] for key, text in singles.items()})
        self._longer = Trie(list(longer)) if longer else None
        self._longer_rules = tf.constant([numbers[text] for text in longer.values()], tf.int32)
        self._graphemes = Graphemes()

    def __call__(self, chars: Characters) -> Characters:
        """Normalises each row."""
        clusters = self._graphemes(chars)
        rule, is_unit, size = self._units(chars, clusters)
        new = self._pool.expand(chars.points, rule, is_unit)
        # What is added follows what is replaced; the last to replace tells of what was removed.
        replaced, count = tf.gather(size, new.index), tf.gather(new.counts, new.index)
        change = tf.where(new.nth == count - 1, tf.minimum(count - replaced, 0), 0)
        change = tf.where(new.nth >= replaced, tf.ones_like(change), change)
        removed = tf.where(is_unit & (new.counts == 0), size, tf.zeros_like(size))
        change -= _followed_by(removed, chars, new.index)
        return realigned(chars, new.index, new.points, change)

    def _units(self, chars: Characters, clusters: Runs) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """What is replaced together.

        Returns:
            For each character the rule that it begins, whether a unit begins with it, and
            how many characters that has.
        """
        single = self._single(chars.points)
        rule = single
        if self._longer is not None:
            past = tf.gather(clusters.past, clusters.number)
            first, key = self._longer(chars.points, past)
            found = tf.gather(self._longer_rules, key)
            rule = tf.tensor_scatter_nd_update(rule, first[:, None], found)
        size = tf.gather(clusters.lengths, clusters.number)
        # A cluster as a whole: it is short, and a rule begins it.
        whole = tf.math.segment_sum(_utf8_length(chars.points), clusters.number) <= _LONGEST
        whole &= tf.gather(rule, clusters.first) > 0
        whole = tf.gather(whole, clusters.number)
        is_first = tf.range(chars.size) == tf.gather(clusters.first, clusters.number)
        return (
            tf.where(whole, rule, single),
            is_first | ~whole,
            tf.where(whole, size, tf.ones_like(size)),
        )


def _followed_by(removed: tf.Tensor, chars: Characters, index: tf.Tensor) -> tf.Tensor:
    """How many characters were removed between each new one and the next of its row.

    Those at the beginning of a row are told to nobody, as in the reference.

    Args:
        removed: ``(N,)`` int64: characters of the old ones that are removed here.
        chars: the old ones.
        index: ``(M,)`` int64: what each new character was made of.
    """
    gone = tf.cumsum(removed)
    row = runs(chars.row)
    past = tf.gather(tf.gather(row.past, row.number), index)
    following = tf.concat([index, [chars.size]], axis=0)[1:]
    last = tf.maximum(tf.minimum(past, following) - 1, index)
    return tf.gather(gone, last) - tf.gather(gone, index)


def rules(data: bytes) -> dict[str, str]:
    """Reads the rules for texts of up to five bytes off a map.

    The map is the length of a trie, the trie as a double array (S. Yata's darts-clone) and
    the replacements, each ended by a zero byte.

    Raises:
        TokenizerError: it is no such map.
    """
    size = int.from_bytes(data[:4], "little")
    if size % 4 or not 0 < size <= len(data) - 4:
        raise TokenizerError(
            f"the precompiled_charsmap ({len(data)} bytes) states a trie of {size} bytes; it is "
            "cut off or no map of SentencePiece"
        )
    units, pool = np.frombuffer(data, "<u4", size // 4, 4).astype(np.int64), data[4 + size :]
    try:
        return {
            key.decode(): pool[value : pool.index(b"\0", value)].decode()
            for key, value in _leaves(units)
        }
    except (ValueError, IndexError) as error:
        raise TokenizerError(f"the precompiled_charsmap is corrupt: {error}") from error


def unseen_rules(data: bytes) -> dict[str, str]:
    """The rules for several characters of which none is a mark: ``Charsmap`` applies none of them.

    No map that SentencePiece is published with has any.
    """
    return {
        text: new
        for text, new in (rules(data) if data else {}).items()
        if len(text) > 1 and not any(unicodedata.category(each)[0] == "M" for each in text)
    }


def _leaves(units: np.ndarray) -> list[tuple[bytes, int]]:
    """Keys of a double array, of up to five bytes, and their values."""
    found = []
    bases, keys = _offset(units[:1]), [b""]
    labels = np.arange(1, 256)
    for _ in range(_LONGEST):
        children = bases[:, None] ^ labels
        inside = children < len(units)
        entry = units[np.where(inside, children, 0)]
        parent, label = np.nonzero(inside & (entry & (1 << 31 | 0xFF) == labels))
        entry, children = entry[parent, label], children[parent, label]
        keys = [keys[p] + bytes([1 + n]) for p, n in zip(parent, label, strict=True)]
        bases = children ^ _offset(entry)
        for at in np.flatnonzero(entry >> 8 & 1):
            found.append((keys[at], int(units[bases[at]] & ~(1 << 31))))
    return found


def _offset(units: np.ndarray) -> np.ndarray:
    return units >> 10 << ((units & 1 << 9) >> 6)


def _utf8_length(points: tf.Tensor) -> tf.Tensor:
    return 1 + sum(tf.cast(points >= least, tf.int64) for least in (0x80, 0x800, 0x10000))

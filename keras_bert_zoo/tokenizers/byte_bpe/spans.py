"""Which characters of the texts tokens come from. TensorFlow-only, core ops only."""

from __future__ import annotations

import tensorflow as tf

from keras_bert_zoo.tokenizers.byte_bpe.alphabet import SPACE, bytes_of
from keras_bert_zoo.tokenizers.byte_bpe.source import ByteBpeSource
from keras_bert_zoo.tokenizers.byte_bpe.words import characters, content_of, is_literal
from keras_bert_zoo.tokenizers.segmentation import character_index, int64, row_ids, rows


class SpanFinder(tf.Module):
    """Finds the spans of tokens, without their spaces if ``trim_offsets`` says so.

    Args:
        source: the vocabulary and the options.
    """

    def __init__(self, source: ByteBpeSource) -> None:
        super().__init__()
        self._sizes = tf.constant([_size(token) for token in source.vocabulary], tf.int32)
        self._trims = source.options.trim_offsets
        self._adds_space = source.options.add_prefix_space

    def sizes(self, words: tf.Tensor, tokens: tf.RaggedTensor) -> tf.RaggedTensor:
        """Measures tokens.

        Args:
            words: ``(W,)`` strings, literal tokens marked; such a word is one token, and may
                be longer than what the vocabulary has of it.
            tokens: ``(W, None)`` ids.

        Returns:
            ``(W, None, 3)`` int32: bytes, and the spaces before and after them.
        """
        sizes = tf.gather(self._sizes, tokens.flat_values)
        literal = is_literal(words)
        content = content_of(tf.boolean_mask(words, literal))
        space = f"[{characters('spaces')}{SPACE}]+"
        before, after = (_matched(content, each) for each in (f"^{space}", f"{space}$"))
        own = tf.stack([tf.strings.length(content), before, after], axis=1)
        first = tf.boolean_mask(tokens.row_starts(), literal)
        return rows(tf.tensor_scatter_nd_update(sizes, first[:, None], own), tokens.row_splits)

    def __call__(
        self, texts: tf.Tensor, origin: tf.Tensor, sizes: tf.Tensor, splits: tf.Tensor
    ) -> tuple[tf.RaggedTensor, tf.RaggedTensor | None]:
        """Finds spans.

        Args:
            texts: ``(B,)`` strings.
            origin: of each byte of all tokens, laid end to end, the byte of all texts that it
                comes from.
            sizes: ``(N, 3)`` of all tokens.
            splits: where the tokens of each text begin.

        Returns:
            Spans ``(B, None, 2)``, and those of tokens that begin a row, where they may differ.
        """
        # Tokens leave no byte out: their lengths tell where they are.
        lengths = int64(sizes[:, 0])
        past = tf.cumsum(lengths)
        byte = tf.gather(origin, tf.stack([past - lengths, past - 1]))
        row = row_ids(splits, tf.size(lengths, tf.int64))
        starts = tf.cumsum(int64(tf.strings.length(texts)), exclusive=True)
        first, last = tf.unstack(character_index(texts, row, byte - tf.gather(starts, row)))
        begin, end = (tf.cast(each, tf.int32) for each in (first, last + 1))
        if not self._trims:
            return rows(tf.stack([begin, end], axis=1), splits), None
        before, after = sizes[:, 1], sizes[:, 2]
        if not self._adds_space:
            return rows(_trimmed(begin, end, before, after), splits), None
        # One space may be what was put before the text, and is none of it then.
        others = tf.where(before == 1, 0, before)
        usual = tf.where(begin == 0, others, before)
        spans, heads = (_trimmed(begin, end, each, after) for each in (usual, others))
        return rows(spans, splits), rows(heads, splits)


def _trimmed(begin: tf.Tensor, end: tf.Tensor, before: tf.Tensor, after: tf.Tensor) -> tf.Tensor:
    begin = tf.minimum(begin + before, end)
    # Where there are more spaces than characters the reference leaves the end alone.
    end = tf.where(end >= after, tf.maximum(end - after, begin), end)
    return tf.stack([begin, end], axis=1)


def _size(token: str) -> tuple[int, int, int]:
    """Bytes of a token, and the spaces before and after them."""
    stripped = token.replace(SPACE, " ")
    before, after = (len(token) - len(each) for each in (stripped.lstrip(), stripped.rstrip()))
    return len(bytes_of(token)), before, after


def _matched(texts: tf.Tensor, pattern: str) -> tf.Tensor:
    """Characters that a pattern matches."""
    rest = tf.strings.regex_replace(texts, pattern, "")
    return tf.strings.length(texts, "UTF8_CHAR") - tf.strings.length(rest, "UTF8_CHAR")

"""Texts to byte-level BPE tokens, with the spans of characters they come from.

TensorFlow-only; core ops, and one of tensorflow-text where a text is to be normalised.
"""

from __future__ import annotations

import tensorflow as tf

from keras_bert_zoo.tokenizers.byte_bpe import words
from keras_bert_zoo.tokenizers.byte_bpe.alphabet import bytes_of
from keras_bert_zoo.tokenizers.byte_bpe.literals import LiteralCutter, stripped
from keras_bert_zoo.tokenizers.byte_bpe.lookup import Lookup
from keras_bert_zoo.tokenizers.byte_bpe.merging import Merger
from keras_bert_zoo.tokenizers.byte_bpe.normalizing import nfc
from keras_bert_zoo.tokenizers.byte_bpe.source import ByteBpeSource
from keras_bert_zoo.tokenizers.byte_bpe.spans import SpanFinder
from keras_bert_zoo.tokenizers.segmentation import Pieces, int64, rows
from keras_bert_zoo.tokenizers.utf8 import repaired


class ByteBpeSegmenter(tf.Module):
    """Cuts texts into tokens.

    Args:
        source: the vocabulary, the merges and the options.
    """

    def __init__(self, source: ByteBpeSource) -> None:
        super().__init__()
        options = source.options
        raw = {token: flags for token, flags in options.flags.items() if "normalized" not in flags}
        rest = {token: flags for token, flags in options.flags.items() if token not in raw}
        self._cut_raw = LiteralCutter(raw) if raw else None
        self._cut_normalized = LiteralCutter(rest) if rest else None
        self._normalizes = options.normalizer is not None
        self._adds_space = options.add_prefix_space
        self._literals = Lookup({token.encode(): source.ids[token] for token in options.literals})
        self._words = None
        if options.ignore_merges:
            self._words = Lookup({bytes_of(token): source.ids[token] for token in source.words})
        self._merge = Merger(source)
        self._spans = SpanFinder(source)

    def __call__(self, text: tf.Tensor, with_spans: bool = False) -> Pieces:
        """Cuts texts into tokens.

        Args:
            text: ``(B,)`` strings.
            with_spans: also say where in the text each token comes from.
        """
        valid = repaired(text)
        pieces, origin = self._pieces(valid, with_spans)
        cut = words.cut(pieces.flat_values)
        # Words follow Zipf's law: most of a batch were there before.
        unique, which = tf.unique(cut.flat_values, tf.int64)
        whole = self._whole(unique)
        tokens = self._merge(unique, whole)
        found = tf.gather(tokens, which)
        splits = tf.gather(found.row_splits, tf.gather(cut.row_splits, pieces.row_splits))
        ids = rows(found.flat_values, splits)
        if origin is None:
            return Pieces(ids, None)
        sizes = tf.gather(self._spans.sizes(unique, tokens), which).flat_values
        return Pieces(ids, *self._spans(valid, origin, sizes, splits))

    def _pieces(
        self, text: tf.Tensor, with_origin: bool
    ) -> tuple[tf.RaggedTensor, tf.Tensor | None]:
        """Cuts texts before and after literal tokens, and normalises what is between them.

        Returns:
            The pieces ``(B, None)``, and on request for each byte of them all, laid end to end
            without the marks of tokens, the byte of the texts that it comes from.
        """
        pieces = tf.RaggedTensor.from_uniform_row_length(text, 1)
        origin = tf.range(tf.reduce_sum(int64(tf.strings.length(text)))) if with_origin else None
        if self._cut_raw is not None:
            pieces = self._cut_raw(pieces)
        if self._normalizes:
            flat, origin = nfc(pieces.flat_values, origin)
            pieces = pieces.with_flat_values(flat)
        if self._cut_normalized is not None:
            pieces = self._cut_normalized(pieces)
        if self._adds_space:
            flat, origin = _with_space(pieces.flat_values, origin)
            pieces = pieces.with_flat_values(flat)
        return pieces, origin

    def _whole(self, unique: tf.Tensor) -> tf.Tensor:
        """Ids of words that are one token as they are, -1 of the others."""
        none = tf.fill(tf.shape(unique), -1)
        whole = none if self._words is None else self._words(unique)
        index = tf.where(words.is_literal(unique))
        content = words.content_of(tf.gather_nd(unique, index))
        ids = self._literals(content)
        ids = tf.where(ids < 0, self._literals(stripped(content)), ids)
        return tf.tensor_scatter_nd_update(whole, index, ids)


def _with_space(pieces: tf.Tensor, origin: tf.Tensor | None) -> tuple[tf.Tensor, tf.Tensor | None]:
    """Puts a space before pieces of text that begin with none; it comes of what it is before."""
    first = tf.strings.substr(pieces, 0, 1)
    is_added = (first != b" ") & (first != b"") & (first != words.LITERAL)
    spaced = tf.where(is_added, tf.strings.join([" ", pieces]), pieces)
    if origin is None:
        return spaced, None
    lengths = int64(tf.strings.length(spaced)) - int64(words.is_literal(spaced))
    starts = tf.boolean_mask(tf.cumsum(lengths, exclusive=True), is_added)
    added = tf.scatter_nd(starts[:, None], tf.ones_like(starts), [tf.reduce_sum(lengths)])
    before = tf.range(tf.size(added, tf.int64)) - tf.cumsum(added, exclusive=True)
    return spaced, tf.gather(origin, before)

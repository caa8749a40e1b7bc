"""Texts to pieces of a Unigram vocabulary, with the spans they come from. TensorFlow-only."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import tensorflow as tf

from keras_bert_zoo.tokenizers.options import TokenizerError
from keras_bert_zoo.tokenizers.segmentation import Pieces
from keras_bert_zoo.tokenizers.unigram.characters import (
    LITERAL,
    Characters,
    decode,
    repeated,
    runs,
)
from keras_bert_zoo.tokenizers.unigram.lattice import Lattice
from keras_bert_zoo.tokenizers.unigram.literals import Literals
from keras_bert_zoo.tokenizers.unigram.normalizers import Step, normalizer
from keras_bert_zoo.tokenizers.unigram.pipeline import AddedToken, Pipeline
from keras_bert_zoo.tokenizers.unigram.pre_tokenizers import pre_tokenizer


class UnigramSegmenter(tf.Module):
    """Cuts texts into pieces.

    Args:
        pipeline: the vocabulary and the steps.

    Raises:
        TokenizerError: a step is not supported.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        super().__init__()
        normalizers = [normalizer(part) for part in pipeline.normalizers]
        tokens = pipeline.added_tokens
        self._steps = (
            *_literals([token for token in tokens if not token.normalized]),
            *normalizers,
            *_literals(_normalized([t for t in tokens if t.normalized], normalizers)),
            *(pre_tokenizer(part) for part in pipeline.pre_tokenizers),
        )
        self._lattice = Lattice(
            pipeline.pieces, pipeline.scores, pipeline.unknown_id, pipeline.byte_ids
        )

    def __call__(self, text: tf.Tensor, with_spans: bool = False) -> Pieces:
        """Cuts texts into pieces.

        Args:
            text: ``(B,)`` strings.
            with_spans: also say where in the text each piece comes from.
        """
        chars = decode(text)
        for step in self._steps:
            chars = step(chars)
        words = runs(chars.row)
        literal = tf.gather(chars.points, words.first) - LITERAL
        # A letter stands for an added token: whatever the vocabulary, it is one piece.
        spelled = tf.where(chars.points >= LITERAL, ord("a"), chars.points)
        spelled = tf.RaggedTensor.from_row_splits(spelled, words.splits, validate=False)
        different, which = tf.unique(tf.strings.unicode_encode(spelled, "UTF-8"), tf.int64)
        different = tf.strings.unicode_decode(different, "UTF-8")
        found = self._lattice(different.flat_values, different.row_splits)
        # From here on flat: one entry for each piece of each word.
        start = tf.gather(found.splits, which)
        word, nth = repeated(tf.gather(found.splits, which + 1) - start)
        piece = tf.gather(start, word) + nth
        literal = tf.gather(literal, word)
        ids = tf.where(literal >= 0, literal, tf.gather(found.ids, piece))
        row = tf.gather(tf.gather(chars.text, words.first), word)
        rows = tf.size(text, tf.int64)
        ids = tf.RaggedTensor.from_value_rowids(ids, row, rows, validate=False)
        if not with_spans:
            return Pieces(ids, None)
        first = tf.gather(words.first, word)
        begin = tf.gather(chars.begin, first + tf.gather(found.first, piece))
        end = tf.gather(chars.end, first + tf.gather(found.past, piece) - 1)
        return Pieces(ids, ids.with_flat_values(tf.stack([begin, end], axis=-1)))


def _literals(tokens: Sequence[AddedToken]) -> list[Step]:
    return [Literals(tokens)] if tokens else []


def _normalized(tokens: Sequence[AddedToken], steps: Sequence[Step]) -> list[AddedToken]:
    """Tokens that are looked for in normalised texts, as they are written there."""
    written = []
    for token in tokens:
        chars: Characters = decode(tf.constant([token.content]))
        for step in steps:
            chars = step(chars)
        content = "".join(map(chr, chars.points.numpy().tolist()))
        if not content:
            raise TokenizerError(
                f"the added token {token.content!r} is to be found in the normalised text, but "
                "nothing is left of it there"
            )
        written.append(dataclasses.replace(token, content=content))
    return written

"""Texts to word pieces, with the spans of characters they come from.

TensorFlow-only. Four ops of tensorflow-text and core TensorFlow, no Python at run time:
normalise (our own tables), split at spaces, cut words into pieces, look ids up.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
import tensorflow_text as tf_text
from tensorflow_text.core.pybinds import pywrap_fast_wordpiece_tokenizer_model_builder

from keras_bert_zoo.tokenizers.literals import LiteralMarker
from keras_bert_zoo.tokenizers.normalizer import STAND_INS, normalizer_model
from keras_bert_zoo.tokenizers.options import TokenizerError
from keras_bert_zoo.tokenizers.segmentation import Pieces, character_index, int64, rows
from keras_bert_zoo.tokenizers.source import TokenizerSource
from keras_bert_zoo.tokenizers.wordpiece_options import WordPieceOptions

# The normaliser deletes this character: a word of it is in no vocabulary.
_UNKNOWN_WORD = "\x01"
_MAX_UTF8_BYTES = 4
_STAND_IN = re.compile(f"[{chr(STAND_INS[0])}-{chr(STAND_INS[-1])}]")
# The reason may hold a whole token.
_LONGEST_REASON = 400


class WordPieceSegmenter(tf.Module):
    """Cuts texts into word pieces.

    Args:
        source: the vocabulary and the options.
    """

    def __init__(self, source: TokenizerSource[WordPieceOptions]) -> None:
        super().__init__()
        options = source.options
        self._normalizer = tf_text.FastBertNormalizer(
            model_buffer=tf.constant(
                normalizer_model(
                    lower=options.do_lower_case,
                    strip=options.strips_accents,
                    chinese=options.tokenize_chinese_chars,
                )
            )
        )
        self._splitter = tf_text.WhitespaceTokenizer()
        self._mark = LiteralMarker(options.literals)
        self._max_characters = options.max_input_chars_per_word
        self._build_model(source)

    def _build_model(self, source: TokenizerSource[WordPieceOptions]) -> None:
        """Compiles the word-piece model: the words, then one entry for each stand-in.

        A stand-in has an index of its own, so that a literal token, whose span is known, is
        told from a word that happens to have the same id.
        """
        ids = {token: index for index, token in enumerate(source.words) if _can_match(token)}
        literals = self._mark.stand_ins
        self._wordpiece = word_piece_tokenizer([*ids, *literals.values()], source.options)
        literal_ids = [source.ids[literal] for literal in literals]
        self._ids = tf.constant([*ids.values(), *literal_ids], tf.int32)
        self._literal_lengths = tf.constant(
            [0] * len(ids) + [len(text) for text in literals], tf.int64
        )

    def __call__(self, text: tf.Tensor, with_spans: bool = False) -> Pieces:
        """Cuts texts into pieces.

        Args:
            text: ``(B,)`` strings.
            with_spans: also say where in the text each piece comes from.
        """
        valid, marked = self._mark(text)
        sources = None
        if with_spans:
            normalized, sources = self._normalizer.normalize_with_offsets(marked)
        else:
            normalized = self._normalizer.normalize(marked)
        words, starts, ends = self._splitter.tokenize_with_offsets(normalized)
        too_long = tf.strings.length(words.flat_values, "UTF8_CHAR") > self._max_characters
        short = tf.where(too_long, _UNKNOWN_WORD, words.flat_values)
        pieces, first, past = self._wordpiece.tokenize_with_offsets(short)
        splits = tf.gather(pieces.row_splits, words.row_splits)
        ids = rows(tf.gather(self._ids, pieces.flat_values), splits)
        if sources is None:
            return Pieces(ids, None)
        # From here on everything is flat: one entry for each piece.
        word = pieces.value_rowids()
        row = tf.gather(words.value_rowids(), word)
        starts, ends = (tf.gather(int64(at.flat_values), word) for at in (starts, ends))
        # A word replaced for its length is one piece, as long as the word was.
        past = tf.where(tf.gather(too_long, word), ends - starts, past.flat_values)
        at = starts + tf.stack([first.flat_values, past - 1])
        begin, last = tf.unstack(character_index(valid, row, _source_byte(sources, row, at)))
        # Of a literal token the stand-in lies at its first character.
        literal = tf.gather(self._literal_lengths, pieces.flat_values)
        end = tf.where(literal > 0, begin + literal, last + 1)
        return Pieces(ids, rows(tf.cast(tf.stack([begin, end], axis=-1), tf.int32), splits))


def word_piece_tokenizer(
    tokens: Sequence[str], options: WordPieceOptions
) -> tf_text.FastWordpieceTokenizer:
    """Cuts words, not texts, into pieces: indices into ``tokens``.

    Its own limit is one of bytes, so wide that no word within the limit of characters meets it.

    Raises:
        TokenizerError: it cannot hold a token: one of more than 256 bytes, or with a NUL.
    """
    try:
        buffer = pywrap_fast_wordpiece_tokenizer_model_builder.build_fast_wordpiece_model(
            list(tokens),
            _MAX_UTF8_BYTES * options.max_input_chars_per_word,
            "##",
            options.unk_token,
            True,  # no_pretokenization: the input is words
            False,  # support_detokenization
        )
    except RuntimeError as error:
        reason = str(error)[:_LONGEST_REASON]
        raise TokenizerError(f"No word-piece model has this vocabulary: {reason}") from error
    return tf_text.FastWordpieceTokenizer(
        model_buffer=tf.constant(np.frombuffer(buffer, np.uint8)), token_out_type=tf.int32
    )


def _can_match(token: str) -> bool:
    """Whether a text can hold this token; a stand-in of ours must not be confused with it."""
    return bool(token) and not _STAND_IN.search(token)


def _source_byte(sources: tf.RaggedTensor, row: tf.Tensor, byte: tf.Tensor) -> tf.Tensor:
    """Where in the text the byte ``byte`` of normalised row ``row`` comes from."""
    return tf.gather(sources.flat_values, tf.gather(sources.row_starts(), row) + byte)

"""The tokenizer for runtimes with few operators: one text to one row of ids.

TensorFlow-only; after conversion LiteRT with tensorflow-text's four custom operators. It
gives the ids of ``WordPieceTokenizer`` for valid UTF-8, but for special tokens written in a
text (``[MASK]``), which are text here: finding them takes regular expressions.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf
import tensorflow_text as tf_text

from keras_bert_zoo.tokenizers.normalizer import counting_model, normalizer_model
from keras_bert_zoo.tokenizers.options import TokenizerError
from keras_bert_zoo.tokenizers.wordpiece import WordPieceTokenizer
from keras_bert_zoo.tokenizers.wordpiece_segmenter import word_piece_tokenizer


class DeviceTokenizer:
    """Cuts one text and packs it as ``[CLS] text [SEP]``, truncated and padded.

    Args:
        tokenizer: whose ids to give.
        length: tokens in the row.

    Raises:
        ValueError: there is no room for a token between the special ones.
        TokenizerError: the tokenizer is of another kind.
    """

    def __init__(self, tokenizer: WordPieceTokenizer, length: int) -> None:
        if length < 3:
            raise ValueError(f"length must be at least 3, received {length}.")
        if not isinstance(tokenizer, WordPieceTokenizer):
            raise TokenizerError(
                f"On a device only a WordPieceTokenizer runs, received a "
                f"{type(tokenizer).__name__}. Export a format that takes ids, or a SavedModel."
            )
        options = tokenizer.options
        tables = {
            "lower": options.do_lower_case,
            "strip": options.strips_accents,
            "chinese": options.tokenize_chinese_chars,
        }
        self.length = length
        self._tokenizer = tokenizer
        self._normalizer = _normalizer(normalizer_model(**tables, stand_ins=False))
        self._counter = _normalizer(counting_model(**tables))
        self._splitter = tf_text.WhitespaceTokenizer()
        self._longest = options.max_input_chars_per_word
        ids = {token: index for index, token in enumerate(tokenizer.words) if token}
        self._word_pieces = word_piece_tokenizer(list(ids), options)
        self._ids = tf.constant(list(ids.values()), tf.int32)

    def __call__(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        """Encodes a text.

        Args:
            text: string ``(1,)``, valid UTF-8.

        Returns:
            int32 ``(1, length)``: ``input_ids``, ``attention_mask``, ``token_type_ids``.
        """
        ids = self._pieces(text)[: self.length - 2]
        tokenizer, missing = self._tokenizer, self.length - 2 - tf.size(ids)
        row = tf.concat([[tokenizer.cls_token_id], ids, [tokenizer.sep_token_id]], axis=0)
        padded = tf.pad(row, [[0, missing]], constant_values=tokenizer.pad_token_id)
        mask = tf.pad(tf.ones_like(row), [[0, missing]])
        shape = (1, self.length)
        return {
            "input_ids": tf.reshape(padded, shape),
            "attention_mask": tf.reshape(mask, shape),
            "token_type_ids": tf.zeros(shape, tf.int32),
        }

    def _pieces(self, text: tf.Tensor) -> tf.Tensor:
        counted = self._splitter.tokenize_with_offsets(self._counter.normalize(text))
        too_long = counted[2].flat_values - counted[1].flat_values > self._longest
        words = self._splitter.tokenize(self._normalizer.normalize(text)).flat_values
        pieces = self._word_pieces.tokenize(words)
        word, splits = pieces.value_rowids(), pieces.row_splits
        # Of a word that is too long the first piece stands for all, as the unknown token.
        long = tf.gather(too_long, word)
        first = tf.equal(tf.gather(splits, word), tf.range(tf.size(word, tf.int64)))
        known = tf.gather(self._ids, pieces.flat_values)
        ids = tf.where(long, self._tokenizer.unk_token_id, known)
        return tf.boolean_mask(ids, first | ~long)


def _normalizer(model: np.ndarray) -> tf_text.FastBertNormalizer:
    return tf_text.FastBertNormalizer(model_buffer=tf.constant(model))

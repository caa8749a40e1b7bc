"""The WordPiece tokenizer of BERT, inside the graph. TensorFlow-only."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert_zoo.tokenizers import decoding, files
from keras_bert_zoo.tokenizers.options import TokenizerError, TokenizerOptions
from keras_bert_zoo.tokenizers.packing import PackingOptions, pack
from keras_bert_zoo.tokenizers.padding import pad, padded_length
from keras_bert_zoo.tokenizers.segmentation import Segmenter
from keras_bert_zoo.tokenizers.source import TokenizerSource
from keras_bert_zoo.tokenizers.texts import to_string_tensor


class WordPieceTokenizer(tf.Module):
    """Strings to the ids of a BERT model, token for token as ``BertTokenizerFast``.

    The same object works on Python strings, inside ``tf.data``, inside ``tf.function`` and
    in a SavedModel; at run time it is TensorFlow ops alone.

    >>> tokenizer = WordPieceTokenizer.from_directory("path/to/checkpoint")
    >>> batch = tokenizer(["A text.", "Another one."], padding=True)
    >>> dataset.batch(32).map(lambda text: tokenizer(text, padding=True, truncation=True))

    Args:
        vocabulary: tokens in the order of their ids.
        **options: the fields of ``TokenizerOptions``.

    Raises:
        TokenizerError: duplicate tokens, a special token that the vocabulary lacks, or a
            wrong option.
    """

    def __init__(self, vocabulary: Sequence[str], **options: Any) -> None:
        super().__init__()
        # Inside an object that TensorFlow does not track: wrapping 100,000 strings is slow.
        self._source = TokenizerSource(vocabulary, TokenizerOptions(**options))
        self._segmenter = Segmenter(self._source)
        self._tokens = tf.constant(self.vocabulary, tf.string)

    @classmethod
    def from_directory(cls, directory: str | os.PathLike[str]) -> WordPieceTokenizer:
        """Reads ``tokenizer.json`` or ``vocab.txt``, and ``tokenizer_config.json`` if there.

        Raises:
            FileNotFoundError: neither file is there.
            TokenizerError: a file is corrupt, or describes another kind of tokenizer.
        """
        source = files.read(pathlib.Path(directory))
        return cls(source.words, **vars(source.options))

    def save(self, directory: str | os.PathLike[str]) -> None:
        """Writes the files that ``transformers.AutoTokenizer`` reads, and ``vocab.txt``."""
        files.write(self._source, pathlib.Path(directory))

    def __call__(
        self,
        text: Any,
        text_pair: Any = None,
        *,
        add_special_tokens: bool = True,
        padding: bool | str = False,
        truncation: bool | str = False,
        max_length: int | None = None,
        stride: int = 0,
        pad_to_multiple_of: int | None = None,
        return_overflowing_tokens: bool = False,
        return_offsets_mapping: bool = False,
        return_special_tokens_mask: bool = False,
    ) -> dict[str, tf.Tensor | tf.RaggedTensor]:
        """Encodes texts or pairs of texts.

        Args:
            text: a string, a sequence of strings, or a string tensor of rank 0 or 1; a
                single string makes a batch of one. Invalid UTF-8 counts as U+FFFD.
            text_pair: as many second texts, or ``None``.
            add_special_tokens: ``[CLS] text [SEP]`` or ``[CLS] text [SEP] text_pair [SEP]``.
            padding: ``False`` gives ragged tensors; ``True`` or ``"longest"``;
                ``"max_length"``.
            truncation: ``False``; ``True`` or ``"longest_first"``; ``"only_first"``;
                ``"only_second"``.
            max_length: tokens of a row; ``model_max_length`` when ``None``.
            stride: tokens that a window shares with the one before it.
            pad_to_multiple_of: round the padded length up.
            return_overflowing_tokens: rows for what truncation cuts off, too.
            return_offsets_mapping: characters of the text each token comes from.
            return_special_tokens_mask: 1 where a special token was added or padded.

        Returns:
            int32 ``(B, S)``: ``input_ids``, ``token_type_ids``, ``attention_mask``; on
            request ``offset_mapping`` ``(B, S, 2)``, ``special_tokens_mask`` and, with
            overflow, ``overflow_to_sample_mapping`` ``(B,)``.

        Raises:
            TypeError: a text is no string.
            TokenizerError: an option names nothing or contradicts another.
            tf.errors.InvalidArgumentError: the texts do not allow what was asked: pairs of
                different number, a text too short for ``only_first``.
        """
        texts = [to_string_tensor(text, "text")]
        if text_pair is not None:
            texts.append(to_string_tensor(text_pair, "text_pair"))
            _check_same_number(texts)
        options = PackingOptions(
            is_pair=len(texts) == 2,
            max_length=self.model_max_length if max_length is None else max_length,
            add_special_tokens=add_special_tokens,
            padding=padding,
            truncation=truncation,
            stride=stride,
            pad_to_multiple_of=pad_to_multiple_of,
            return_overflowing_tokens=return_overflowing_tokens,
        )
        pieces = [self._segmenter(each, return_offsets_mapping) for each in texts]
        packed = pack(pieces, options, self.cls_token_id, self.sep_token_id)
        # name: rows, and what padding fills them with
        rows = {
            "input_ids": (packed.input_ids, self.pad_token_id),
            "token_type_ids": (packed.token_type_ids, 0),
            "attention_mask": (tf.ones_like(packed.input_ids), 0),
        }
        if return_offsets_mapping:
            rows["offset_mapping"] = (packed.offset_mapping, 0)
        if return_special_tokens_mask:
            rows["special_tokens_mask"] = (packed.special_tokens_mask, 1)
        if options.padding_to is None:
            result = {name: ragged for name, (ragged, _) in rows.items()}
        else:
            length = padded_length(packed.input_ids, options)
            result = {name: pad(ragged, length, fill) for name, (ragged, fill) in rows.items()}
        if return_overflowing_tokens:
            result["overflow_to_sample_mapping"] = packed.sample
        return result

    def tokenize(self, text: Any) -> list[str] | tf.RaggedTensor:
        """Cuts text into tokens, without special ones added.

        Args:
            text: as for ``__call__``.

        Returns:
            A list of strings for one string, else a ragged string tensor ``(B, None)``.
        """
        ids = self._segmenter(to_string_tensor(text, "text")).ids
        if isinstance(text, str | bytes):
            return [self.vocabulary[index] for index in ids.flat_values.numpy()]
        return tf.gather(self._tokens, ids)

    def decode(
        self,
        ids: Any,
        skip_special_tokens: bool = False,
        clean_up_tokenization_spaces: bool | None = None,
    ) -> str:
        """Joins the tokens of one sequence of ids to a text.

        Args:
            ids: integers: a list, an array or an eager tensor of rank 1.
            skip_special_tokens: leave special tokens out.
            clean_up_tokenization_spaces: remove spaces before punctuation; ``None`` means
                as in the tokenizer's options.

        Raises:
            TokenizerError: an id outside the vocabulary, or not one sequence of integers.
        """
        values = np.asarray(ids)
        if values.ndim != 1 or not (values.size == 0 or np.issubdtype(values.dtype, np.integer)):
            raise TokenizerError(
                f"ids must be one sequence of integers, received shape {values.shape} of "
                f"{values.dtype}; use batch_decode for several"
            )
        clean_up = clean_up_tokenization_spaces
        if clean_up is None:
            clean_up = self.options.clean_up_tokenization_spaces
        skipped = self.options.skipped if skip_special_tokens else ()
        return decoding.decode(values.tolist(), self.vocabulary, skipped, clean_up)

    def batch_decode(self, sequences: Any, **kwargs: Any) -> list[str]:
        """Decodes each row of a list, array, tensor or ragged tensor; see ``decode``."""
        return [self.decode(row, **kwargs) for row in sequences]

    def num_special_tokens(self, pair: bool = False) -> int:
        """Special tokens that encoding adds to one text or to a pair."""
        return 3 if pair else 2

    @property
    def options(self) -> TokenizerOptions:
        """The choices of this tokenizer."""
        return self._source.options

    @property
    def words(self) -> tuple[str, ...]:
        """The vocabulary of the word-piece model: tokens in the order of their ids."""
        return self._source.words

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """Tokens in the order of their ids, added ones included."""
        return self._source.vocabulary

    @property
    def vocab_size(self) -> int:
        """Number of tokens, added ones included."""
        return len(self.vocabulary)

    @property
    def model_max_length(self) -> int:
        """The longest sequence, in tokens."""
        return self.options.model_max_length

    @property
    def unk_token_id(self) -> int:
        """Id of the token of words that the vocabulary cannot spell."""
        return self._source.ids[self.options.unk_token]

    @property
    def sep_token_id(self) -> int:
        """Id of the token after each text."""
        return self._source.ids[self.options.sep_token]

    @property
    def pad_token_id(self) -> int:
        """Id of the token that fills a batch."""
        return self._source.ids[self.options.pad_token]

    @property
    def cls_token_id(self) -> int:
        """Id of the token before the first text."""
        return self._source.ids[self.options.cls_token]

    @property
    def mask_token_id(self) -> int:
        """Id of the token of masked-language modelling."""
        return self._source.ids[self.options.mask_token]


def _check_same_number(texts: list[tf.Tensor]) -> None:
    message = "text and text_pair must hold the same number of texts"
    sizes = [text.shape[0] for text in texts]
    if None not in sizes and sizes[0] != sizes[1]:
        raise TokenizerError(f"{message}, received {sizes[0]} and {sizes[1]}")
    tf.debugging.assert_equal(tf.size(texts[0]), tf.size(texts[1]), message)

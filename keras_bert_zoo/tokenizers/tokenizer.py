"""What all tokenizers share: from pieces to model inputs, and back. TensorFlow-only."""

from __future__ import annotations

import os
import pathlib
from typing import Any, ClassVar, Self

import tensorflow as tf

from keras_bert_zoo.tokenizers.files import TokenizerFiles
from keras_bert_zoo.tokenizers.packing import PackingOptions, pack
from keras_bert_zoo.tokenizers.padding import pad, padded_length
from keras_bert_zoo.tokenizers.source import Options, TokenizerSource
from keras_bert_zoo.tokenizers.template import Template
from keras_bert_zoo.tokenizers.texts import check_same_number, to_string_tensor
from keras_bert_zoo.tokenizers.vocabulary import Vocabulary


class Tokenizer(Vocabulary[Options]):
    """Strings to the ids of a model, inside the graph; the base of every kind.

    The same object works on Python strings, inside ``tf.data``, inside ``tf.function`` and
    in a SavedModel; at run time it is TensorFlow ops alone. ``load_tokenizer`` reads
    a directory of any kind.

    Args:
        source: the vocabulary and the options.
        segmenter: maps strings ``(B,)``, and whether spans are wanted, to ``Pieces``.
        template: where the special tokens go.
    """

    # How this kind lies in a directory.
    files: ClassVar[TokenizerFiles]

    def __init__(
        self, source: TokenizerSource[Options], segmenter: tf.Module, template: Template
    ) -> None:
        super().__init__(source)
        self.segmenter = segmenter
        self._template = template
        self._tokens = tf.constant(self.vocabulary, tf.string)

    @classmethod
    def from_source(cls, source: Any) -> Self:
        """Makes the tokenizer of what its files hold; each kind has its own."""
        raise NotImplementedError

    @classmethod
    def from_directory(cls, directory: str | os.PathLike[str], **options: Any) -> Self:
        """Reads a tokenizer of this kind in the Hugging Face layout.

        ``tokenizer.json``, or else the vocabulary's own files; beside them
        ``tokenizer_config.json`` and older files, if they are there.

        Args:
            directory: with these files.
            **options: keys of ``tokenizer_config.json`` that count instead of what it says.

        Raises:
            FileNotFoundError: neither is there.
            TokenizerError: a file is corrupt, or describes another kind of tokenizer; this kind
                has no such option.
        """
        return cls.from_source(cls.files.read(pathlib.Path(directory), **options))

    def save(self, directory: str | os.PathLike[str]) -> None:
        """Writes the files that ``transformers.AutoTokenizer`` reads."""
        self.files.write(self.source, pathlib.Path(directory))

    def preset_arguments(self, name: str) -> dict[str, Any]:
        """The arguments of keras-hub's class of a name, for the same ids.

        Raises:
            TokenizerError: it cannot make them; the message lists why.
        """
        return self.files.preset.arguments(name, self.source)

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
        return_sequence_ids: bool = False,
    ) -> dict[str, tf.Tensor | tf.RaggedTensor]:
        """Encodes texts or pairs of texts.

        Args:
            text: a string, a sequence of strings, or a string tensor of rank 0 or 1; a
                single string makes a batch of one. Invalid UTF-8 counts as U+FFFD.
            text_pair: as many second texts, or ``None``.
            add_special_tokens: put them where the model expects them, as in
                ``[CLS] text [SEP]`` or ``[CLS] text [SEP] text_pair [SEP]``.
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
            return_sequence_ids: 0 for tokens of the first text, 1 of the second, -1 of none:
                token types are not the same for every model.

        Returns:
            int32 ``(B, S)``: ``input_ids``, ``token_type_ids``, ``attention_mask``; on
            request ``offset_mapping`` ``(B, S, 2)``, ``special_tokens_mask``,
            ``sequence_ids`` and, with overflow, ``overflow_to_sample_mapping`` ``(B,)``.

        Raises:
            TypeError: a text is no string.
            TokenizerError: an option names nothing or contradicts another.
            tf.errors.InvalidArgumentError: the texts do not allow what was asked: pairs of
                different number, a text too short for ``only_first``.
        """
        texts = [to_string_tensor(text, "text")]
        if text_pair is not None:
            texts.append(to_string_tensor(text_pair, "text_pair"))
            check_same_number(texts)
        options = PackingOptions(
            template=self._template,
            is_pair=len(texts) == 2,
            max_length=self.model_max_length if max_length is None else max_length,
            add_special_tokens=add_special_tokens,
            padding=padding,
            truncation=truncation,
            stride=stride,
            pad_to_multiple_of=pad_to_multiple_of,
            return_overflowing_tokens=return_overflowing_tokens,
        )
        pieces = [self.segmenter(each, return_offsets_mapping) for each in texts]
        packed = pack(pieces, options, self.source.ids)
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
        if return_sequence_ids:
            rows["sequence_ids"] = (packed.sequence_ids, -1)
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
        ids = self.segmenter(to_string_tensor(text, "text")).ids
        if isinstance(text, str | bytes):
            return [self.vocabulary[index] for index in ids.flat_values.numpy()]
        return tf.gather(self._tokens, ids)

    def num_special_tokens(self, pair: bool = False) -> int:
        """Special tokens that encoding adds to one text or to a pair."""
        return sum(not part.is_text for part in self._template.parts(pair))

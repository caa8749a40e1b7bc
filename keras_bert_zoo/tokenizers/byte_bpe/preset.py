"""keras-hub's byte-level BPE tokenizer."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from keras_bert_zoo.tokenizers.byte_bpe.source import ByteBpeSource
from keras_bert_zoo.tokenizers.presets import PresetTokenizer
from keras_bert_zoo.tokenizers.template import Template
from keras_bert_zoo.tokenizers.text_files import read_json, read_lines

_NAMES = {"cls_token": "<s>", "pad_token": "<pad>", "sep_token": "</s>", "mask_token": "<mask>"}
_ENDS = ("sep", "cls")


class ByteBpePreset(PresetTokenizer):
    """``vocabulary.json`` and ``merges.txt``."""

    classes: ClassVar[Mapping[str, Mapping[str, str]]] = {"RobertaTokenizer": _NAMES}
    fixed: ClassVar[Mapping[str, Any]] = {"sequence_length": None}

    def content(self, name: str, given: Mapping[str, Any], assets: pathlib.Path) -> dict[str, Any]:
        """A vocabulary, its merges, and tokens that are found in texts as they are written."""
        ids = read_json(assets / "vocabulary.json")
        lines = [line.rstrip() for line in read_lines(assets / "merges.txt")]
        spaces = {"add_prefix_space": given.get("add_prefix_space", False), "trim_offsets": True}
        byte_level = {"type": "ByteLevel", **spaces}
        ends = {role: [_NAMES[f"{role}_token"], ids.get(_NAMES[f"{role}_token"])] for role in _ENDS}
        return {
            "added_tokens": [
                {"id": ids[token], "content": token, "special": True}
                for token in given.get("unsplittable_tokens") or _NAMES.values()
            ],
            "pre_tokenizer": byte_level,
            "post_processor": {"type": "RobertaProcessing", **ends, **spaces},
            "decoder": byte_level,
            "model": {
                "type": "BPE",
                "vocab": ids,
                "merges": [line for line in lines if line and "#version:" not in line],
            },
        }

    def problems(self, name: str, source: ByteBpeSource) -> Iterator[str]:
        """What its files cannot say."""
        options = source.options
        if options.parts != Template.roberta(options.cls_token, options.sep_token):
            yield "its special tokens are in other places than RoBERTa's"
        if options.normalizer:
            yield f"its normalizer is {options.normalizer}, keras-hub has none"
        if options.ignore_merges:
            yield "it makes a word that the vocabulary has one token, whatever the merges"

    def told(self, name: str, source: ByteBpeSource) -> dict[str, Any]:
        """The same ids, but for white space before a token that takes it."""
        return {
            "vocabulary": dict(source.ids),
            "merges": [" ".join(pair) for pair in source.merges],
            "add_prefix_space": source.options.add_prefix_space,
            "unsplittable_tokens": list(source.options.literals),
        }

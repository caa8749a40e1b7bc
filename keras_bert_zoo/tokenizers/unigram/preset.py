"""keras-hub's tokenizers of SentencePiece models."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from keras_bert_zoo.tokenizers.presets import PresetTokenizer
from keras_bert_zoo.tokenizers.unigram import published, spiece
from keras_bert_zoo.tokenizers.unigram.compiling import charsmap
from keras_bert_zoo.tokenizers.unigram.pre_tokenizers import replacement_and_scheme
from keras_bert_zoo.tokenizers.unigram.source import UnigramSource

_BRACKETS = {"cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"}
_FAIRSEQ = ("<s>", "<pad>", "</s>", "<unk>")
# What stands for a space, and where one is added.
_MARK = ("▁", "always")


class UnigramPreset(PresetTokenizer):
    """``vocabulary.spm``, of which XLM-R's ids are fairseq's."""

    classes: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "XLMRobertaTokenizer": {
            "cls_token": "<s>",
            "pad_token": "<pad>",
            "sep_token": "</s>",
            "unk_token": "<unk>",
            "mask_token": "<mask>",
        },
        "AlbertTokenizer": {**_BRACKETS, "pad_token": "<pad>"},
        "DebertaV3Tokenizer": {**_BRACKETS, "pad_token": "[PAD]"},
    }
    fixed: ClassVar[Mapping[str, Any]] = {
        "sequence_length": None,
        "add_bos": False,
        "add_eos": False,
    }
    # The scores of a model are no digits that were read, see `Pipeline`.
    made_of: ClassVar[Mapping[str, Any]] = {"exact_scores": True}

    def content(self, name: str, given: Mapping[str, Any], assets: pathlib.Path) -> dict[str, Any]:
        """What SentencePiece makes of the model, and special tokens around it."""
        data = (assets / "vocabulary.spm").read_bytes()
        return published.content_of_sentencepiece(data, name.replace("V3", "V2"))

    def problems(self, name: str, source: UnigramSource) -> Iterator[str]:
        """What a SentencePiece model cannot say."""
        pipeline = source.pipeline
        parts = [each for each in pipeline.pre_tokenizers if each["type"] != "WhitespaceSplit"]
        marks = [replacement_and_scheme(each) for each in parts if each["type"] == "Metaspace"]
        if len(parts) != 1 or marks != [_MARK]:
            yield f"its pre_tokenizers are {parts}, of SentencePiece a Metaspace of {_MARK}"
        if pipeline.byte_ids is not None:
            yield "it spells unknown characters with bytes"
        if name.startswith("XLM"):
            first, last = source.vocabulary[: len(_FAIRSEQ)], source.vocabulary[-1]
            if first != _FAIRSEQ or last != source.options.mask_token:
                yield (
                    f"its ids begin with {first} and end with {last!r}, keras-hub's with "
                    f"{_FAIRSEQ} and '<mask>'"
                )

    def told(self, name: str, source: UnigramSource) -> dict[str, Any]:
        """A model with the same pieces, whose map of characters does what all steps do."""
        pipeline, unknown = source.pipeline, source.options.unk_token
        scores = dict(zip(pipeline.pieces, pipeline.scores, strict=True))
        tokens = source.vocabulary
        if name.startswith("XLM"):
            tokens = (unknown, "<s>", "</s>", *tokens[len(_FAIRSEQ) : -1])
        kinds = {
            **dict.fromkeys(source.options.added_tokens, spiece.USER_DEFINED),
            **dict.fromkeys(source.options.skipped, spiece.CONTROL),
            unknown: spiece.UNKNOWN,
        }
        pieces = [
            (token, 0.0 if token in kinds else scores[token], kinds.get(token, spiece.NORMAL))
            for token in tokens
        ]
        splits = any(part["type"] == "WhitespaceSplit" for part in pipeline.pre_tokenizers)
        characters = charsmap(pipeline.normalizers, splits)
        model = spiece.Model(pieces, tokens.index(unknown), characters)
        return {"proto": spiece.write(model)}

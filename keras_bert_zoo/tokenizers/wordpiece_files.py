"""Files of WordPiece tokenizers: ``tokenizer.json`` and ``vocab.txt``."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from keras_bert_zoo.tokenizers import processing
from keras_bert_zoo.tokenizers.added_tokens import Entry, flags_of
from keras_bert_zoo.tokenizers.decoding import PREFIX
from keras_bert_zoo.tokenizers.files import Stated, TokenizerFiles, read_config
from keras_bert_zoo.tokenizers.options import TokenizerError
from keras_bert_zoo.tokenizers.source import TokenizerSource
from keras_bert_zoo.tokenizers.template import Template
from keras_bert_zoo.tokenizers.text_files import in_order, part_of, read_lines
from keras_bert_zoo.tokenizers.wordpiece_options import WordPieceOptions
from keras_bert_zoo.tokenizers.wordpiece_preset import WordPiecePreset

VOCABULARY_FILE = "vocab.txt"
_PLACES = (Template.bert, Template.roberta)
# What a class means whose files need not say it.
_OTHER_CLASSES: Mapping[str, Mapping[str, Any]] = {
    "MPNetTokenizer": {
        "cls_token": "<s>",
        "sep_token": "</s>",
        "pad_token": "<pad>",
        "mask_token": "<mask>",
        "template": Template.roberta("<s>", "</s>"),
    },
}
_Source = TokenizerSource[WordPieceOptions]


class WordPieceFiles(TokenizerFiles):
    """Reads and writes WordPiece tokenizers."""

    title = "BERT WordPiece"
    model = "WordPiece"
    vocabulary_files = (VOCABULARY_FILE,)
    classes = (
        "BertTokenizer",
        "DistilBertTokenizer",
        "ElectraTokenizer",
        "MobileBertTokenizer",
        "MPNetTokenizer",
        "PreTrainedTokenizer",
        "TokenizersBackend",
    )
    saved_class = "BertTokenizer"
    options = WordPieceOptions
    unread = (*TokenizerFiles.unread, "template")
    unwritten = ("max_input_chars_per_word",)
    preset = WordPiecePreset()

    def parse(self, content: Mapping[str, Any]) -> Stated:
        """Reads ``tokenizer.json``."""
        model = self.model_part(content)
        normalizer = part_of(content, "normalizer", "BertNormalizer", self.title)
        part_of(content, "pre_tokenizer", "BertPreTokenizer", self.title)
        if model.get("continuing_subword_prefix", PREFIX) != PREFIX:
            raise TokenizerError(
                f"continuing_subword_prefix must be {PREFIX!r}, "
                f"received {model['continuing_subword_prefix']!r}"
            )
        if not normalizer.get("clean_text", True):
            raise TokenizerError("the normalizer must have clean_text true, received false")
        options = {
            "do_lower_case": normalizer.get("lowercase", True),
            "strip_accents": normalizer.get("strip_accents"),
            "tokenize_chinese_chars": normalizer.get("handle_chinese_chars", True),
            "unk_token": model.get("unk_token", "[UNK]"),
            "max_input_chars_per_word": model.get("max_input_chars_per_word", 100),
            **_placed(content.get("post_processor")),
        }
        return Stated(in_order(model.get("vocab"), "model.vocab"), options)

    def parse_vocabulary(self, directory: pathlib.Path) -> Stated:
        """Reads ``vocab.txt``: a token a line."""
        stated = str(read_config(directory).get("tokenizer_class")).removesuffix("Fast")
        return Stated(read_lines(directory / VOCABULARY_FILE), _OTHER_CLASSES.get(stated, {}))

    def flag_options(self, added: Sequence[Entry], config: Mapping[str, Any]) -> Mapping[str, Any]:
        """Refuses flags, but for those of white space, of which no word piece is made."""
        for token in added:
            if not set(flags_of(token)) <= {"lstrip", "rstrip"}:
                raise TokenizerError(
                    f"the added token {token.get('content')!r} has the flags {flags_of(token)}, "
                    "which are not supported; only tokens that match literally are"
                )
        return {}

    def make(self, stated: Stated, options: WordPieceOptions) -> _Source:
        """Makes the source."""
        return TokenizerSource(stated.words, options)

    def check(self, source: _Source, content: Mapping[str, Any]) -> None:
        """Refuses special tokens in other places than BERT's or MPNet's; none stated is BERT's."""
        found, ends = content.get("post_processor"), source.options
        places = [place(ends.cls_token, ends.sep_token) for place in _PLACES]
        if found is not None and processing.read(found).template not in places:
            raise TokenizerError(
                f"not a BERT WordPiece tokenizer: its post_processor ({found['type']}) does not "
                f"put {ends.cls_token} and {ends.sep_token} where BERT or MPNet have them"
            )

    def content(self, source: _Source) -> Mapping[str, Any]:
        """What ``tokenizer.json`` says besides added tokens."""
        options = source.options
        return {
            "normalizer": {
                "type": "BertNormalizer",
                "clean_text": True,
                "handle_chinese_chars": options.tokenize_chinese_chars,
                "strip_accents": options.strip_accents,
                "lowercase": options.do_lower_case,
            },
            "pre_tokenizer": {"type": "BertPreTokenizer"},
            "post_processor": options.parts.to_json(source.ids),
            "decoder": {"type": "WordPiece", "prefix": PREFIX, "cleanup": True},
            "model": {
                "type": self.model,
                "unk_token": options.unk_token,
                "continuing_subword_prefix": PREFIX,
                "max_input_chars_per_word": options.max_input_chars_per_word,
                "vocab": {token: index for index, token in enumerate(source.words)},
            },
        }

    def vocabulary(self, source: _Source) -> Mapping[str, str]:
        """``vocab.txt``."""
        return {VOCABULARY_FILE: "".join(f"{token}\n" for token in source.words)}

    def config(self, source: _Source) -> dict[str, Any]:
        """``tokenizer_config.json``."""
        stated, template = super().config(source), source.options.template
        if template is None:
            return stated
        # The one that takes tokenizer.json as it is.
        others = {"tokenizer_class": "PreTrainedTokenizerFast"}
        return {**stated, **others, "model_input_names": template.input_names}


def _placed(content: Mapping[str, Any] | None) -> dict[str, Any]:
    """The options that a ``post_processor`` states which is not BERT's."""
    template = None if content is None else processing.read(content).template
    if template is None or len(template.special_tokens) != 2:
        return {}
    first, last = template.special_tokens
    if template == Template.bert(first, last):
        return {}
    return {"cls_token": first, "sep_token": last, "template": template}

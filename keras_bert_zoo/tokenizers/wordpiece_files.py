"""Files of WordPiece tokenizers: ``tokenizer.json`` and ``vocab.txt``."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from keras_bert_zoo.tokenizers.added_tokens import Entry, flags_of
from keras_bert_zoo.tokenizers.decoding import PREFIX
from keras_bert_zoo.tokenizers.files import Stated, TokenizerFiles
from keras_bert_zoo.tokenizers.options import TokenizerError, WordPieceOptions
from keras_bert_zoo.tokenizers.source import TokenizerSource
from keras_bert_zoo.tokenizers.template import Template
from keras_bert_zoo.tokenizers.text_files import in_order, part_of, read_lines

VOCABULARY_FILE = "vocab.txt"
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
        "PreTrainedTokenizer",
        "TokenizersBackend",
    )
    saved_class = "BertTokenizer"
    options = WordPieceOptions
    unwritten = ("max_input_chars_per_word",)

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
        }
        return Stated(in_order(model.get("vocab"), "model.vocab"), options)

    def parse_vocabulary(self, directory: pathlib.Path) -> Stated:
        """Reads ``vocab.txt``: a token a line."""
        return Stated(read_lines(directory / VOCABULARY_FILE))

    def flag_options(self, added: Sequence[Entry], config: Mapping[str, Any]) -> Mapping[str, Any]:
        """Refuses flags."""
        for token in added:
            if flags_of(token):
                raise TokenizerError(
                    f"the added token {token.get('content')!r} has the flags {flags_of(token)}, "
                    "which are not supported; only tokens that match literally are"
                )
        return {}

    def make(self, stated: Stated, options: WordPieceOptions) -> _Source:
        """Makes the source."""
        return TokenizerSource(stated.words, options)

    def check(self, source: _Source, content: Mapping[str, Any]) -> None:
        """Refuses special tokens in other places than BERT's; none stated means BERT's."""
        found = content.get("post_processor")
        if found is None or found["type"] == "BertProcessing":
            return
        expected = _template(source)
        if any(found.get(key) != expected[key] for key in ("type", "single", "pair")):
            raise TokenizerError(
                f"not a BERT WordPiece tokenizer: its post_processor ({found['type']}) does not "
                f"put {source.options.cls_token} and {source.options.sep_token} where BERT has "
                "them"
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
            "post_processor": _template(source),
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


def _template(source: _Source) -> dict[str, Any]:
    options = source.options
    return Template.bert(options.cls_token, options.sep_token).to_json(source.ids)

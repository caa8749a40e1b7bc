"""Files of byte-level BPE tokenizers: ``tokenizer.json``, or ``vocab.json`` and ``merges.txt``."""

from __future__ import annotations

import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from keras_bert_zoo.tokenizers import processing
from keras_bert_zoo.tokenizers.added_tokens import Entry, flags_of
from keras_bert_zoo.tokenizers.byte_bpe.preset import ByteBpePreset
from keras_bert_zoo.tokenizers.byte_bpe.source import FLAGS, ByteBpeOptions, ByteBpeSource, Merge
from keras_bert_zoo.tokenizers.files import Stated, TokenizerFiles
from keras_bert_zoo.tokenizers.options import SPECIAL_TOKENS, TokenizerError
from keras_bert_zoo.tokenizers.template import Template
from keras_bert_zoo.tokenizers.text_files import as_json, in_order, part_of, read_json, read_lines

VOCABULARY_FILE, MERGES_FILE = "vocab.json", "merges.txt"
# Keys of the model that must be empty; old files leave out those that came later.
_EMPTY = ("dropout", "continuing_subword_prefix", "end_of_word_suffix")


class ByteBpeFiles(TokenizerFiles):
    """Reads and writes byte-level BPE tokenizers."""

    title = "byte-level BPE"
    model = "BPE"
    vocabulary_files = (VOCABULARY_FILE, MERGES_FILE)
    classes = ("RobertaTokenizer", "LongformerTokenizer", "DebertaTokenizer")
    # The one that takes tokenizer.json as it is.
    saved_class = "PreTrainedTokenizerFast"
    options = ByteBpeOptions
    unread = (*TokenizerFiles.unread, "token_flags", "template", "normalizer", "ignore_merges")
    unwritten = ()
    preset = ByteBpePreset()

    def parse(self, content: Mapping[str, Any]) -> Stated:
        """Reads ``tokenizer.json``."""
        model = self.model_part(content)
        for name in _EMPTY:
            if model.get(name):
                raise TokenizerError(f"model.{name} must be empty, received {model[name]!r}")
        splitter = part_of(content, "pre_tokenizer", "ByteLevel", self.title)
        if not splitter.get("use_regex", True):
            raise TokenizerError("the pre_tokenizer must have use_regex true, received false")
        part_of(content, "decoder", "ByteLevel", self.title)
        words = in_order(model.get("vocab"), "model.vocab")
        after = processing.read(content.get("post_processor"))
        if after.trims and after.adds_space != splitter["add_prefix_space"]:
            raise TokenizerError(
                "add_prefix_space must be the same in pre_tokenizer and post_processor, received "
                f"{splitter['add_prefix_space']} and {after.adds_space}"
            )
        added = (token["content"] for token in content.get("added_tokens") or [])
        options = {
            **_bracketed({*words, *added}),
            **_ends(after.template),
            "add_prefix_space": splitter["add_prefix_space"],
            "trim_offsets": after.trims,
            "template": after.template,
            "normalizer": _normalizer(content.get("normalizer")),
            "ignore_merges": model.get("ignore_merges", False),
        }
        return Stated(words, options, {"merges": _merges(model["merges"])})

    def parse_vocabulary(self, directory: pathlib.Path) -> Stated:
        """Reads ``vocab.json`` and ``merges.txt``."""
        words = in_order(read_json(directory / VOCABULARY_FILE), VOCABULARY_FILE)
        lines = read_lines(directory / MERGES_FILE)
        merges = _merges(line for line in lines if line and not line.startswith("#version"))
        return Stated(words, _deberta(set(words)), {"merges": merges})

    def flag_options(self, added: Sequence[Entry], config: Mapping[str, Any]) -> Mapping[str, Any]:
        """The flags of tokens, of whichever file states them."""
        roles = [config[role] for role in SPECIAL_TOKENS if isinstance(config.get(role), dict)]
        # Those of tokenizer.json come last: they count.
        flags = {token["content"]: flags_of(token) for token in [*roles, *added]}
        others = {token: each for token, each in flags.items() if not set(each) <= set(FLAGS)}
        if others:
            raise TokenizerError(f"of the flags of added tokens only {FLAGS} are known: {others}")
        return {"token_flags": {token: tuple(each) for token, each in flags.items()}}

    def make(self, stated: Stated, options: ByteBpeOptions) -> ByteBpeSource:
        """Makes the source."""
        return ByteBpeSource(stated.words, stated.model["merges"], options)

    def check(self, source: ByteBpeSource, content: Mapping[str, Any]) -> None:
        """Compares the ids of special tokens."""
        processing.read(content["post_processor"]).check(source.ids)

    def content(self, source: ByteBpeSource) -> Mapping[str, Any]:
        """What ``tokenizer.json`` says besides added tokens."""
        options = source.options
        spaces = {"add_prefix_space": options.add_prefix_space, "trim_offsets": True}
        byte_level = {"type": "ByteLevel", **spaces, "use_regex": True}
        return {
            "normalizer": options.normalizer and {"type": options.normalizer},
            "pre_tokenizer": byte_level,
            "post_processor": _post_processor(source),
            "decoder": byte_level,
            "model": {
                "type": self.model,
                "dropout": None,
                "unk_token": None,
                "continuing_subword_prefix": None,
                "end_of_word_suffix": None,
                "fuse_unk": False,
                "byte_fallback": False,
                "ignore_merges": options.ignore_merges,
                "vocab": _ids(source),
                "merges": [list(pair) for pair in source.merges],
            },
        }

    def vocabulary(self, source: ByteBpeSource) -> Mapping[str, str]:
        """``vocab.json`` and ``merges.txt``."""
        lines = ["#version: 0.2", *(" ".join(pair) for pair in source.merges)]
        return {
            VOCABULARY_FILE: as_json(_ids(source)),
            MERGES_FILE: "".join(f"{line}\n" for line in lines),
        }

    def added_entries(self, source: ByteBpeSource) -> list[dict[str, Any]]:
        """``added_tokens`` of ``tokenizer.json``."""
        flags = source.options.flags
        return [
            {**entry, **dict.fromkeys(flags[entry["content"]], True)}
            for entry in super().added_entries(source)
        ]

    def config(self, source: ByteBpeSource) -> dict[str, Any]:
        """``tokenizer_config.json``."""
        return {**super().config(source), "model_input_names": source.options.parts.input_names}


def _post_processor(source: ByteBpeSource) -> dict[str, Any]:
    options, ids = source.options, source.ids
    template = options.parts
    tokens = template.special_tokens
    spaces = {"trim_offsets": options.trim_offsets, "add_prefix_space": options.add_prefix_space}
    if tokens and template == Template.roberta(tokens[0], tokens[-1]):
        first, last = ([token, ids[token]] for token in (tokens[0], tokens[-1]))
        return {"type": "RobertaProcessing", "sep": last, "cls": first, **spaces}
    if not options.trim_offsets:
        return template.to_json(ids)
    trimming = {"type": "ByteLevel", **spaces, "use_regex": True}
    return {"type": "Sequence", "processors": [trimming, template.to_json(ids)]}


def _ids(source: ByteBpeSource) -> dict[str, int]:
    return {token: index for index, token in enumerate(source.words)}


def _bracketed(known: set[str]) -> dict[str, str]:
    """Special tokens that are called as BERT's are, in a file that does not say their roles."""
    names = {role: f"[{role.removesuffix('_token').upper()}]" for role in SPECIAL_TOKENS}
    return {role: name for role, name in names.items() if name in known}


def _deberta(words: set[str]) -> dict[str, Any]:
    """What files without ``tokenizer.json`` mean whose special tokens are called as BERT's.

    He et al. 2021, "DeBERTa" (arXiv:2006.03654): RoBERTa's vocabulary in BERT's rows.
    """
    roles = _bracketed(words)
    if not roles.keys() >= {"cls_token", "sep_token"}:
        return {}
    template = Template.bert(roles["cls_token"], roles["sep_token"])
    return {**roles, "template": template, "trim_offsets": False}


def _ends(template: Template) -> dict[str, str]:
    """Special tokens whose roles the template tells."""
    first, last = template.single[0].content, template.single[-1].content
    ends = {"cls_token": first, "sep_token": last}
    return {role: token for role, token in ends.items() if isinstance(token, str)}


def _normalizer(content: Mapping[str, Any] | None) -> Literal["NFC"] | None:
    steps = [] if content is None else content.get("normalizers", [content])
    kinds = [step["type"] for step in steps]
    if kinds not in ([], ["NFC"]):
        raise TokenizerError(f"the normalizer must be NFC or none, received {kinds}")
    return "NFC" if kinds else None


def _merges(entries: Iterable[Any]) -> list[Merge]:
    pairs = [tuple(entry.split(" ") if isinstance(entry, str) else entry) for entry in entries]
    odd = [pair for pair in pairs if len(pair) != 2]
    if odd:
        raise TokenizerError(f"a merge must be two tokens, received {odd[:3]}")
    return pairs

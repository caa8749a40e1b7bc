"""Files of Unigram tokenizers: ``tokenizer.json``, or a SentencePiece model."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from keras_bert_zoo.tokenizers import processing
from keras_bert_zoo.tokenizers.added_tokens import Entry, flags_of
from keras_bert_zoo.tokenizers.files import Stated, TokenizerFiles, read_config
from keras_bert_zoo.tokenizers.options import TokenizerError
from keras_bert_zoo.tokenizers.template import Template
from keras_bert_zoo.tokenizers.unigram import published
from keras_bert_zoo.tokenizers.unigram.pipeline import Pipeline
from keras_bert_zoo.tokenizers.unigram.preset import UnigramPreset
from keras_bert_zoo.tokenizers.unigram.source import UnigramOptions, UnigramSource

# SentencePiece model to the class of transformers whose files are called so.
MODELS = {
    "sentencepiece.bpe.model": "XLMRobertaTokenizer",
    "spiece.model": "AlbertTokenizer",
    "spm.model": "DebertaV2Tokenizer",
}
_PARTS = ("normalizer", "pre_tokenizer", "post_processor", "decoder", "model")
# Special tokens that nothing but their names tells.
_NAMES = {"pad_token": ("<pad>", "[PAD]"), "mask_token": ("<mask>", "[MASK]")}


class UnigramFiles(TokenizerFiles):
    """Reads and writes Unigram tokenizers."""

    title = "Unigram"
    model = "Unigram"
    vocabulary_files = tuple(MODELS)
    classes = published.CLASSES
    # The one that takes tokenizer.json as it is.
    saved_class = "PreTrainedTokenizerFast"
    options = UnigramOptions
    unread = (*TokenizerFiles.unread, "token_flags")
    unwritten = ()
    preset = UnigramPreset()

    def parse(self, content: Mapping[str, Any]) -> Stated:
        """Reads ``tokenizer.json``."""
        pipeline, template = Pipeline(content), _template(content)
        options = {
            "unk_token": pipeline.pieces[pipeline.unknown_id],
            "cls_token": template.single[0].content,
            "sep_token": template.single[-1].content,
            **{role: _first(names, pipeline.ids) for role, names in _NAMES.items()},
        }
        # A template may begin or end with the text itself.
        stated = {role: token for role, token in options.items() if isinstance(token, str)}
        return Stated(pipeline.pieces, stated, {"content": content, "template": template})

    def parse_vocabulary(self, directory: pathlib.Path) -> Stated:
        """Reads a SentencePiece model."""
        path, config = self._path(directory), read_config(directory)
        tokenizer_class = config.get("tokenizer_class") or MODELS[path.name]
        options = {name: config[name] for name in published.OPTIONS if name in config}
        content = published.content(path.read_bytes(), tokenizer_class, **options)
        stated = self.parse(content)
        # The scores are no digits that were read, see `Pipeline`.
        model = {**stated.model, "exact_scores": True}
        return dataclasses.replace(stated, model=model, added=content["added_tokens"])

    def flag_options(self, added: Sequence[Entry], config: Mapping[str, Any]) -> Mapping[str, Any]:
        """The flags of tokens."""
        return {"token_flags": {token["content"]: tuple(flags_of(token)) for token in added}}

    def make(self, stated: Stated, options: UnigramOptions) -> UnigramSource:
        """Makes the source."""
        return UnigramSource(**stated.model, options=options)

    def check(self, source: UnigramSource, content: Mapping[str, Any]) -> None:
        """Compares the ids of special tokens."""
        processing.read(content["post_processor"]).check(source.ids)

    def content(self, source: UnigramSource) -> Mapping[str, Any]:
        """What ``tokenizer.json`` says besides added tokens."""
        return {name: source.content.get(name) for name in _PARTS}

    def vocabulary(self, source: UnigramSource) -> Mapping[str, str]:
        """None: a SentencePiece model is no text, and ``tokenizer.json`` says all."""
        return {}

    def added_entries(self, source: UnigramSource) -> list[dict[str, Any]]:
        """``added_tokens`` of ``tokenizer.json``."""
        return list(source.content["added_tokens"])

    def config(self, source: UnigramSource) -> dict[str, Any]:
        """``tokenizer_config.json``."""
        return {**super().config(source), "model_input_names": source.template.input_names}

    def has_vocabulary(self, directory: pathlib.Path) -> bool:
        """Whether a directory holds one of the SentencePiece models."""
        return any((directory / name).is_file() for name in self.vocabulary_files)

    @property
    def vocabulary_title(self) -> str:
        """What ``has_vocabulary`` looks for, in words."""
        return " or ".join(self.vocabulary_files)

    def _compare(self, source: UnigramSource, directory: pathlib.Path) -> None:
        """Does nothing: nobody edits a SentencePiece model, and published files hold both."""


def _template(content: Mapping[str, Any]) -> Template:
    """Where the ``post_processor`` of ``tokenizer.json`` puts special tokens.

    Raises:
        TokenizerError: it is missing, or says something else.
    """
    after = processing.read(content.get("post_processor"))
    if after.trims:
        raise TokenizerError("a post_processor with trim_offsets is not supported")
    return after.template


def _first(names: Sequence[str], ids: Mapping[str, int]) -> str | None:
    return next((name for name in names if name in ids), None)

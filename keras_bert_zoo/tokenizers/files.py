"""Tokenizer files in the Hugging Face layout, as far as they are the same for every kind."""

from __future__ import annotations

import dataclasses
import logging
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from keras_bert_zoo.tokenizers import added_tokens, presets
from keras_bert_zoo.tokenizers.options import TokenizerError, TokenizerOptions
from keras_bert_zoo.tokenizers.text_files import as_json, read_json, read_optional, write_text

TOKENIZER_FILE = "tokenizer.json"
CONFIG_FILE = "tokenizer_config.json"
SPECIAL_TOKENS_FILE = "special_tokens_map.json"
ADDED_TOKENS_FILE = "added_tokens.json"
_log = logging.getLogger(__name__)
# transformers writes 1e30 for "no limit"; this is the largest length an int32 can state.
_NO_LIMIT = 2**31 - 1
# What only the model of a kind has.
_HALLMARKS = {"BPE": "merges", "WordPiece": "max_input_chars_per_word", "Unigram": "unk_id"}


@dataclasses.dataclass(frozen=True)
class Stated:
    """What ``tokenizer.json``, or the files of a vocabulary, state.

    Args:
        words: the vocabulary of the model.
        options: fields of the options.
        model: what else the model is made of.
        added: tokens that the files of a vocabulary add to it.
    """

    words: Sequence[str]
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    model: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    added: Sequence[added_tokens.Entry] = ()


class TokenizerFiles:
    """Reads and writes the files of one kind of tokenizer; the base of every kind.

    Attributes:
        title: of the kind, for errors.
        model: its name in ``tokenizer.json``.
        vocabulary_files: what is read where there is no ``tokenizer.json``.
        classes: those of transformers that read these files as this kind; the first one
            where none is stated.
        saved_class: the one that is written.
        options: class of the options.
        unread: options that no options file holds.
        unwritten: options that ``tokenizer.json`` holds.
        preset: how keras-hub has this kind.
    """

    title: ClassVar[str]
    model: ClassVar[str]
    vocabulary_files: ClassVar[tuple[str, ...]]
    classes: ClassVar[tuple[str, ...]]
    saved_class: ClassVar[str]
    options: ClassVar[type[TokenizerOptions]]
    unread: ClassVar[tuple[str, ...]] = ("added_tokens",)
    unwritten: ClassVar[tuple[str, ...]]
    preset: ClassVar[presets.PresetTokenizer]

    def parse(self, content: Mapping[str, Any]) -> Stated:
        """Reads ``tokenizer.json``."""
        raise NotImplementedError

    def parse_vocabulary(self, directory: pathlib.Path) -> Stated:
        """Reads the files of a vocabulary."""
        raise NotImplementedError

    def flag_options(
        self, added: Sequence[added_tokens.Entry], config: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Options that the flags of added tokens make."""
        raise NotImplementedError

    def make(self, stated: Stated, options: Any) -> Any:
        """Makes the source of what is stated and the options."""
        raise NotImplementedError

    def check(self, source: Any, content: Mapping[str, Any]) -> None:
        """Compares a source with the ``tokenizer.json`` that it was read of."""
        raise NotImplementedError

    def content(self, source: Any) -> Mapping[str, Any]:
        """What ``tokenizer.json`` says besides added tokens."""
        raise NotImplementedError

    def vocabulary(self, source: Any) -> Mapping[str, str]:
        """The files of the vocabulary: name to text."""
        raise NotImplementedError

    def read(
        self, directory: pathlib.Path, content: Mapping[str, Any] | None = None, /, **chosen: Any
    ) -> Any:
        """Reads a tokenizer from a directory.

        Where ``tokenizer.json`` and ``tokenizer_config.json`` disagree the latter counts, as in
        ``transformers``.

        Args:
            directory: with the files.
            content: of ``tokenizer.json``, if it was read already.
            **chosen: keys of ``tokenizer_config.json`` that count instead of what it says.

        Raises:
            FileNotFoundError: neither ``tokenizer.json`` nor the vocabulary is there.
            TokenizerError: a file is corrupt, or describes another kind of tokenizer; this kind
                has no such key.
        """
        if unknown := chosen.keys() - self._told():
            raise TokenizerError(
                f"{sorted(unknown)} are no options of a {self.title} tokenizer, which has "
                f"{sorted(self._told())}"
            )
        config = {**read_config(directory), **chosen}
        path = self._path(directory)
        is_json = path.name == TOKENIZER_FILE
        try:
            if is_json:
                content = read_json(path) if content is None else content
                content, stated = self._parsed(content, path)
            else:
                self._check_class(config)
                content, stated = {}, self.parse_vocabulary(directory)
            further = read_optional(directory / ADDED_TOKENS_FILE)
            listed = content.get("added_tokens") or stated.added
            added = added_tokens.collect(stated.words, listed, config, further)
            source = self.make(stated, self._options(stated, added, config))
            if is_json:
                self.check(source, content)
                self._compare(source, directory)
            return source
        except TokenizerError as error:
            raise TokenizerError(f"{path}: {error}") from error
        except (AttributeError, LookupError, OverflowError, TypeError, ValueError) as error:
            raise TokenizerError(f"{path} or {CONFIG_FILE} is malformed: {error!r}") from error

    def write(self, source: Any, directory: pathlib.Path) -> None:
        """Writes all files; each appears whole or not at all."""
        directory.mkdir(parents=True, exist_ok=True)
        content = {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": self.added_entries(source),
            **self.content(source),
        }
        for name, text in self.vocabulary(source).items():
            write_text(directory / name, text)
        write_text(directory / TOKENIZER_FILE, as_json(content))
        write_text(directory / CONFIG_FILE, as_json(self.config(source)))
        write_text(directory / SPECIAL_TOKENS_FILE, as_json(source.options.special_tokens))

    def has_vocabulary(self, directory: pathlib.Path) -> bool:
        """Whether a directory holds the files of a vocabulary of this kind."""
        return all((directory / name).is_file() for name in self.vocabulary_files)

    @property
    def vocabulary_title(self) -> str:
        """What ``has_vocabulary`` looks for, in words."""
        return " with ".join(self.vocabulary_files)

    def model_part(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """The model in ``tokenizer.json``.

        Raises:
            TokenizerError: it is missing or of another kind.
        """
        if model_type(content) != self.model:
            raise TokenizerError(
                f"not a {self.title} tokenizer: model is {model_type(content) or 'missing'}, "
                f"expected {self.model}"
            )
        return content["model"]

    def added_entries(self, source: Any) -> list[dict[str, Any]]:
        """``added_tokens`` of ``tokenizer.json``."""
        options, ids = source.options, source.ids
        return [
            added_tokens.entry(ids[token], token, token in options.skipped)
            for token in sorted(options.literals, key=ids.__getitem__)
        ]

    def config(self, source: Any) -> dict[str, Any]:
        """``tokenizer_config.json``."""
        hidden = {*self.unread, *self.unwritten}
        options = vars(source.options)
        shown = {name: value for name, value in options.items() if name not in hidden}
        return {**shown, "tokenizer_class": self.saved_class}

    def _parsed(
        self, content: Mapping[str, Any], path: pathlib.Path
    ) -> tuple[Mapping[str, Any], Stated]:
        """``tokenizer.json``, that of keras-hub as Hugging Face would have it, and what it says."""
        if not presets.is_preset(content):
            return content, self.parse(content)
        content = self.preset.read(content, path.parent)
        stated = self.parse(content)
        model = {**stated.model, **self.preset.made_of}
        return content, dataclasses.replace(stated, model=model)

    def _path(self, directory: pathlib.Path) -> pathlib.Path:
        if (directory / TOKENIZER_FILE).is_file():
            return directory / TOKENIZER_FILE
        if self.has_vocabulary(directory):
            paths = (directory / name for name in self.vocabulary_files)
            return next(path for path in paths if path.is_file())
        raise no_tokenizer(directory, [self.vocabulary_title])

    def _check_class(self, config: Mapping[str, Any]) -> None:
        # `tokenizer.json` says itself what kind it is; a vocabulary does not.
        stated = config.get("tokenizer_class") or self.classes[0]
        if str(stated).removesuffix("Fast") not in self.classes:
            raise TokenizerError(
                f"not a {self.title} tokenizer: tokenizer_class is {stated!r}, "
                f"expected one of {self.classes}"
            )

    def _told(self) -> set[str]:
        """Options that ``tokenizer_config.json`` may state."""
        return {field.name for field in dataclasses.fields(self.options)} - set(self.unread)

    def _options(
        self, stated: Stated, added: Sequence[added_tokens.Entry], config: Mapping[str, Any]
    ) -> TokenizerOptions:
        """Joins what ``tokenizer.json`` states with the other files."""
        for side in ("padding_side", "truncation_side"):
            if config.get(side, "right") != "right":
                raise TokenizerError(f"{side} must be 'right', received {config[side]!r}")
        names = self._told() & config.keys()
        told = {name: added_tokens.content_of(config[name]) for name in names}
        options = {**stated.options, **told}
        options.setdefault("model_max_length", config.get("max_len"))  # the name of old files
        # What no file states, though it may name it, is as the class has it.
        options = {name: value for name, value in options.items() if value is not None}
        if "model_max_length" in options:
            options["model_max_length"] = int(min(options["model_max_length"], _NO_LIMIT))
        options |= self.flag_options(added, config)
        specials = set(self.options(**options).special_tokens.values()) & set(stated.words)
        others = [token for token in added if token["content"] not in specials]
        return self.options(**options, added_tokens=added_tokens.numbered(others, stated.words))

    def _compare(self, source: Any, directory: pathlib.Path) -> None:
        """Warns of a vocabulary that is not the one read: an edit of it changes nothing."""
        if not self.has_vocabulary(directory):
            return
        other = self.parse_vocabulary(directory)
        known = (list(source.words), list(source.vocabulary))
        if list(other.words) not in known:
            _log.warning(
                "%s is not the vocabulary of %s beside it, which is the one that counts. Remove "
                "one of the files.",
                directory / self.vocabulary_files[0],
                TOKENIZER_FILE,
            )


def read_config(directory: pathlib.Path) -> dict[str, Any]:
    """The options files, the newer one first."""
    stated = presets.config(directory)
    for name in (SPECIAL_TOKENS_FILE, CONFIG_FILE):
        stated |= read_optional(directory / name)
    return stated


def model_type(content: Mapping[str, Any]) -> str | None:
    """Name of the model in ``tokenizer.json``; old files tell it by what the model has."""
    model = content.get("model")
    if not isinstance(model, dict):
        return None
    told = (kind for kind, key in _HALLMARKS.items() if key in model)
    kind = model.get("type") or next(told, None)
    return None if kind is None else str(kind)


def no_tokenizer(directory: pathlib.Path, vocabularies: Sequence[str]) -> FileNotFoundError:
    """The error where neither ``tokenizer.json`` is nor the files of a vocabulary."""
    names = [TOKENIZER_FILE, *vocabularies]
    return FileNotFoundError(
        f"{directory} {'holds no tokenizer' if directory.is_dir() else 'does not exist'}: "
        f"neither {' nor '.join(names)} was found"
    )

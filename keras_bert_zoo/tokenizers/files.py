"""Tokenizer files in the Hugging Face layout: ``tokenizer.json``, ``vocab.txt`` and options."""

from __future__ import annotations

import dataclasses
import json
import logging
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from keras_bert_zoo.tokenizers.options import TokenizerError, TokenizerOptions
from keras_bert_zoo.tokenizers.source import TokenizerSource

TOKENIZER_FILE = "tokenizer.json"
VOCABULARY_FILE = "vocab.txt"
CONFIG_FILE = "tokenizer_config.json"
SPECIAL_TOKENS_FILE = "special_tokens_map.json"
ADDED_TOKENS_FILE = "added_tokens.json"
_PREFIX = "##"
# Those of transformers that read `vocab.txt` as BERT's does.
_CLASSES = (
    "BertTokenizer",
    "DistilBertTokenizer",
    "ElectraTokenizer",
    "MobileBertTokenizer",
    "PreTrainedTokenizer",
    "TokenizersBackend",
)
_log = logging.getLogger(__name__)
# transformers writes 1e30 for "no limit"; this is the largest length an int32 can state.
_NO_LIMIT = 2**31 - 1


def read(directory: pathlib.Path) -> TokenizerSource:
    """Reads a tokenizer from a directory.

    Where ``tokenizer.json`` and ``tokenizer_config.json`` disagree the latter counts, as in
    ``transformers``.

    Raises:
        FileNotFoundError: neither ``tokenizer.json`` nor ``vocab.txt`` is there.
        TokenizerError: a file is corrupt, or describes another kind of tokenizer.
    """
    config = {
        **_read_optional(directory / SPECIAL_TOKENS_FILE),
        **_read_optional(directory / CONFIG_FILE),
        ADDED_TOKENS_FILE: _read_optional(directory / ADDED_TOKENS_FILE),
    }
    if (directory / TOKENIZER_FILE).is_file():
        path, reader = directory / TOKENIZER_FILE, _from_tokenizer_json
    elif (directory / VOCABULARY_FILE).is_file():
        path, reader = directory / VOCABULARY_FILE, _from_vocabulary
    else:
        raise FileNotFoundError(
            f"{directory} {'holds no tokenizer' if directory.is_dir() else 'does not exist'}: "
            f"neither {TOKENIZER_FILE} nor {VOCABULARY_FILE} was found"
        )
    try:
        source = reader(path, config)
        _compare_vocabulary(source, directory / VOCABULARY_FILE)
        return source
    except TokenizerError as error:
        raise TokenizerError(f"{path}: {error}") from error
    except (AttributeError, KeyError, TypeError) as error:
        raise TokenizerError(f"{path} or {CONFIG_FILE} is malformed: {error!r}") from error


def _compare_vocabulary(source: TokenizerSource, path: pathlib.Path) -> None:
    """Warns of a ``vocab.txt`` that is not the vocabulary: an edit of it changes nothing."""
    known = (list(source.words), list(source.vocabulary))
    if path.is_file() and _lines(path) not in known:
        _log.warning(
            "%s is not the vocabulary of %s beside it, which is the one that counts. Remove one of "
            "the files.",
            path,
            TOKENIZER_FILE,
        )


def _lines(path: pathlib.Path) -> list[str]:
    try:
        # Text mode cuts at line feeds alone; str.splitlines would cut at U+2028 as well.
        lines = path.read_text(encoding="utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise TokenizerError(f"not UTF-8 text: {error}") from error
    return lines[:-1] if lines[-1] == "" else lines


def _from_vocabulary(path: pathlib.Path, config: Mapping[str, Any]) -> TokenizerSource:
    # `tokenizer.json` says itself what kind it is; a vocabulary does not.
    kind = str(config.get("tokenizer_class") or "BertTokenizer").removesuffix("Fast")
    if kind not in _CLASSES:
        raise TokenizerError(
            f"not a BERT WordPiece tokenizer: tokenizer_class is {config['tokenizer_class']!r}, "
            f"expected one of {_CLASSES}"
        )
    return _source(_lines(path), {}, [], config)


def _from_tokenizer_json(path: pathlib.Path, config: Mapping[str, Any]) -> TokenizerSource:
    content = _read_json(path)
    model = _part(content, "model", "WordPiece")
    normalizer = _part(content, "normalizer", "BertNormalizer")
    _part(content, "pre_tokenizer", "BertPreTokenizer")
    if model.get("continuing_subword_prefix", _PREFIX) != _PREFIX:
        raise TokenizerError(
            f"continuing_subword_prefix must be {_PREFIX!r}, "
            f"received {model['continuing_subword_prefix']!r}"
        )
    if not normalizer.get("clean_text", True):
        raise TokenizerError("the normalizer must have clean_text true, received false")
    ids = model.get("vocab")
    if not isinstance(ids, dict) or sorted(ids.values()) != list(range(len(ids))):
        raise TokenizerError("model.vocab must map tokens to the ids 0, 1, 2, ... without gaps")
    stated = {
        "do_lower_case": normalizer.get("lowercase", True),
        "strip_accents": normalizer.get("strip_accents"),
        "tokenize_chinese_chars": normalizer.get("handle_chinese_chars", True),
        "unk_token": model.get("unk_token", "[UNK]"),
        "max_input_chars_per_word": model.get("max_input_chars_per_word", 100),
    }
    words = sorted(ids, key=ids.__getitem__)
    source = _source(words, stated, content.get("added_tokens") or [], config)
    _check_post_processor(content.get("post_processor"), source)
    return source


def _check_post_processor(found: Mapping[str, Any] | None, source: TokenizerSource) -> None:
    """Refuses special tokens in other places than BERT's; none stated means BERT's."""
    if found is None or found["type"] == "BertProcessing":
        return
    expected = _template(source)
    if any(found.get(key) != expected[key] for key in ("type", "single", "pair")):
        raise TokenizerError(
            f"not a BERT WordPiece tokenizer: its post_processor ({found['type']}) does not put "
            f"{source.options.cls_token} and {source.options.sep_token} where BERT has them"
        )


def _part(content: Mapping[str, Any], name: str, expected: str) -> dict[str, Any]:
    part = content.get(name)
    kind = part.get("type") if isinstance(part, dict) else part
    if not isinstance(part, dict) or kind != expected:
        raise TokenizerError(
            f"not a BERT WordPiece tokenizer: {name} is {kind or 'missing'}, expected {expected}"
        )
    return part


def _source(
    words: Sequence[str],
    stated: Mapping[str, Any],
    added: Sequence[Mapping[str, Any]],
    config: Mapping[str, Any],
) -> TokenizerSource:
    """Joins what ``tokenizer.json`` states with the other files."""
    for side in ("padding_side", "truncation_side"):
        if config.get(side, "right") != "right":
            raise TokenizerError(f"{side} must be 'right', received {config[side]!r}")
    names = {field.name for field in dataclasses.fields(TokenizerOptions)} - {"added_tokens"}
    options = {**stated, **{name: _content(config[name]) for name in names & config.keys()}}
    options.setdefault("model_max_length", config.get("max_len"))  # the name of old files
    for name, value in list(options.items()):
        if value is None and name != "strip_accents":
            del options[name]
    if "model_max_length" in options:
        options["model_max_length"] = int(min(options["model_max_length"], _NO_LIMIT))
    specials = set(TokenizerOptions(**options).special_tokens.values())
    added = _all_added(words, added, config)
    _check_flags(added)
    others = [token for token in added if token["content"] not in specials]
    options["added_tokens"] = _added_tokens(others, words)
    return TokenizerSource(words, TokenizerOptions(**options))


def _all_added(
    words: Sequence[str], added: Sequence[Mapping[str, Any]], config: Mapping[str, Any]
) -> list[Mapping[str, Any]]:
    """Tokens that any of the files adds, each once; a token that is no word gets the next id."""
    ids = {word: index for index, word in enumerate(words)}
    found = {token["content"]: token for token in added}
    for index, token in (config.get("added_tokens_decoder") or {}).items():
        found.setdefault(token["content"], {"id": int(index), **token})
    for content, index in (config.get(ADDED_TOKENS_FILE) or {}).items():
        # Such a token is looked for in the normalised text: the same where it is lower case.
        token = {"id": index, "content": content, "normalized": content != content.lower()}
        found.setdefault(content, token)
    for content in _further_special(config):
        index = ids.get(content, 1 + max([len(words) - 1, *(t["id"] for t in found.values())]))
        found[content] = {"id": index, **found.get(content, {"content": content}), "special": True}
    return list(found.values())


def _further_special(config: Mapping[str, Any]) -> list[str]:
    """Special tokens beside the five that have roles."""
    listed = [
        config.get(key) or [] for key in ("additional_special_tokens", "extra_special_tokens")
    ]
    values = [list(each.values()) if isinstance(each, dict) else each for each in listed]
    return [str(_content(token)) for each in values for token in each]


def _check_flags(added: Sequence[Mapping[str, Any]]) -> None:
    for token in added:
        flags = [
            name for name in ("lstrip", "rstrip", "single_word", "normalized") if token.get(name)
        ]
        if flags:
            raise TokenizerError(
                f"the added token {token.get('content')!r} has the flags {flags}, which are not "
                "supported; only tokens that match literally are"
            )


def _added_tokens(added: Sequence[Mapping[str, Any]], words: Sequence[str]) -> dict[str, bool]:
    """Token to whether it is special, in the order of ids."""
    ordered = sorted(added, key=lambda token: token["id"])
    known = set(words)
    ids = [token["id"] for token in ordered if token["content"] not in known]
    if ids != list(range(len(words), len(words) + len(ids))):
        raise TokenizerError(
            f"the added tokens must have the ids that follow the vocabulary's {len(words)}, "
            f"received {ids[:5]}"
        )
    return {token["content"]: bool(token.get("special")) for token in ordered}


def _content(value: Any) -> Any:
    """Unwraps a token that is stored with its flags."""
    return value["content"] if isinstance(value, dict) and "content" in value else value


def _read_optional(path: pathlib.Path) -> dict[str, Any]:
    return _read_json(path) if path.is_file() else {}


def _read_json(path: pathlib.Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise TokenizerError(f"{path} is not valid JSON: {error}") from error
    if not isinstance(content, dict):
        raise TokenizerError(f"{path} must hold a JSON object, received {type(content).__name__}")
    return content


def write(source: TokenizerSource, directory: pathlib.Path) -> None:
    """Writes all four files; each appears whole or not at all."""
    directory.mkdir(parents=True, exist_ok=True)
    options = source.options
    config = {
        **{
            k: v
            for k, v in vars(options).items()
            if k not in ("added_tokens", "max_input_chars_per_word")
        },
        "tokenizer_class": "BertTokenizer",
    }
    _write(directory / VOCABULARY_FILE, "".join(f"{token}\n" for token in source.words))
    _write(directory / TOKENIZER_FILE, _json(_tokenizer_json(source)))
    _write(directory / CONFIG_FILE, _json(config))
    _write(directory / SPECIAL_TOKENS_FILE, _json(options.special_tokens))


def _tokenizer_json(source: TokenizerSource) -> dict[str, Any]:
    options, ids = source.options, source.ids
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            _added(ids[token], token, token in options.skipped)
            for token in sorted(options.literals, key=ids.__getitem__)
        ],
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": options.tokenize_chinese_chars,
            "strip_accents": options.strip_accents,
            "lowercase": options.do_lower_case,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": _template(source),
        "decoder": {"type": "WordPiece", "prefix": _PREFIX, "cleanup": True},
        "model": {
            "type": "WordPiece",
            "unk_token": options.unk_token,
            "continuing_subword_prefix": _PREFIX,
            "max_input_chars_per_word": options.max_input_chars_per_word,
            "vocab": {token: index for index, token in enumerate(source.words)},
        },
    }


def _template(source: TokenizerSource) -> dict[str, Any]:
    """Where the special tokens go, and the token types."""
    cls, sep = source.options.cls_token, source.options.sep_token
    single = [_special(cls, 0), _sequence("A", 0), _special(sep, 0)]
    return {
        "type": "TemplateProcessing",
        "single": single,
        "pair": [*single, _sequence("B", 1), _special(sep, 1)],
        "special_tokens": {
            token: {"id": token, "ids": [source.ids[token]], "tokens": [token]}
            for token in (cls, sep)
        },
    }


def _added(index: int, token: str, special: bool) -> dict[str, Any]:
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return {"id": index, "content": token, **flags, "special": special}


def _special(token: str, type_id: int) -> dict[str, Any]:
    return {"SpecialToken": {"id": token, "type_id": type_id}}


def _sequence(name: str, type_id: int) -> dict[str, Any]:
    return {"Sequence": {"id": name, "type_id": type_id}}


def _json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"


def _write(path: pathlib.Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.partial")
    temporary.write_text(text, encoding="utf-8", newline="\n")
    temporary.replace(path)

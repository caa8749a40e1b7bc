"""Tokens that the files of a tokenizer add to its vocabulary."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping, Sequence
from typing import Any

from keras_bert_zoo.tokenizers.options import TokenizerError

# How else than literally a token may match.
FLAGS = ("lstrip", "rstrip", "single_word", "normalized")
Entry = Mapping[str, Any]


def collect(
    words: Sequence[str], listed: Sequence[Entry], config: Mapping[str, Any], further: Entry
) -> list[Entry]:
    """Tokens that any of the files adds, each once; a token that is no word gets the next id.

    Args:
        words: the vocabulary.
        listed: ``added_tokens`` of ``tokenizer.json``.
        config: the options files.
        further: ``added_tokens.json``.
    """
    ids = {word: index for index, word in enumerate(words)}
    found = {_named(token): token for token in listed}
    for index, token in (config.get("added_tokens_decoder") or {}).items():
        found.setdefault(_named(token), {"id": int(index), **token})
    for content, index in further.items():
        # Such a token is looked for in the normalised text: the same where it is lower case.
        token = {"id": index, "content": content, "normalized": content != content.lower()}
        found.setdefault(content, token)
    following = 1 + max([len(words) - 1, *(token["id"] for token in found.values())])
    for content in _further_special(config):
        token = found.get(content) or {"id": ids.get(content, following), "content": content}
        following = max(following, 1 + token["id"])
        found[content] = {**token, "special": True}
    return list(found.values())


def _named(token: Entry) -> str:
    content = token["content"]
    if not isinstance(content, str):
        raise TokenizerError(f"an added token must be a string, received {reprlib.repr(content)}")
    return content


def _further_special(config: Mapping[str, Any]) -> list[str]:
    """Special tokens beside the five that have roles."""
    listed = [
        config.get(key) or [] for key in ("additional_special_tokens", "extra_special_tokens")
    ]
    values = [list(each.values()) if isinstance(each, dict) else each for each in listed]
    return [str(content_of(token)) for each in values for token in each]


def content_of(value: Any) -> Any:
    """Unwraps a token that is stored with its flags."""
    return value["content"] if isinstance(value, dict) and "content" in value else value


def flags_of(token: Entry) -> list[str]:
    """The flags that are set."""
    return [name for name in FLAGS if token.get(name)]


def numbered(added: Sequence[Entry], words: Sequence[str]) -> dict[str, bool]:
    """Token to whether it is special, in the order of ids.

    Raises:
        TokenizerError: ids do not follow the vocabulary's.
    """
    ordered = sorted(added, key=lambda token: token["id"])
    known = set(words)
    ids = [token["id"] for token in ordered if token["content"] not in known]
    if ids != list(range(len(words), len(words) + len(ids))):
        raise TokenizerError(
            f"the added tokens must have the ids that follow the vocabulary's {len(words)}, "
            f"received {ids[:5]}"
        )
    return {token["content"]: bool(token.get("special")) for token in ordered}


def entry(index: int, token: str, special: bool) -> dict[str, Any]:
    """One of ``added_tokens`` in ``tokenizer.json``, without flags."""
    return {"id": index, "content": token, **dict.fromkeys(FLAGS, False), "special": special}

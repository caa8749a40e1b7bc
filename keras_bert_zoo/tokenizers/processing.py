"""The ``post_processor`` of ``tokenizer.json``: special tokens, and trimmed spans."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from keras_bert_zoo.tokenizers.options import TokenizerError
from keras_bert_zoo.tokenizers.template import Template


@dataclasses.dataclass(frozen=True)
class Processing:
    """What a ``post_processor`` says.

    Args:
        template: where the special tokens go.
        ids: of the special tokens.
        trims: whether spaces are left out of spans; if so, with ``adds_space`` the one that
            was put before the text is none of them.
        adds_space: see ``trims``.
    """

    template: Template
    ids: Mapping[str, int]
    trims: bool = False
    adds_space: bool = False

    def check(self, ids: Mapping[str, int]) -> None:
        """Refuses special tokens that have other ids in the vocabulary."""
        wrong = {token: index for token, index in self.ids.items() if ids.get(token) != index}
        if wrong:
            raise TokenizerError(f"the ids {wrong} of post_processor are not the vocabulary's")


def read(content: Mapping[str, Any] | None) -> Processing:
    """Reads the entry of ``tokenizer.json``.

    Raises:
        TokenizerError: it says something else.
    """
    first, *rest = _steps(content)
    if first.get("type") == "ByteLevel" and len(rest) == 1:
        return dataclasses.replace(read(rest[0]), **_trimming(first))
    if first.get("type") not in _KINDS or rest:
        raise TokenizerError(
            f"the post_processor is {[step.get('type') for step in (first, *rest)]}, expected one "
            f"of {list(_KINDS)}, after ByteLevel or alone"
        )
    return _KINDS[first["type"]](first)


def _steps(content: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    if content is None:
        raise TokenizerError("post_processor is missing: it says where the special tokens go")
    return content["processors"] if content["type"] == "Sequence" else [content]


def _trimming(content: Mapping[str, Any]) -> dict[str, Any]:
    return {"trims": content["trim_offsets"], "adds_space": content["add_prefix_space"]}


def _roberta(content: Mapping[str, Any]) -> Processing:
    template = Template.roberta(content["cls"][0], content["sep"][0])
    return Processing(template, dict([content["cls"], content["sep"]]), **_trimming(content))


def _bert(content: Mapping[str, Any]) -> Processing:
    template = Template.bert(content["cls"][0], content["sep"][0])
    return Processing(template, dict([content["cls"], content["sep"]]))


def _template(content: Mapping[str, Any]) -> Processing:
    entries = content["special_tokens"].values()
    ids = {
        token: index
        for entry in entries
        for token, index in zip(entry["tokens"], entry["ids"], strict=True)
    }
    return Processing(Template.from_json(content), ids)


_KINDS: Mapping[str, Callable[[Mapping[str, Any]], Processing]] = {
    "RobertaProcessing": _roberta,
    "BertProcessing": _bert,
    "TemplateProcessing": _template,
}

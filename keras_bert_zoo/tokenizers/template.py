"""Where the special tokens of a row go, and which token types the parts have."""

from __future__ import annotations

import dataclasses
import reprlib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from keras_bert_zoo.tokenizers.options import TokenizerError

_SEQUENCES = ("A", "B")
# More than any row has; one entry may stand for many.
_MOST_PARTS = 64
# As many as an encoder may have.
_TYPES = 65_536


class Part(NamedTuple):
    """One part of a row.

    Attributes:
        content: a special token, or the number of a text: 0 or 1.
        type_id: token type of all of the part.
    """

    content: str | int
    type_id: int

    @property
    def is_text(self) -> bool:
        """Whether it is a text, not a special token."""
        return isinstance(self.content, int)


@dataclasses.dataclass(frozen=True)
class Template:
    """The parts of a row, in order.

    Args:
        single: of one text.
        pair: of two texts.

    Raises:
        TokenizerError: a text is missing, twice there, or before the one it should follow.
    """

    single: tuple[Part, ...]
    pair: tuple[Part, ...]

    def __post_init__(self) -> None:
        """Refuses templates that leave texts out."""
        for name, texts in (("single", [0]), ("pair", [0, 1])):
            found = [part.content for part in getattr(self, name) if part.is_text]
            if found != texts:
                raise TokenizerError(f"template: {name} must hold the texts {texts}, holds {found}")

    @classmethod
    def bert(cls, first: str, last: str) -> Template:
        """``[CLS] A [SEP]`` and ``[CLS] A [SEP] B [SEP]``, the second text of type 1."""
        single = (Part(first, 0), Part(0, 0), Part(last, 0))
        return cls(single, (*single, Part(1, 1), Part(last, 1)))

    @classmethod
    def roberta(cls, first: str, last: str) -> Template:
        """``<s> A </s>`` and ``<s> A </s></s> B </s>``, all of type 0."""
        single = (Part(first, 0), Part(0, 0), Part(last, 0))
        return cls(single, (*single, Part(last, 0), Part(1, 0), Part(last, 0)))

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Template:
        """Reads a ``TemplateProcessing`` of ``tokenizer.json``.

        Raises:
            TokenizerError: it has very many parts, or an odd token type; or see the class.
        """
        tokens = {name: entry["tokens"] for name, entry in content["special_tokens"].items()}
        return cls(*(_parts(content[name], tokens) for name in ("single", "pair")))

    def to_json(self, ids: Mapping[str, int]) -> dict[str, Any]:
        """Writes a ``TemplateProcessing``.

        Args:
            ids: of the special tokens.
        """
        return {
            "type": "TemplateProcessing",
            "single": [_entry(part) for part in self.single],
            "pair": [_entry(part) for part in self.pair],
            "special_tokens": {
                token: {"id": token, "ids": [ids[token]], "tokens": [token]}
                for token in self.special_tokens
            },
        }

    def parts(self, is_pair: bool, with_specials: bool = True) -> tuple[Part, ...]:
        """The parts of one text or of a pair, special tokens among them or not."""
        parts = self.pair if is_pair else self.single
        return tuple(part for part in parts if with_specials or part.is_text)

    @property
    def input_names(self) -> list[str]:
        """Inputs of the model, as ``tokenizer_config.json`` lists them.

        RoBERTa's models know one type of tokens, and none is handed to them.
        """
        types = {part.type_id for part in self.pair}
        return ["input_ids", *["token_type_ids"] * (len(types) > 1), "attention_mask"]

    @property
    def special_tokens(self) -> tuple[str, ...]:
        """The special tokens in it, each once."""
        parts = (*self.single, *self.pair)
        return tuple(dict.fromkeys(p.content for p in parts if isinstance(p.content, str)))


def _parts(
    entries: Iterable[Mapping[str, Any]], tokens: Mapping[str, list[str]]
) -> tuple[Part, ...]:
    parts: list[Part] = []
    for entry in entries:
        [(kind, values)] = entry.items()
        name, type_id = values["id"], values["type_id"]
        contents = [_SEQUENCES.index(name)] if kind == "Sequence" else tokens[name]
        if type(type_id) is not int or not 0 <= type_id < _TYPES:
            raise TokenizerError(
                f"template: a type_id must be an integer from 0 to {_TYPES - 1}, received "
                f"{reprlib.repr(type_id)}"
            )
        parts += [Part(content, type_id) for content in contents]
        if len(parts) > _MOST_PARTS:
            raise TokenizerError(f"template: at most {_MOST_PARTS} parts make a row")
    return tuple(parts)


def _entry(part: Part) -> dict[str, Any]:
    if isinstance(part.content, int):
        return {"Sequence": {"id": _SEQUENCES[part.content], "type_id": part.type_id}}
    return {"SpecialToken": {"id": part.content, "type_id": part.type_id}}

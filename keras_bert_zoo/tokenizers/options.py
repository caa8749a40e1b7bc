"""What a WordPiece tokenizer is, apart from its vocabulary."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

SPECIAL_TOKENS = ("unk_token", "sep_token", "pad_token", "cls_token", "mask_token")


class TokenizerError(ValueError):
    """A vocabulary, tokenizer file or argument that no tokenizer can be made of."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class TokenizerOptions:
    """The choices of one tokenizer, with the names of Hugging Face's files.

    Args:
        do_lower_case: lower the case of the text.
        strip_accents: delete combining marks; ``None`` means ``do_lower_case``.
        tokenize_chinese_chars: make every Chinese character a word.
        unk_token: token of words that the vocabulary cannot spell.
        sep_token: token after each text.
        pad_token: token that fills a batch.
        cls_token: token before the first text.
        mask_token: token of masked-language modelling.
        added_tokens: further tokens that are matched literally in the text, before it is
            normalised, as the five above are. The value says whether decoding may skip
            the token as special. Tokens that the vocabulary lacks are appended to it.
        model_max_length: the longest sequence, used where truncation or padding names none.
        max_input_chars_per_word: words of more characters become ``unk_token``.
        clean_up_tokenization_spaces: default of ``decode``.

    Raises:
        TokenizerError: a field has the wrong type.
    """

    do_lower_case: bool = True
    strip_accents: bool | None = None
    tokenize_chinese_chars: bool = True
    unk_token: str = "[UNK]"
    sep_token: str = "[SEP]"
    pad_token: str = "[PAD]"
    cls_token: str = "[CLS]"
    mask_token: str = "[MASK]"
    added_tokens: Mapping[str, bool] = dataclasses.field(default_factory=dict)
    model_max_length: int = 512
    max_input_chars_per_word: int = 100
    clean_up_tokenization_spaces: bool = False

    def __post_init__(self) -> None:
        """Refuses fields of the wrong type, all in one error."""
        checks = {
            **dict.fromkeys(SPECIAL_TOKENS, _is_text),
            **dict.fromkeys(("do_lower_case", "tokenize_chinese_chars"), _is_flag),
            "clean_up_tokenization_spaces": _is_flag,
            "strip_accents": lambda value: value is None or _is_flag(value),
            "model_max_length": _is_count,
            "max_input_chars_per_word": _is_count,
            "added_tokens": lambda tokens: (
                isinstance(tokens, Mapping)
                and all(_is_text(token) and _is_flag(flag) for token, flag in tokens.items())
            ),
        }
        wrong = {
            name: getattr(self, name)
            for name, check in checks.items()
            if not check(getattr(self, name))
        }
        if wrong:
            raise TokenizerError(
                f"Tokenizer options of the wrong type: {wrong}. Flags must be booleans, tokens "
                "non-empty strings, lengths positive integers, added_tokens a mapping from "
                "token to boolean."
            )

    @property
    def special_tokens(self) -> dict[str, str]:
        """The five special tokens by role."""
        return {name: getattr(self, name) for name in SPECIAL_TOKENS}

    @property
    def literals(self) -> tuple[str, ...]:
        """Every token that is matched literally in the text."""
        return tuple(dict.fromkeys([*self.special_tokens.values(), *self.added_tokens]))

    @property
    def skipped(self) -> frozenset[str]:
        """Tokens that ``decode(skip_special_tokens=True)`` leaves out."""
        added = (token for token, special in self.added_tokens.items() if special)
        return frozenset([*self.special_tokens.values(), *added])


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0

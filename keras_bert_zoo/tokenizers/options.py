"""What a tokenizer is, apart from its vocabulary."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

SPECIAL_TOKENS = ("unk_token", "sep_token", "pad_token", "cls_token", "mask_token")


class TokenizerError(ValueError):
    """A vocabulary, tokenizer file or argument that no tokenizer can be made of."""


def is_text(value: Any) -> bool:
    """Whether it is a string that is not empty."""
    return isinstance(value, str) and bool(value)


def is_flag(value: Any) -> bool:
    """Whether it is ``True`` or ``False``."""
    return isinstance(value, bool)


def is_count(value: Any) -> bool:
    """Whether it is a positive integer that an int32 can state."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31


def is_word_length(value: Any) -> bool:
    """Whether it is a number of characters whose bytes, up to four each, are an int32."""
    return is_count(value) and value < 2**29


def _are_added_tokens(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        is_text(token) and is_flag(flag) for token, flag in value.items()
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class TokenizerOptions:
    """The choices that every tokenizer has, with the names of Hugging Face's files.

    Args:
        unk_token: token of what the vocabulary cannot spell.
        sep_token: token after each text.
        pad_token: token that fills a batch.
        cls_token: token before the first text.
        mask_token: token of masked-language modelling.
        added_tokens: further tokens that are matched literally in the text, as the five
            above are. The value says whether decoding may skip the token as special.
            Tokens that the vocabulary lacks are appended to it.
        model_max_length: the longest sequence, used where truncation or padding names none.
        clean_up_tokenization_spaces: default of ``decode``.

    Raises:
        TokenizerError: a field has the wrong type.
    """

    # Field to what its values must be, and in words where no general rule says it.
    checks: ClassVar[Mapping[str, Callable[[Any], bool]]] = {
        **dict.fromkeys(SPECIAL_TOKENS, is_text),
        "added_tokens": _are_added_tokens,
        "model_max_length": is_count,
        "clean_up_tokenization_spaces": is_flag,
    }
    rules: ClassVar[str] = (
        "Flags must be booleans, tokens non-empty strings, lengths positive integers below "
        "2**31 (of words 2**29), added_tokens a mapping from token to boolean."
    )

    unk_token: str = "[UNK]"
    sep_token: str = "[SEP]"
    pad_token: str = "[PAD]"
    cls_token: str = "[CLS]"
    mask_token: str = "[MASK]"
    added_tokens: Mapping[str, bool] = dataclasses.field(default_factory=dict)
    model_max_length: int = 512
    clean_up_tokenization_spaces: bool = False

    def __post_init__(self) -> None:
        """Refuses fields of the wrong type, all in one error."""
        wrong = {
            name: getattr(self, name)
            for name, check in self.checks.items()
            if not check(getattr(self, name))
        }
        if wrong:
            raise TokenizerError(f"Tokenizer options of the wrong type: {wrong}. {self.rules}")

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

"""What a byte-level BPE tokenizer is made of."""

from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, ClassVar, Literal

from keras_bert_zoo.tokenizers.byte_bpe.alphabet import CHARACTERS
from keras_bert_zoo.tokenizers.options import TokenizerError, TokenizerOptions, is_flag, is_text
from keras_bert_zoo.tokenizers.source import TokenizerSource
from keras_bert_zoo.tokenizers.template import Template

FLAGS = ("lstrip", "rstrip", "normalized")
Merge = tuple[str, str]


def _are_flags(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        is_text(token) and set(flags) <= set(FLAGS) for token, flags in value.items()
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class ByteBpeOptions(TokenizerOptions):
    """The choices of a byte-level BPE tokenizer, besides those of every tokenizer.

    Args:
        add_prefix_space: put a space before a text that begins with none.
        trim_offsets: leave spaces out of the characters that a token comes from.
        normalizer: ``"NFC"`` or ``None``.
        ignore_merges: make a word that the vocabulary has one token, whatever the merges.
        token_flags: of the tokens matched literally, those that take the white space before
            them (``lstrip``) or after them (``rstrip``), or that are looked for in the
            normalised text (``normalized``): token to flags. A mask token that is not there
            takes the white space before it, as RoBERTa's.
        template: where the special tokens go; ``None`` means as RoBERTa has them.
    """

    checks: ClassVar[Mapping[str, Callable[[Any], bool]]] = {
        **TokenizerOptions.checks,
        **dict.fromkeys(("add_prefix_space", "trim_offsets", "ignore_merges"), is_flag),
        "normalizer": lambda value: value in (None, "NFC"),
        "token_flags": _are_flags,
        "template": lambda value: value is None or isinstance(value, Template),
    }
    rules: ClassVar[str] = (
        f"{TokenizerOptions.rules} normalizer must be 'NFC' or None, token_flags a mapping from "
        f"token to some of {FLAGS}, template a Template or None."
    )

    unk_token: str = "<unk>"
    sep_token: str = "</s>"
    pad_token: str = "<pad>"
    cls_token: str = "<s>"
    mask_token: str = "<mask>"
    add_prefix_space: bool = False
    trim_offsets: bool = True
    normalizer: Literal["NFC"] | None = None
    ignore_merges: bool = False
    token_flags: Mapping[str, Collection[str]] = dataclasses.field(default_factory=dict)
    template: Template | None = None

    @property
    def flags(self) -> dict[str, Collection[str]]:
        """The flags of every token that is matched literally."""
        stated = {self.mask_token: ("lstrip",), **self.token_flags}
        return {token: stated.get(token, ()) for token in self.literals}

    @property
    def parts(self) -> Template:
        """Where the special tokens go."""
        return self.template or Template.roberta(self.cls_token, self.sep_token)


class ByteBpeSource(TokenizerSource[ByteBpeOptions]):
    """A vocabulary, its merges and its options, checked against each other.

    Args:
        vocabulary: tokens in the order of their ids.
        merges: pairs of tokens that become one, the first to be merged first.
        options: see there.

    Raises:
        TokenizerError: see ``TokenizerSource``; or the vocabulary lacks a byte, or what is
            merged, or a special token of the template.
    """

    def __init__(
        self, vocabulary: Sequence[str], merges: Sequence[Merge], options: ByteBpeOptions
    ) -> None:
        super().__init__(vocabulary, options)
        self.merges = tuple(merges)
        known = set(self.words)
        _check_known("the characters of bytes", CHARACTERS, known)
        _check_known("tokens of merges", [token for pair in merges for token in pair], known)
        _check_known("results of merges", [first + second for first, second in merges], known)
        unstable = [
            token
            for token, flags in options.flags.items()
            if options.normalizer
            and "normalized" in flags
            and not unicodedata.is_normalized(options.normalizer, token)
        ]
        if unstable:
            raise TokenizerError(
                f"the tokens {unstable} are looked for in normalised text, but are not in the form "
                f"{options.normalizer}. Write them in it."
            )
        _check_known("tokens of the template", options.parts.special_tokens, set(self.vocabulary))


def _check_known(what: str, tokens: Sequence[str], known: set[str]) -> None:
    missing = [token for token in tokens if token not in known]
    if missing:
        raise TokenizerError(
            f"The vocabulary lacks {what}: {missing[:3]}, {len(missing)} in all. Check that the "
            "vocabulary and the merges belong together."
        )

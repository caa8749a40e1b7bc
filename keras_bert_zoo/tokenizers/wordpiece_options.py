"""What a WordPiece tokenizer is, apart from its vocabulary."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from keras_bert_zoo.tokenizers.options import TokenizerOptions, is_flag, is_word_length
from keras_bert_zoo.tokenizers.template import Template


@dataclasses.dataclass(frozen=True, kw_only=True)
class WordPieceOptions(TokenizerOptions):
    """The choices of a WordPiece tokenizer, besides those of every tokenizer.

    Args:
        do_lower_case: lower the case of the text.
        strip_accents: delete combining marks; ``None`` means ``do_lower_case``.
        tokenize_chinese_chars: make every Chinese character a word.
        max_input_chars_per_word: words of more characters become ``unk_token``.
        template: where the special tokens go; ``None`` means as BERT has them.
    """

    checks: ClassVar[Mapping[str, Callable[[Any], bool]]] = {
        **TokenizerOptions.checks,
        "do_lower_case": is_flag,
        "strip_accents": lambda value: value is None or is_flag(value),
        "tokenize_chinese_chars": is_flag,
        "max_input_chars_per_word": is_word_length,
        "template": lambda value: value is None or isinstance(value, Template),
    }

    do_lower_case: bool = True
    strip_accents: bool | None = None
    tokenize_chinese_chars: bool = True
    max_input_chars_per_word: int = 100
    template: Template | None = None

    @property
    def parts(self) -> Template:
        """Where the special tokens go."""
        return self.template or Template.bert(self.cls_token, self.sep_token)

    @property
    def strips_accents(self) -> bool:
        """Whether combining marks are deleted."""
        return self.do_lower_case if self.strip_accents is None else self.strip_accents

"""What a Unigram tokenizer is made of."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping
from typing import Any, ClassVar

from keras_bert_zoo.tokenizers import added_tokens
from keras_bert_zoo.tokenizers.options import TokenizerOptions, is_text
from keras_bert_zoo.tokenizers.source import TokenizerSource
from keras_bert_zoo.tokenizers.template import Template
from keras_bert_zoo.tokenizers.unigram.pipeline import Pipeline


def _are_flags(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        is_text(token) and set(flags) <= set(added_tokens.FLAGS) for token, flags in value.items()
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class UnigramOptions(TokenizerOptions):
    """The choices of a Unigram tokenizer, besides those of every tokenizer.

    Args:
        token_flags: of the tokens matched literally, the flags that are set, as
            ``tokenizer.json`` calls them.
    """

    checks: ClassVar[Mapping[str, Callable[[Any], bool]]] = {
        **TokenizerOptions.checks,
        "token_flags": _are_flags,
    }
    rules: ClassVar[str] = (
        f"{TokenizerOptions.rules} token_flags must be a mapping from token to some of "
        f"{added_tokens.FLAGS}."
    )

    token_flags: Mapping[str, Collection[str]] = dataclasses.field(default_factory=dict)


class UnigramSource(TokenizerSource[UnigramOptions]):
    """A Unigram tokenizer and its options, checked against each other.

    Args:
        content: of ``tokenizer.json``; its ``added_tokens`` do not count, those of the options do.
        template: where the special tokens go, as ``content`` says.
        options: see there.
        exact_scores: see ``Pipeline``.

    Raises:
        TokenizerError: see ``TokenizerSource`` and ``Pipeline``.
    """

    def __init__(
        self,
        content: Mapping[str, Any],
        template: Template,
        options: UnigramOptions,
        *,
        exact_scores: bool = False,
    ) -> None:
        super().__init__([piece for piece, _ in content["model"]["vocab"]], options)
        entries = [
            added_tokens.entry(self.ids[token], token, token in options.skipped)
            | dict.fromkeys(options.token_flags.get(token, ()), True)
            for token in sorted(options.literals, key=self.ids.__getitem__)
        ]
        self.content = {**content, "added_tokens": entries}
        self.template = template
        self.pipeline = Pipeline(self.content, exact_scores=exact_scores)

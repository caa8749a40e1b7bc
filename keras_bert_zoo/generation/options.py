"""How a text is written."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping
from typing import Any

from keras_bert_zoo.rules import (
    NUMBER,
    SWITCH,
    Rule,
    at_least,
    check_options,
    is_integer,
    list_of,
    or_none,
)

NEVER = "never"
# The least and the largest float32 that programs keep: what is smaller may become 0.
_FLOATS = (2.0**-126, 2.0**128 - 2.0**104)


@dataclasses.dataclass(frozen=True, kw_only=True)
class GenerationOptions:
    """Options by the names of ``transformers``; the default takes the likeliest token each time.

    Args:
        max_new_tokens: the longest text, its end included.
        min_new_tokens: the shortest, its end not included.
        num_beams: how many beginnings of the text are kept; 1 is no search.
        length_penalty: finished texts are compared by their log-probability divided by their
            length to this power (Wu et al. 2016, arXiv:1609.08144, section 7, but for the 5 that
            is added there).
        early_stopping: whether the search ends with ``num_beams`` finished texts; ``False`` goes
            on while the best beginning is better than the worst of them at its present length,
            ``"never"`` while it could become better.
        num_return_sequences: texts for each row.
        no_repeat_ngram_size: so many tokens in a row occur once (Paulus et al. 2017,
            arXiv:1705.04304, section 2.5); 0 allows all.
        suppress_tokens: ids that are never written.
        do_sample: whether tokens are drawn.
        temperature: what logits are divided by before.
        top_k: of how many of the likeliest tokens (Fan et al. 2018, arXiv:1805.04833); 0 is all.
        top_p: of the fewest likeliest tokens that together have this probability (Holtzman et
            al. 2019, arXiv:1904.09751, section 3.1).
        seed: decides what is drawn; by default another each time.

    Raises:
        ValueError: an option is out of range, or contradicts another.
    """

    max_new_tokens: int = 64
    min_new_tokens: int = 0
    num_beams: int = 1
    length_penalty: float = 1.0
    early_stopping: bool | str = False
    num_return_sequences: int = 1
    no_repeat_ngram_size: int = 0
    suppress_tokens: tuple[int, ...] = ()
    do_sample: bool = False
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    seed: int | None = None

    def __post_init__(self) -> None:
        """Refuses what cannot be done."""
        check_options(self, _RULES)
        object.__setattr__(self, "suppress_tokens", tuple(self.suppress_tokens))
        most = self.num_beams if not self.do_sample else None
        conflicts = {
            f"min_new_tokens ({self.min_new_tokens}) must be below max_new_tokens "
            f"({self.max_new_tokens})": self.min_new_tokens < self.max_new_tokens,
            f"do_sample draws one text at a time: num_beams must be 1, received {self.num_beams}": (
                not (self.do_sample and self.num_beams > 1)
            ),
            f"num_return_sequences ({self.num_return_sequences}) may be at most num_beams ({most})"
            ": raise it, or pass do_sample=True": (
                most is None or self.num_return_sequences <= most
            ),
        }
        problems = [rule for rule, kept in conflicts.items() if not kept]
        if problems:
            raise ValueError("options: " + "; ".join(problems))

    @property
    def draws(self) -> bool:
        """Whether chance has a part; of one token there is nothing to draw."""
        return self.do_sample and self.top_k != 1

    @property
    def rows(self) -> int:
        """How many rows of the model's batch there are for each text that is begun."""
        return self.num_return_sequences if self.do_sample else 1


_RULES: Mapping[str, Rule] = {
    "max_new_tokens": at_least(1),
    "min_new_tokens": at_least(0),
    "num_beams": at_least(1),
    "length_penalty": NUMBER,
    "early_stopping": Rule(
        f"true, false or {NEVER!r}", lambda x: isinstance(x, bool) or x == NEVER
    ),
    "num_return_sequences": at_least(1),
    "no_repeat_ngram_size": at_least(0),
    "suppress_tokens": list_of(Rule("a token id", lambda x: is_integer(x) and x >= 0)),
    "do_sample": SWITCH,
    "temperature": Rule(
        f"a positive number of float32, {_FLOATS[0]:.2g} to {_FLOATS[1]:.2g}",
        lambda x: NUMBER.holds(x) and _FLOATS[0] <= x <= _FLOATS[1],
    ),
    "top_k": at_least(0),
    "top_p": Rule("a number in (0, 1]", lambda x: NUMBER.holds(x) and 0 < x <= 1),
    "seed": or_none(at_least(0)),
}


def options_from(stated: Mapping[str, Any]) -> GenerationOptions:
    """Options by name.

    Raises:
        TypeError: one is unknown; the message has the near one.
        ValueError: one is out of range.
    """
    known = [field.name for field in dataclasses.fields(GenerationOptions)]
    for name in stated:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise TypeError(f"options must be of {known}, received {name!r}.{hint}")
    return GenerationOptions(**stated)

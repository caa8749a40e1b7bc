"""Which tokens may not follow."""

from __future__ import annotations

import functools
import operator
from typing import Any

from keras import ops

from keras_bert_zoo.generation.options import GenerationOptions
from keras_bert_zoo.generator_config import DecoderConfig

BANNED = -1e9


class Bans:
    """What options forbid, as numbers that are added to scores.

    Args:
        options: what is forbidden.
        config: of the decoder, whose words are ``V``.
        end: id of the token that ends a text.
    """

    def __init__(self, options: GenerationOptions, config: DecoderConfig, end: int) -> None:
        # What is as long as the longest text cannot be in it twice.
        fits = options.no_repeat_ngram_size < config.max_tokens
        self.size = options.no_repeat_ngram_size if fits else 0
        self.least = options.min_new_tokens
        self.vocab_size = config.vocab_size
        self.always = self._at(options.suppress_tokens) if options.suppress_tokens else None
        self.end = self._at((end,)) if self.least else None

    def _at(self, ids: tuple[int, ...]) -> Any:
        """``(1, V)``, with ``BANNED`` at some ids."""
        found = ops.sum(ops.one_hot(list(ids), self.vocab_size, dtype="float32"), axis=0)
        return (BANNED * ops.minimum(found, 1.0))[None]

    def __call__(self, scores: Any, history: Any, length: Any, written: Any) -> Any:
        """Scores of the next token, float32 ``(R, V)``, lower where it is forbidden; see ``of``."""
        banned = self.of(history, length, written)
        return scores if banned is None else scores + banned

    def of(self, history: Any, length: Any, written: Any) -> Any:
        """What is added to scores: ``(R, V)``, ``(1, V)``, or ``None`` where nothing is forbidden.

        Args:
            history: what the rows hold so far, int32 ``(R, L)``; -1 where nothing is yet.
            length: how many places of ``history`` are taken, an int32 scalar.
            written: how many of those were written, an int32 scalar.
        """
        parts = []
        if self.always is not None:
            parts.append(self.always)
        if self.end is not None:
            parts.append(self.end * ops.cast(written < self.least, "float32"))
        if self.size:
            parts.append(BANNED * self._repeating(history, length, "float32"))
        return functools.reduce(operator.add, parts) if parts else None

    def _repeating(self, history: Any, length: Any, dtype: Any) -> Any:
        """1 for tokens that would repeat a run of ``size`` tokens, ``(R, V)``."""
        rows, places = ops.shape(history)
        before = self.size - 1
        # So that a run of `before` tokens stands before each place, also where a text is shorter.
        padded = ops.pad(history, ((0, 0), (before, 0)), constant_values=-1)
        known = ops.arange(places, dtype="int32") < length
        # Places before the beginning hold -1, which is no word.
        same = known[None] & (history >= 0)
        for offset in range(before):
            last = ops.take(padded, length + offset, axis=1)[:, None]
            same = same & ops.equal(padded[:, offset : offset + places], last)
        row = ops.broadcast_to(ops.arange(rows, dtype="int32")[:, None], (rows, places))
        places_of = ops.stack([row, ops.maximum(history, 0)], axis=-1)
        counts = ops.scatter(
            ops.reshape(places_of, (-1, 2)),
            ops.reshape(ops.cast(same, dtype), (-1,)),
            (rows, self.vocab_size),
        )
        return ops.minimum(counts, 1.0)

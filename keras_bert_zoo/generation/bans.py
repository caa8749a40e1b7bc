"""Which tokens may not follow."""

from __future__ import annotations

from typing import Any

from keras import ops

from keras_bert_zoo.generation.options import GenerationOptions

BANNED = -1e9


class Bans:
    """What options forbid, as numbers that are added to scores.

    Args:
        options: what is forbidden.
        vocab_size: ``V``.
        end: id of the token that ends a text.
    """

    def __init__(self, options: GenerationOptions, vocab_size: int, end: int) -> None:
        self.size = options.no_repeat_ngram_size
        self.least = options.min_new_tokens
        self.vocab_size = vocab_size
        self.always = self._at(options.suppress_tokens) if options.suppress_tokens else None
        self.end = self._at((end,)) if self.least else None

    def _at(self, ids: tuple[int, ...]) -> Any:
        """``(1, V)``, with ``BANNED`` at some ids."""
        found = ops.sum(ops.one_hot(list(ids), self.vocab_size, dtype="float32"), axis=0)
        return (BANNED * ops.minimum(found, 1.0))[None]

    def __call__(self, scores: Any, history: Any, length: Any, written: Any) -> Any:
        """Scores ``(R, V)``, lower where a token is forbidden.

        Args:
            scores: of the next token.
            history: what the rows hold so far, int32 ``(R, L)``; -1 where nothing is yet.
            length: how many places of ``history`` are taken, an int32 scalar.
            written: how many of those were written, an int32 scalar.
        """
        if self.always is not None:
            scores = scores + self.always
        if self.end is not None:
            scores = scores + self.end * ops.cast(written < self.least, scores.dtype)
        if self.size:
            scores = scores + BANNED * self._repeating(history, length, scores.dtype)
        return scores

    def _repeating(self, history: Any, length: Any, dtype: Any) -> Any:
        """1 for tokens that would repeat a run of ``size`` tokens, ``(R, V)``."""
        rows, places = ops.shape(history)
        before = self.size - 1
        starts = places - before  # where a run of `before` tokens and one behind it may begin
        follows = ops.arange(starts, dtype="int32") + before
        same = ops.broadcast_to((follows < length)[None], (rows, starts))
        for offset in range(before):
            place = ops.maximum(length - before + offset, 0)
            last = ops.take(history, place, axis=1)[:, None]
            same = same & ops.equal(history[:, offset : offset + starts], last)
        following = history[:, before:]
        # Places before the beginning hold -1, which is no word.
        same = same & (following >= 0) & (length > before)
        row = ops.broadcast_to(ops.arange(rows, dtype="int32")[:, None], (rows, starts))
        places_of = ops.stack([row, ops.maximum(following, 0)], axis=-1)
        counts = ops.scatter(
            ops.reshape(places_of, (-1, 2)),
            ops.reshape(ops.cast(same, dtype), (-1,)),
            (rows, self.vocab_size),
        )
        return ops.minimum(counts, 1.0)

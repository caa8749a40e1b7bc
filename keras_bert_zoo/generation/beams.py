"""Beam search: the likeliest beginnings of a text are kept, and go on together.

The rules of ``transformers``: of ``2 K`` continuations the ``K`` best that do not end go on, and
those among the ``K`` best that end are finished texts, of which the ``K`` best are kept.

The beams of a text are ``K`` tokens side by side in one row of the decoder. Keys and values of all
that were ever written stay where they are, and a beam sees those that it goes on from: nothing of
what is kept moves when beams are exchanged, and what an encoder has read is there once.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from keras import ops

from keras_bert_zoo.generation.bans import BANNED, Bans
from keras_bert_zoo.generation.choosing import loop
from keras_bert_zoo.generation.highest import highest
from keras_bert_zoo.generation.options import NEVER, GenerationOptions
from keras_bert_zoo.models.decoder import Memory, Written
from keras_bert_zoo.models.writer import Writer


class _Search(NamedTuple):
    count: Any  # tokens written in each beam, an int32 scalar
    history: Any  # of what goes on, int32 (B, K, L)
    seen: Any  # which of the decoder's places each goes on from, bool (B, K, C)
    scores: Any  # sums of log-probabilities, float32 (B, K)
    finished: Any  # of what has ended, int32 (B, K, L)
    quality: Any  # its scores by the length, float32 (B, K)
    ended: Any  # which of it exist, bool (B, K)
    open: Any  # whether a text may still get better, bool (B, 1)
    written: Written


def search(
    model: Writer,
    scores: Any,
    written: Written,
    memory: Memory,
    history: Any,
    ends: tuple[int, int],
    options: GenerationOptions,
) -> Any:
    """Finds the likeliest texts.

    Args:
        model: what scores tokens.
        scores: of the first, ``(B, V)``.
        written: what the model knows of the beginning, with room for ``K`` texts.
        memory: what it knows of an encoder.
        history: what rows begin with, int32 ``(B, P)``, at the end of their ``P`` places.
        ends: id that ends a text, and the one that follows it.
        options: how.

    Returns:
        int32 ``(B, K, T)``, the best of each text first.
    """
    end, padding = ends
    beams, limit = options.num_beams, options.max_new_tokens
    rows, begun = ops.shape(history)
    words = model.decoder.config.vocab_size
    bans = Bans(options, model.decoder.config, end)

    def next_beams(found: _Search, scores: Any) -> _Search:
        length = begun + found.count
        flat = ops.reshape(found.history, (rows * beams, begun + limit))
        chances = ops.log_softmax(ops.cast(scores, "float32"), axis=-1)
        chances = bans(ops.reshape(chances, (rows * beams, words)), flat, length, found.count)
        chances = ops.reshape(chances, (rows, beams, words)) + found.scores[..., None]
        best, places = highest(ops.reshape(chances, (rows, beams * words)), 2 * beams)
        parents, tokens = places // words, places % words
        histories = ops.take_along_axis(found.history, parents[..., None], axis=1)
        histories = ops.slice_update(histories, (0, 0, length), tokens[..., None])
        count = found.count + 1
        ending = ops.equal(tokens, end) | (count >= limit)
        gone_on = _best((best + BANNED * ops.cast(ending, "float32")), beams, histories, parents)
        state = found._replace(
            count=count,
            history=gone_on[1],
            seen=ops.take_along_axis(found.seen, gone_on[2][..., None], axis=1),
            scores=gone_on[0],
            **_finish(found, histories, best, ending, count, options),
        )
        return state._replace(open=_open(state, options))

    def goes_on(found: _Search) -> Any:
        full = ops.all(found.ended) if options.early_stopping is True else False
        return (found.count < limit) & ops.any(found.open) & ops.logical_not(full)

    def step(found: _Search) -> _Search:
        tokens = ops.take(found.history, begun + found.count - 1, axis=2)
        seen = ops.slice_update(found.seen, (0, 0, found.written.place), itself)
        scores, written = model.branch(tokens, found.written, memory, seen)
        return next_beams(found._replace(seen=seen, written=written), scores)

    each = (rows, beams)
    itself = ops.broadcast_to(ops.eye(beams, dtype="bool")[None], (*each, beams))
    room = ops.full((rows, limit), padding, dtype="int32")
    whole = ops.repeat(ops.concatenate([history, room], axis=1)[:, None], beams, axis=1)
    # Beams are the same at first: all but one start far behind.
    behind = ops.concatenate([ops.zeros((1, 1)), ops.full((1, beams - 1), BANNED)], axis=1)
    start = _Search(
        count=ops.zeros((), "int32"),
        history=whole,
        seen=ops.repeat(written.seen[:, None] > 0, beams, axis=1),
        scores=ops.broadcast_to(behind, each),
        finished=whole,
        quality=ops.full(each, BANNED),
        ended=ops.zeros(each, "bool"),
        open=ops.ones((rows, 1), "bool"),
        written=written,
    )
    found = loop(goes_on, step, next_beams(start, ops.repeat(scores[:, None], beams, axis=1)))
    return found.finished[:, :, begun:]


def _best(scores: Any, count: int, *values: Any) -> tuple[Any, ...]:
    """The highest scores ``(B, K)`` of ``(B, …)``, and what values have at their places."""
    highest, places = ops.top_k(scores, count)
    places = ops.cast(places, "int32")
    chosen = []
    for value in values:
        index = places[..., None] if len(value.shape) == 3 else places
        chosen.append(ops.take_along_axis(value, index, axis=1))
    return highest, *chosen


def _finish(
    found: _Search, histories: Any, best: Any, ending: Any, count: Any, options: GenerationOptions
) -> dict[str, Any]:
    beams = options.num_beams
    first = ops.arange(2 * beams) < beams
    ends = ending & first[None]
    quality = best / _power(count, options.length_penalty)
    shut = ops.logical_not(found.open)
    if options.early_stopping is True:
        shut = shut | ops.all(found.ended, axis=1, keepdims=True)
    barred = ops.cast(shut, "float32") + ops.cast(ops.logical_not(ends), "float32")
    merged = ops.concatenate([found.quality, quality + BANNED * barred], axis=1)
    quality, finished, ended = _best(
        merged,
        beams,
        ops.concatenate([found.finished, histories], axis=1),
        ops.cast(ops.concatenate([found.ended, ends], axis=1), "int32"),
    )
    return {"quality": quality, "finished": finished, "ended": ended > 0}


def _open(found: _Search, options: GenerationOptions) -> Any:
    longest = options.early_stopping == NEVER and options.length_penalty > 0
    length = options.max_new_tokens if longest else found.count
    hoped = found.scores[:, :1] / _power(length, options.length_penalty)
    worst = ops.min(found.quality, axis=1, keepdims=True)
    worst = ops.where(found.ended, worst, BANNED)
    return found.open & ops.any(hoped > worst, axis=1, keepdims=True)


def _power(length: Any, penalty: float) -> Any:
    return ops.power(ops.cast(length, "float32"), penalty)

"""One token at a time: the likeliest, or one that is drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
from keras import ops

from keras_bert_zoo.generation.bans import Bans
from keras_bert_zoo.generation.highest import highest
from keras_bert_zoo.generation.options import GenerationOptions
from keras_bert_zoo.models.decoder import Memory, Written
from keras_bert_zoo.models.writer import Writer

# From scores (R, V) and uniform numbers (R,) to tokens (R,).
Choice = Callable[[Any, Any], Any]


class _Texts(NamedTuple):
    count: Any  # tokens written in each row, an int32 scalar
    history: Any  # int32 (R, L)
    token: Any  # the last ones, int32 (R,)
    ended: Any  # bool (R,)
    written: Written


def write(
    model: Writer,
    scores: Any,
    written: Written,
    memory: Memory,
    history: Any,
    ends: tuple[int, int],
    options: GenerationOptions,
    chances: Any,
    screen: Any = None,
) -> Any:
    """Writes a text in each row.

    Args:
        model: what scores tokens.
        scores: of the first, ``(R, V)``.
        written: what the model knows of the beginning.
        memory: what it knows of an encoder.
        history: what rows begin with, int32 ``(R, P)``, at the end of their ``P`` places, -1
            before.
        ends: id that ends a text, and the one that follows it.
        options: how.
        chances: uniform numbers for what is drawn, float32 ``(T, R)``.
        screen: a ``Screen`` of the model's words, where it is to find the likeliest.

    Returns:
        int32 ``(R, T)``.
    """
    end, padding = ends
    rows, begun = ops.shape(history)
    limit = options.max_new_tokens
    bans = Bans(options, model.decoder.config, end)
    choose = drawn(options) if options.draws else likeliest
    room = ops.full((rows, limit), padding, dtype="int32")

    def chosen(texts: _Texts, scores: Any) -> Any:
        length = begun + texts.count
        scores = bans(ops.cast(scores, "float32"), texts.history, length, texts.count)
        return choose(scores, ops.take(chances, texts.count, axis=0))

    def added(texts: _Texts, token: Any) -> _Texts:
        length = begun + texts.count
        token = ops.where(texts.ended, padding, ops.cast(token, "int32"))
        history = ops.slice_update(texts.history, (0, length), token[:, None])
        return texts._replace(
            count=texts.count + 1,
            history=history,
            token=token,
            ended=texts.ended | ops.equal(token, end),
        )

    def goes_on(texts: _Texts) -> Any:
        return (texts.count < limit) & ops.logical_not(ops.all(texts.ended))

    def step(texts: _Texts) -> _Texts:
        scores, written = model.go_on(texts.token, texts.written, memory)
        texts = texts._replace(written=written)
        return added(texts, chosen(texts, scores))

    def screened_step(texts: _Texts) -> _Texts:
        states, written = model.reach(texts.token, texts.written, memory)
        texts = texts._replace(written=written)
        banned = bans.of(texts.history, begun + texts.count, texts.count)
        return added(texts, screen.likeliest(states, banned))

    first = _Texts(
        count=ops.zeros((), "int32"),
        history=ops.concatenate([history, room], axis=1),
        token=ops.zeros((rows,), "int32"),
        ended=ops.zeros((rows,), "bool"),
        written=written,
    )
    first = added(first, chosen(first, scores))
    texts = loop(goes_on, step if screen is None else screened_step, first)
    return texts.history[:, begun:]


def loop(condition: Callable[[Any], Any], body: Callable[[Any], Any], state: Any) -> Any:
    """``ops.while_loop`` over one nested state."""
    flat = keras.tree.flatten(state)

    def packed(values: tuple[Any, ...]) -> Any:
        return keras.tree.pack_sequence_as(state, values)

    found = ops.while_loop(
        lambda *values: condition(packed(values)),
        lambda *values: tuple(keras.tree.flatten(body(packed(values)))),
        tuple(flat),
    )
    return packed(found)


def likeliest(scores: Any, chance: Any) -> Any:
    """The token with the highest score; of equal ones the first."""
    return highest(scores, 1)[1][:, 0]


def drawn(options: GenerationOptions) -> Choice:
    """Draws by the scores of the tokens that ``top_k`` and ``top_p`` leave."""

    def choose(scores: Any, chance: Any) -> Any:
        count = min(options.top_k or scores.shape[-1], scores.shape[-1])
        # Sorted, the tokens that are left are the first ones, and one uniform number chooses.
        best, tokens = highest(scores, count)
        # Below the best one, what a low temperature makes too large for a float has no share.
        shares = ops.softmax((best - best[:, :1]) / options.temperature, axis=-1)
        before = ops.cumsum(shares, axis=-1) - shares
        left = shares * ops.cast(before < options.top_p, shares.dtype)
        sums = ops.cumsum(left, axis=-1)
        goal = chance[:, None] * sums[:, -1:]
        place = ops.sum(ops.cast(sums <= goal, "int32"), axis=-1)
        place = ops.minimum(place, ops.sum(ops.cast(left > 0, "int32"), axis=-1) - 1)
        return ops.take_along_axis(tokens, place[:, None], axis=1)[:, 0]

    return choose

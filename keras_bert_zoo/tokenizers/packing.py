"""Pieces to model inputs: special tokens, truncation, overflow.

TensorFlow-only, core ops only. Follows Hugging Face's ``tokenizers`` in every length and
order. One plan serves all cases: each row of the result is a list of segments of a pool
that holds the special tokens and the pieces of both texts.
"""

from __future__ import annotations

import dataclasses
import numbers
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import tensorflow as tf

from keras_bert_zoo.tokenizers.options import TokenizerError
from keras_bert_zoo.tokenizers.segmentation import Pieces
from keras_bert_zoo.tokenizers.template import Part, Template
from keras_bert_zoo.tokenizers.truncation import WIDTHS, windows

PADDINGS = {False: None, "do_not_pad": None, True: "longest"} | {
    name: name for name in ("longest", "max_length")
}
TRUNCATIONS = {False: None, "do_not_truncate": None, True: "longest_first"} | {
    name: name for name in ("longest_first", "only_first", "only_second")
}
# Start and length of a run of the pool, for each row.
Segment = tuple[tf.Tensor, tf.Tensor]


@dataclasses.dataclass(frozen=True, kw_only=True)
class PackingOptions:
    """How sequences are put together; the arguments of ``Tokenizer.__call__``."""

    template: Template
    is_pair: bool
    max_length: int
    add_special_tokens: bool = True
    padding: bool | str = False
    truncation: bool | str = False
    stride: int = 0
    pad_to_multiple_of: int | None = None
    return_overflowing_tokens: bool = False

    def __post_init__(self) -> None:
        """Refuses values that name nothing or contradict each other."""
        for name, valid in (("padding", PADDINGS), ("truncation", TRUNCATIONS)):
            if getattr(self, name) not in valid:
                raise TokenizerError(
                    f"{name} must be one of {list(valid)}, received {getattr(self, name)!r}"
                )
        _check_count("max_length", self.max_length, least=1)
        _check_count("stride", self.stride, least=0)
        if self.pad_to_multiple_of is not None:
            _check_count("pad_to_multiple_of", self.pad_to_multiple_of, least=1)
        if self.strategy is not None:
            self._check_truncation()

    def _check_truncation(self) -> None:
        if self.strategy == "only_second" and not self.is_pair:
            raise TokenizerError("truncation='only_second' needs text_pair, received none")
        if self.budget < 0:
            raise TokenizerError(
                f"max_length must be at least {self.special_count}, the number of special "
                f"tokens, received {self.max_length}"
            )
        if self.return_overflowing_tokens and self.stride >= self.budget:
            raise TokenizerError(
                f"stride must be smaller than max_length without the special tokens "
                f"({self.max_length} - {self.special_count}), received {self.stride}"
            )
        if (
            self.padding_to
            and self.pad_to_multiple_of
            and self.max_length % self.pad_to_multiple_of
        ):
            raise TokenizerError(
                f"max_length ({self.max_length}) must be a multiple of pad_to_multiple_of "
                f"({self.pad_to_multiple_of}) when both truncation and padding are asked for"
            )

    @property
    def padding_to(self) -> str | None:
        """``"longest"``, ``"max_length"`` or ``None``."""
        return PADDINGS[self.padding]

    @property
    def strategy(self) -> str | None:
        """Name of the truncation strategy, or ``None``."""
        return TRUNCATIONS[self.truncation]

    @property
    def parts(self) -> tuple[Part, ...]:
        """What a row is made of."""
        return self.template.parts(self.is_pair, self.add_special_tokens)

    @property
    def special_count(self) -> int:
        """Special tokens of a row."""
        return sum(not part.is_text for part in self.parts)

    @property
    def budget(self) -> int:
        """Pieces of text that fit a truncated row."""
        return self.max_length - self.special_count


class Packed(NamedTuple):
    """Rows of model inputs, ragged ``(R, None)`` int32.

    Attributes:
        input_ids: token ids.
        token_type_ids: as the template says.
        special_tokens_mask: 1 for special tokens that were added.
        sequence_ids: 0 for tokens of the first text, 1 of the second, -1 for special ones.
        offset_mapping: ``(R, None, 2)`` or ``None``.
        sample: ``(R,)`` int32, the text that each row comes from.
    """

    input_ids: tf.RaggedTensor
    token_type_ids: tf.RaggedTensor
    special_tokens_mask: tf.RaggedTensor
    sequence_ids: tf.RaggedTensor
    offset_mapping: tf.RaggedTensor | None
    sample: tf.Tensor


def pack(pieces: list[Pieces], options: PackingOptions, ids: Mapping[str, int]) -> Packed:
    """Puts the pieces of one text, or of a pair, together.

    Args:
        pieces: of each text.
        options: how.
        ids: of the special tokens.

    Raises:
        tf.errors.InvalidArgumentError: a sequence is too short for the truncation asked
            for, or shorter than the stride.
    """
    lengths = [piece.ids.row_lengths() for piece in pieces]
    widths = WIDTHS[options.strategy](lengths, tf.constant(options.budget, tf.int64))
    if options.return_overflowing_tokens:
        sample, numbers = windows(lengths, widths, options.stride)
    else:
        sample = tf.range(tf.size(lengths[0], tf.int64))
        numbers = [tf.zeros_like(sample) for _ in pieces]

    texts = []
    first = tf.constant(options.special_count, tf.int64)
    for kind, piece in enumerate(pieces):
        window = numbers[kind] * tf.gather(widths[kind] - options.stride, sample)
        left = tf.gather(lengths[kind], sample) - window
        start = first + tf.gather(piece.ids.row_starts(), sample) + window
        texts.append((start, tf.minimum(tf.gather(widths[kind], sample), left)))
        first += tf.size(piece.ids.flat_values, tf.int64)
    return _gathered(pieces, options.parts, _segments(options.parts, texts), sample, ids)


def _segments(parts: tuple[Part, ...], texts: list[Segment]) -> list[Segment]:
    """Where the parts of each row lie in the pool: each special token has a place of its own."""
    one = tf.ones_like(texts[0][1])
    segments, place = [], 0
    for part in parts:
        if isinstance(part.content, int):
            segments.append(texts[part.content])
        else:
            segments.append((place * one, one))
            place += 1
    return segments


def _gathered(
    pieces: list[Pieces],
    parts: tuple[Part, ...],
    segments: list[Segment],
    sample: tf.Tensor,
    ids: Mapping[str, int],
) -> Packed:
    """Reads the segments of every row out of the pool.

    The pool is the special tokens, the first texts, the second texts: the place of a token in
    it tells its type and whether it is special.
    """
    starts = tf.reshape(tf.stack([start for start, _ in segments], axis=1), [-1])
    lengths = tf.stack([length for _, length in segments], axis=1)
    places = tf.ragged.range(starts, starts + tf.reshape(lengths, [-1]))
    row_lengths = tf.reduce_sum(lengths, axis=1)
    specials = [part for part in parts if not part.is_text]
    types = [part.type_id for part in parts if part.is_text]
    tokens = [piece.ids.flat_values for piece in pieces]

    def rows(values: tf.Tensor) -> tf.RaggedTensor:
        return tf.RaggedTensor.from_row_lengths(values, row_lengths, validate=False)

    def read(of_specials: list[int], of_texts: list[tf.Tensor]) -> tf.RaggedTensor:
        pool = tf.concat([tf.constant(of_specials, tf.int32), *of_texts], axis=0)
        return rows(tf.gather(pool, places.flat_values))

    def filled(numbers: Iterable[int]) -> list[tf.Tensor]:
        return [
            tf.fill(tf.shape(each), number) for each, number in zip(tokens, numbers, strict=True)
        ]

    return Packed(
        input_ids=read([ids[str(part.content)] for part in specials], tokens),
        token_type_ids=read([part.type_id for part in specials], filled(types)),
        sequence_ids=read([-1] * len(specials), filled(range(len(tokens)))),
        special_tokens_mask=rows(tf.cast(places.flat_values < len(specials), tf.int32)),
        offset_mapping=None if pieces[0].spans is None else rows(_spans(pieces, specials, places)),
        sample=tf.cast(sample, tf.int32),
    )


def _spans(pieces: list[Pieces], specials: list[Part], places: tf.RaggedTensor) -> tf.Tensor:
    """Reads the spans of tokens; those of special tokens are empty."""
    nowhere = tf.zeros([len(specials), 2], tf.int32)

    def read(spans: list[tf.RaggedTensor]) -> tf.Tensor:
        pool = tf.concat([nowhere, *(each.flat_values for each in spans)], axis=0)
        return tf.gather(pool, places.flat_values)

    spans = read([piece.spans for piece in pieces])
    if pieces[0].head_spans is None:
        return spans
    first = tf.gather(places.flat_values, tf.gather(places.row_starts(), places.value_rowids()))
    heads = read([piece.head_spans for piece in pieces])
    return tf.where((places.flat_values == first)[:, None], heads, spans)


def _check_count(name: str, value: int, *, least: int) -> None:
    # NumPy's integers count, True does not.
    if not isinstance(value, numbers.Integral) or isinstance(value, bool) or value < least:
        raise TokenizerError(f"{name} must be an integer of at least {least}, received {value!r}")

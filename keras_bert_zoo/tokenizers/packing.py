"""Word pieces to model inputs: special tokens, truncation, overflow, padding.

TensorFlow-only, core ops only. Follows Hugging Face's ``tokenizers`` in every length and
order. One plan serves all cases: each row of the result is a list of segments of a pool
that holds the pieces of both texts and the special tokens.
"""

from __future__ import annotations

import dataclasses
import functools
import numbers
from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from keras_bert_zoo.tokenizers.options import TokenizerError
from keras_bert_zoo.tokenizers.segmentation import Pieces

PADDINGS = {False: None, "do_not_pad": None, True: "longest"} | {
    name: name for name in ("longest", "max_length")
}
TRUNCATIONS = {False: None, "do_not_truncate": None, True: "longest_first"} | {
    name: name for name in ("longest_first", "only_first", "only_second")
}
# Start and length of a run of the pool, for each row.
Segment = tuple[tf.Tensor, tf.Tensor]
_FIRST_TEXT = 2


@dataclasses.dataclass(frozen=True, kw_only=True)
class PackingOptions:
    """How sequences are put together; the arguments of ``WordPieceTokenizer.__call__``."""

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
    def special_count(self) -> int:
        """Special tokens of a row."""
        return (3 if self.is_pair else 2) if self.add_special_tokens else 0

    @property
    def budget(self) -> int:
        """Pieces of text that fit a truncated row."""
        return self.max_length - self.special_count


class Packed(NamedTuple):
    """Rows of model inputs, ragged ``(R, None)`` int32.

    Attributes:
        input_ids: token ids.
        token_type_ids: 1 for the second text and its separator.
        special_tokens_mask: 1 for special tokens that were added.
        offset_mapping: ``(R, None, 2)`` or ``None``.
        sample: ``(R,)`` int32, the text that each row comes from.
    """

    input_ids: tf.RaggedTensor
    token_type_ids: tf.RaggedTensor
    special_tokens_mask: tf.RaggedTensor
    offset_mapping: tf.RaggedTensor | None
    sample: tf.Tensor


def pack(pieces: list[Pieces], options: PackingOptions, cls_id: int, sep_id: int) -> Packed:
    """Puts the pieces of one text, or of a pair, together.

    Raises:
        tf.errors.InvalidArgumentError: a sequence is too short for the truncation asked
            for, or shorter than the stride.
    """
    lengths = [piece.ids.row_lengths() for piece in pieces]
    widths = _WIDTHS[options.strategy](lengths, tf.constant(options.budget, tf.int64))
    if options.return_overflowing_tokens:
        sample, numbers = _windows(lengths, widths, options.stride)
    else:
        sample = tf.range(tf.size(lengths[0], tf.int64))
        numbers = [tf.zeros_like(sample) for _ in pieces]

    segments = []
    first_of_text = _FIRST_TEXT
    for kind, piece in enumerate(pieces):
        window = numbers[kind] * tf.gather(widths[kind] - options.stride, sample)
        left = tf.gather(lengths[kind], sample) - window
        start = first_of_text + tf.gather(piece.ids.row_starts(), sample) + window
        segments.append((start, tf.minimum(tf.gather(widths[kind], sample), left)))
        first_of_text += tf.size(piece.ids.flat_values, tf.int64)
    if options.add_special_tokens:
        segments = _with_specials(segments, first_of_text)
    specials = tf.constant([cls_id, sep_id, sep_id], tf.int32)
    return _gathered(pieces, specials, segments, sample)


def _with_specials(segments: list[Segment], last: tf.Tensor) -> list[Segment]:
    """``[CLS] A [SEP]`` or ``[CLS] A [SEP] B [SEP]``."""
    first, *second = segments
    one = tf.ones_like(first[1])
    row = [(0 * one, one), first, (one, one)]
    return [*row, second[0], (last * one, one)] if second else row


def _gathered(
    pieces: list[Pieces], specials: tf.Tensor, segments: list[Segment], sample: tf.Tensor
) -> Packed:
    """Reads the segments of every row out of the pool.

    The pool is ``[CLS] [SEP]``, the first texts, the second texts, ``[SEP]``: in this order
    the place of a token in the pool tells its type and whether it is special.
    """
    starts = tf.stack([start for start, _ in segments], axis=1)
    lengths = tf.stack([length for _, length in segments], axis=1)
    flat_starts = tf.reshape(starts, [-1])
    at = tf.ragged.range(flat_starts, flat_starts + tf.reshape(lengths, [-1])).flat_values
    row_lengths = tf.reduce_sum(lengths, axis=1)

    def rows(values: tf.Tensor) -> tf.RaggedTensor:
        return tf.RaggedTensor.from_row_lengths(values, row_lengths, validate=False)

    def pool(texts: list[tf.Tensor], others: tf.Tensor) -> tf.Tensor:
        return tf.concat([others[:_FIRST_TEXT], *texts, others[_FIRST_TEXT:]], axis=0)

    second = _FIRST_TEXT + tf.size(pieces[0].ids.flat_values, tf.int64)
    last = _FIRST_TEXT + tf.add_n([tf.size(p.ids.flat_values, tf.int64) for p in pieces])
    spans = [piece.spans.flat_values for piece in pieces if piece.spans is not None]
    nowhere = tf.zeros([_FIRST_TEXT + 1, 2], tf.int32)
    return Packed(
        input_ids=rows(tf.gather(pool([p.ids.flat_values for p in pieces], specials), at)),
        token_type_ids=rows(tf.cast(at >= second, tf.int32)),
        special_tokens_mask=rows(tf.cast((at < _FIRST_TEXT) | (at >= last), tf.int32)),
        offset_mapping=rows(tf.gather(pool(spans, nowhere), at)) if spans else None,
        sample=tf.cast(sample, tf.int32),
    )


def _windows(
    lengths: list[tf.Tensor], widths: list[tf.Tensor], stride: int
) -> tuple[tf.Tensor, list[tf.Tensor]]:
    """Numbers the windows of each sample: every combination of those of its texts.

    Of a pair, the reference lists the first window of both; then each further window of
    the first text with all of the second; then the further ones of the second text.

    Returns:
        For each row its sample, and the window of each text.
    """
    counts = [_window_count(*sizes, stride) for sizes in zip(lengths, widths, strict=True)]
    others = counts[1] if len(counts) > 1 else tf.ones_like(counts[0])
    rows = tf.ragged.range(counts[0] * others)
    sample, row = rows.value_rowids(), rows.flat_values
    firsts, seconds = tf.gather(counts[0], sample), tf.gather(others, sample)
    tail = row - (firsts - 1) * seconds
    first = tf.zeros_like(row)
    one = tf.where(row > 0, 1 + (row - 1) // seconds, first)
    other = tf.where(row > 0, (row - 1) % seconds, first)
    numbers = [tf.where(tail > 0, first, one), tf.where(tail > 0, tail, other)]
    return sample, numbers[: len(counts)]


def _window_count(length: tf.Tensor, width: tf.Tensor, stride: int) -> tf.Tensor:
    cut = length > width
    tf.debugging.assert_equal(
        tf.reduce_any(cut & (width <= stride)),
        False,
        "stride must be smaller than what truncation leaves of each text; "
        "ask for a smaller stride or a larger max_length",
    )
    step = tf.maximum(width - stride, 1)
    return tf.where(cut, 1 - (width - length) // step, tf.ones_like(width))


def _keep_all(lengths: list[tf.Tensor], budget: tf.Tensor) -> list[tf.Tensor]:
    del budget
    return lengths


def _longest_first(lengths: list[tf.Tensor], budget: tf.Tensor) -> list[tf.Tensor]:
    """Cuts the longer text down to the shorter one, then both to the same length."""
    if len(lengths) == 1:
        return [tf.minimum(lengths[0], budget)]
    shorter, longer = tf.minimum(*lengths), tf.maximum(*lengths)
    longer = tf.where(shorter > budget, shorter, tf.maximum(shorter, budget - shorter))
    both = shorter + longer > budget
    shorter = tf.where(both, budget // 2, shorter)
    longer = tf.where(both, budget - budget // 2, longer)
    first = tf.where(lengths[0] > lengths[1], longer, shorter)
    second = tf.where(lengths[0] > lengths[1], shorter, longer)
    fits = lengths[0] + lengths[1] <= budget
    return [tf.where(fits, lengths[0], first), tf.where(fits, lengths[1], second)]


def _only(which: int, lengths: list[tf.Tensor], budget: tf.Tensor) -> list[tf.Tensor]:
    """Takes all that is too much from one text."""
    excess = tf.maximum(tf.add_n(lengths) - budget, 0)
    tf.debugging.assert_equal(
        tf.reduce_any((excess > 0) & (lengths[which] <= excess)),
        False,
        f"truncation='only_{('first', 'second')[which]}': that text is too short to respect "
        "max_length; use truncation='longest_first' or a larger max_length",
    )
    return [length - excess if i == which else length for i, length in enumerate(lengths)]


_WIDTHS: dict[str | None, Callable[[list[tf.Tensor], tf.Tensor], list[tf.Tensor]]] = {
    None: _keep_all,
    "longest_first": _longest_first,
    "only_first": functools.partial(_only, 0),
    "only_second": functools.partial(_only, 1),
}


def _check_count(name: str, value: int, *, least: int) -> None:
    # NumPy's integers count, True does not.
    if not isinstance(value, numbers.Integral) or isinstance(value, bool) or value < least:
        raise TokenizerError(f"{name} must be an integer of at least {least}, received {value!r}")

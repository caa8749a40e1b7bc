"""The sentences of running text, found inside the graph. TensorFlow only.

RE2 looks neither ahead nor behind, as the patterns of ``corpus.sentences`` do: here marks are set
first, and those that stand wrong are taken away again.
"""

from __future__ import annotations

import tensorflow as tf

from keras_bert_zoo.corpus.sentences import (
    ABBREVIATIONS,
    CHINESE,
    CLOSING,
    LATIN_CLOSING,
    LATIN_ENDS,
    OPENING,
    SENTENCE,
    SMALL,
    WIDE_ENDS,
    members,
)

from .answering import cut

# RE2 knows those of ASCII alone.
SPACE, ALPHANUMERIC = members(str.isspace), members(str.isalnum)
_IN_LINE = members(lambda character: character.isspace() and character != "\n")
_SHORT = "|".join(["[A-Za-z]", *ABBREVIATIONS])
# Patterns and what takes their place, one after the other.
_MARKING = (
    (SENTENCE, " "),
    # Latin ends; but not abbreviations, and not where a small letter goes on.
    (rf"([{LATIN_ENDS}]+[{LATIN_CLOSING}]*)([{SPACE}])", rf"\1{SENTENCE}\2"),
    (rf"((?:^|[^{ALPHANUMERIC}_])(?:{_SHORT})\.[{LATIN_CLOSING}]*){SENTENCE}", r"\1"),
    (rf"{SENTENCE}([{SPACE}]+[{OPENING}]*[{SMALL}])", r"\1"),
    # Blank lines.
    (rf"(\n[{_IN_LINE}]*\n)", rf"\1{SENTENCE}"),
    # Wide ends, and dots where Chinese goes on.
    (rf"(…+[{CLOSING}]*)([{CHINESE}])", rf"\1{SENTENCE}\2"),
    (rf"([{WIDE_ENDS}]+(?:[{SPACE}]*[{CLOSING}])*)", rf"\1{SENTENCE}"),
)


def sentences_of(text: tf.Tensor) -> dict[str, tf.RaggedTensor]:
    """Splits texts as ``data.summaries.sentence_spans`` does.

    Args:
        text: ``(B,)`` strings; invalid UTF-8 counts as U+FFFD.

    Returns:
        ``texts``, strings ``(B, None)``, and ``starts`` and ``ends``, int32: characters of the
        text.
    """
    valid = tf.strings.unicode_transcode(text, "UTF-8", "UTF-8", errors="replace")
    marked = valid
    for pattern, replacement in _MARKING:
        marked = tf.strings.regex_replace(marked, pattern, replacement)
    pieces = tf.strings.split(marked, SENTENCE)
    flat, owner = pieces.flat_values, pieces.value_rowids()
    lengths = _length(flat)
    # Of all texts in one line, then of each.
    begins = tf.cumsum(lengths, exclusive=True)
    begins -= tf.gather(begins, tf.gather(pieces.row_starts(), owner))
    tails = tf.strings.regex_replace(flat, f"^[{SPACE}]+", "")
    starts = begins + lengths - _length(tails)
    ends = starts + _length(tf.strings.regex_replace(tails, f"[{SPACE}]+$", ""))
    kept = starts < ends
    owner, starts, ends = (tf.boolean_mask(each, kept) for each in (owner, starts, ends))
    found = {"texts": cut(tf.gather(valid, owner), starts, ends), "starts": starts, "ends": ends}
    count = tf.size(text, owner.dtype)
    return {
        name: tf.RaggedTensor.from_value_rowids(values, owner, count)
        for name, values in found.items()
    }


def without_blank(texts: tf.Tensor) -> tf.Tensor:
    """Strings of any shape, those of white space alone as empty ones."""
    return tf.strings.regex_replace(texts, f"^[{SPACE}]+$", "")


def _length(texts: tf.Tensor) -> tf.Tensor:
    return tf.strings.length(texts, "UTF8_CHAR")

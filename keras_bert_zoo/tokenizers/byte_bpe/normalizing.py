"""Unicode's form NFC, with where each byte comes from. TensorFlow-only.

tensorflow-text's operator, of which ``docs/tokenizer.md`` says where it differs.
"""

from __future__ import annotations

import tensorflow as tf
import tensorflow_text as tf_text

from keras_bert_zoo.tokenizers.byte_bpe.words import is_literal
from keras_bert_zoo.tokenizers.segmentation import int64

_FORM = "NFC"


def nfc(pieces: tf.Tensor, origin: tf.Tensor | None) -> tuple[tf.Tensor, tf.Tensor | None]:
    """Normalises pieces of text, not the literal tokens.

    Args:
        pieces: ``(P,)`` strings.
        origin: of each of their bytes, laid end to end without marks, where it comes from;
            or ``None`` where nobody asks.

    Returns:
        Both for the normalised pieces.
    """
    literal = is_literal(pieces)
    texts = tf.where(literal, b"", pieces)
    if origin is None:
        return tf.where(literal, pieces, tf_text.normalize_utf8(texts, _FORM)), None
    normalized, offsets = tf_text.normalize_utf8_with_offsets_map(texts, _FORM)
    changed = tf.reduce_any(normalized != texts)
    return tf.where(literal, pieces, normalized), tf.cond(
        changed, lambda: tf.gather(origin, _sources(pieces, normalized, offsets)), lambda: origin
    )


def _sources(pieces: tf.Tensor, normalized: tf.Tensor, offsets: tf.Tensor) -> tf.Tensor:
    """For each byte of all normalised pieces, the byte of all pieces it stands for.

    The offsets are right where a change begins; inside, they are where it ends. What was
    made there of several characters stands for the last of them, as in the reference.
    """
    literal = is_literal(pieces)
    # One more than there are bytes: where the piece ends.
    places = tf.ragged.range(int64(tf.strings.length(normalized)) + 1)
    found = tf_text.find_source_offsets(offsets, places).flat_values
    text = tf.strings.reduce_join(tf.strings.join([normalized, b"\0"]))
    leads = tf.io.decode_raw(text, tf.uint8) & 0xC0 != 0x80
    of_lead = tf.boolean_mask(found, leads)
    is_inside = tf.concat([of_lead[:-1] == of_lead[1:], [False]], axis=0)
    of_lead -= int64(is_inside)
    local = tf.gather(of_lead, tf.cumsum(int64(leads)) - 1)
    with_ends = tf.RaggedTensor.from_row_splits(local, places.row_splits, validate=False)
    size = int64(tf.strings.length(pieces)) - int64(literal)
    marked = tf.where(literal, size, 0)
    all_ = tf.concat([with_ends[:, :-1], tf.ragged.range(marked)], axis=1)
    return (all_ + tf.cumsum(size, exclusive=True)[:, None]).flat_values

"""Reads and writes SentencePiece models, without SentencePiece.

The file is a protocol buffer, ``ModelProto`` of ``sentencepiece_model.proto``; the numbers of
the fields that are known stand below.
"""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Iterator, Sequence
from typing import Any

from keras_bert_zoo.tokenizers.options import TokenizerError

_PIECES, _TRAINER, _NORMALIZER = 1, 2, 3
_PIECE, _SCORE, _TYPE = 1, 2, 3
_MODEL_TYPE, _UNK_ID, _BYTE_FALLBACK = 3, 40, 35
_CHARSMAP = 2
_UNIGRAM = 1
NORMAL, UNKNOWN, CONTROL, USER_DEFINED = 1, 2, 3, 4
# What is not the default, in words: part, field, and the default.
_SWITCHES = {
    "add_dummy_prefix": (_NORMALIZER, 3, 1),
    "remove_extra_whitespaces": (_NORMALIZER, 4, 1),
    "escape_whitespaces": (_NORMALIZER, 5, 1),
    "treat_whitespace_as_suffix": (_TRAINER, 24, 0),
}
_WIRE_VARINT, _WIRE_EIGHT, _WIRE_BYTES, _WIRE_FOUR = 0, 1, 2, 5


@dataclasses.dataclass(frozen=True)
class Model:
    """What a SentencePiece model holds.

    Args:
        pieces: text, score and type.
        unk_id: of the unknown piece.
        charsmap: precompiled map of characters; empty for none.
        unusual: names of switches that are not as they are by default.
    """

    pieces: Sequence[tuple[str, float, int]]
    unk_id: int
    charsmap: bytes
    unusual: tuple[str, ...] = ()


def read(data: bytes) -> Model:
    """Reads a model.

    Raises:
        TokenizerError: it is corrupt, or no Unigram model.
    """
    try:
        fields = list(_fields(data))
        trainer = _last(fields, _TRAINER)
        model = Model(
            [_piece(value) for number, value in fields if number == _PIECES],
            trainer.get(_UNK_ID, 0),
            _last(fields, _NORMALIZER).get(_CHARSMAP, b""),
            tuple(
                name
                for name, (part, field, default) in _SWITCHES.items()
                if _last(fields, part).get(field, default) != default
            ),
        )
    except (IndexError, TypeError, ValueError, struct.error) as error:
        raise TokenizerError(f"not a SentencePiece model, or a corrupt one: {error!r}") from error
    kind, fallback = trainer.get(_MODEL_TYPE, _UNIGRAM), trainer.get(_BYTE_FALLBACK, 0)
    if not model.pieces or kind != _UNIGRAM or fallback:
        raise TokenizerError(
            f"the SentencePiece model must be of the type Unigram ({_UNIGRAM}) without "
            f"byte_fallback and hold pieces, received type {kind}, byte_fallback {fallback}, "
            f"{len(model.pieces)} pieces"
        )
    return model


def charsmap(data: bytes) -> bytes:
    """The map of characters of a model, which need not hold pieces."""
    found: bytes = _last(list(_fields(data)), _NORMALIZER).get(_CHARSMAP, b"")
    return found


def write(model: Model) -> bytes:
    """Writes a model, with all switches as they are by default."""
    pieces = (
        _message(_PIECE, text.encode())
        + _key(_SCORE, _WIRE_FOUR)
        + struct.pack("<f", score)
        + _number(_TYPE, kind)
        for text, score, kind in model.pieces
    )
    trainer = _number(_MODEL_TYPE, _UNIGRAM) + _number(_UNK_ID, model.unk_id)
    normalizer = _message(_CHARSMAP, model.charsmap)
    return (
        b"".join(_message(_PIECES, piece) for piece in pieces)
        + _message(_TRAINER, trainer)
        + _message(_NORMALIZER, normalizer)
    )


def _message(field: int, data: bytes) -> bytes:
    return _key(field, _WIRE_BYTES) + _as_varint(len(data)) + data


def _number(field: int, value: int) -> bytes:
    return _key(field, _WIRE_VARINT) + _as_varint(value)


def _key(field: int, wire: int) -> bytes:
    return _as_varint(field << 3 | wire)


def _as_varint(value: int) -> bytes:
    parts = []
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


def _last(fields: Sequence[tuple[int, Any]], number: int) -> dict[int, Any]:
    """The fields of the last message with a number; of a field the last value."""
    found = [value for field, value in fields if field == number]
    return dict(_fields(found[-1])) if found else {}


def _piece(data: bytes) -> tuple[str, float, int]:
    fields = dict(_fields(data))
    score = struct.unpack("<f", fields.get(_SCORE, b"\0\0\0\0"))[0]
    return fields.get(_PIECE, b"").decode(), score, fields.get(_TYPE, 1)


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """Numbers and values of a message: integers, or bytes."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        wire = key & 7
        if wire == _WIRE_VARINT:
            value, at = _varint(data, at)
            yield key >> 3, value
            continue
        if wire == _WIRE_BYTES:
            size, at = _varint(data, at)
        elif wire in (_WIRE_FOUR, _WIRE_EIGHT):
            size = 4 if wire == _WIRE_FOUR else 8
        else:
            raise ValueError(f"unknown wire type {wire}")
        if at + size > len(data):
            raise ValueError("the data end early")
        yield key >> 3, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if not data[at - 1] & 0x80:
            return value, at

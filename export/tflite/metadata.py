"""TFLite Metadata: what a ``.tflite`` says about its own inputs, outputs and tokenizer.

Clients such as MediaPipe Tasks read a table from the file, and the vocabulary and the labels
from a zip archive behind it. The few tables they need are written here with ``flatbuffers``
alone; their numbers are those of ``metadata_schema.fbs``, which the mediapipe package
carries. The model's own bytes are kept: new tables go in front of them and point at them, so
that no weight is copied into Python objects and none loses its alignment.
"""

from __future__ import annotations

import dataclasses
import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import flatbuffers
from flatbuffers.number_types import Uint32Flags
from flatbuffers.table import Table

from ..errors import ExportError

VOCABULARY_FILE, LABELS_FILE = "vocab.txt", "labels.txt"
ENTRY = "TFLITE_METADATA"
# The first version of the metadata's format that knows BERT tokenizers.
_PARSER_VERSION = "1.1.0"
_ALIGNMENT = 16

# Values of the enumerations of the schema.
_LABELS_OF_AN_AXIS, _VOCABULARY = 2, 5
_BERT_TOKENIZER = 4
# Slots of the table Model of TFLite's own schema.
_VERSION, _BUFFERS, _METADATA = 0, 4, 6
_MODEL_SLOTS = 10


@dataclasses.dataclass(frozen=True)
class TextModel:
    """What the metadata says about a model that takes one text.

    Args:
        name: of the model.
        inputs: names that the client expects, by the names in the model's signature.
        output: name of the one output.
        vocabulary: tokens of the BERT tokenizer, in the order of their ids.
        labels: names of the output's entries, or ``None``.
    """

    name: str
    inputs: Mapping[str, str]
    output: str
    vocabulary: tuple[str, ...]
    labels: tuple[str, ...] | None = None


def attach(content: bytes, description: TextModel) -> bytes:
    """Adds metadata and its files to a ``.tflite``; runtimes read the result as before.

    Args:
        content: a file with one signature, without metadata of this kind.
        description: what it is.

    Returns:
        The new file.

    Raises:
        ExportError: the file has metadata already, keeps constants outside its tables, or has
            other inputs than the description; or a label or token holds a line break.
    """
    _check(content)
    files = {VOCABULARY_FILE: _lines("vocabulary", description.vocabulary)}
    if description.labels is not None:
        files[LABELS_FILE] = _lines("labels", description.labels)
    tables = _tables(description, _inputs_in_order(content, description.inputs))
    return _zipped(_with_entry(content, _finished(tables)), files)


def _tables(description: TextModel, inputs: list[str]) -> dict[int, Any]:
    """The metadata as nested tables: slot in the schema to value."""
    vocabulary = {0: VOCABULARY_FILE, 2: _VOCABULARY}
    output: dict[int, Any] = {0: description.output}
    if description.labels is not None:
        output[6] = [{0: LABELS_FILE, 2: _LABELS_OF_AN_AXIS}]
    tokenizer = {0: _BERT_TOKENIZER, 1: {0: [vocabulary]}}
    subgraph = {2: [{0: name} for name in inputs], 3: [output], 5: [tokenizer]}
    return {0: description.name, 3: [subgraph], 7: _PARSER_VERSION}


def _finished(tables: Mapping[int, Any]) -> bytes:
    builder = flatbuffers.Builder(1024)
    builder.Finish(_packed(builder, tables), b"M001")
    return bytes(builder.Output())


def _packed(builder: flatbuffers.Builder, value: Any) -> int:
    """Writes a text, a table or a list of tables, what it refers to first."""
    if isinstance(value, str):
        return builder.CreateString(value)
    if isinstance(value, list):
        return _vector(builder, [_packed(builder, each) for each in value])
    references = {k: _packed(builder, v) for k, v in value.items() if not isinstance(v, int)}
    builder.StartObject(max(value) + 1)
    for slot, each in value.items():
        if slot in references:
            builder.PrependUOffsetTRelativeSlot(slot, references[slot], 0)
        else:
            builder.PrependUint8Slot(slot, each, 0)
    return builder.EndObject()


def _vector(builder: flatbuffers.Builder, offsets: list[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return builder.EndVector()


def _with_entry(content: bytes, metadata: bytes) -> bytes:
    """Puts new tables in front: the model's with one more buffer, and an entry that names it."""
    root = Table(content, flatbuffers.encode.Get(flatbuffers.packer.uoffset, content, 0))
    content = content.ljust(-(-len(content) // _ALIGNMENT) * _ALIGNMENT, b"\0")
    builder = flatbuffers.Builder(len(content) + 2 * len(metadata) + 65536)
    builder.Prep(_ALIGNMENT, 0)
    builder.CreateByteVector(content)

    def kept(position: int) -> int:
        return len(content) - position  # the builder counts from the end, where the content ends

    fields = {
        slot: kept(_target(root, slot)) for slot in range(1, _MODEL_SLOTS) if _has(root, slot)
    }
    buffers, entries = (list(map(kept, _references(root, s))) for s in (_BUFFERS, _METADATA))
    fields[_BUFFERS] = _vector(builder, [*buffers, _buffer(builder, metadata)])
    fields[_METADATA] = _vector(builder, [*entries, _entry(builder, len(buffers))])
    builder.StartObject(_MODEL_SLOTS)
    builder.PrependUint32Slot(_VERSION, root.GetSlot(4, 0, Uint32Flags), 0)
    for slot, offset in fields.items():
        builder.PrependUOffsetTRelativeSlot(slot, offset, 0)
    builder.Finish(builder.EndObject(), b"TFL3")
    return bytes(builder.Output())


def _buffer(builder: flatbuffers.Builder, content: bytes) -> int:
    data = builder.CreateByteVector(content)
    builder.StartObject(1)
    builder.PrependUOffsetTRelativeSlot(0, data, 0)
    return builder.EndObject()


def _entry(builder: flatbuffers.Builder, buffer: int) -> int:
    name = builder.CreateString(ENTRY)
    builder.StartObject(2)
    builder.PrependUOffsetTRelativeSlot(0, name, 0)
    builder.PrependUint32Slot(1, buffer, 0)
    return builder.EndObject()


def _has(table: Table, slot: int) -> bool:
    return bool(table.Offset(4 + 2 * slot))


def _target(table: Table, slot: int) -> int:
    """Where the table or vector lies that a field refers to."""
    return table.Indirect(table.Pos + table.Offset(4 + 2 * slot))


def _references(table: Table, slot: int) -> list[int]:
    """Where the tables of a vector lie; none if the field is not there."""
    if not _has(table, slot):
        return []
    field = table.Offset(4 + 2 * slot)
    first = table.Vector(field)
    return [table.Indirect(first + 4 * index) for index in range(table.VectorLen(field))]


def _inputs_in_order(content: bytes, names: Mapping[str, str]) -> list[str]:
    """The client's names in the order of the tensors, which the converter sorts as it likes."""
    model = _read(content)
    signature = model.SignatureDefs(0)
    maps = [signature.Inputs(index) for index in range(signature.InputsLength())]
    found = {each.TensorIndex(): each.Name().decode() for each in maps}
    if set(found.values()) != set(names):
        raise ExportError(
            f"The metadata is for the inputs {list(names)}, but the model has "
            f"{sorted(found.values())}."
        )
    return [names[found[index]] for index in model.Subgraphs(0).InputsAsNumpy().tolist()]


def _check(content: bytes) -> None:
    model = _read(content)
    entries = [model.Metadata(index).Name().decode() for index in range(model.MetadataLength())]
    if ENTRY in entries:
        raise ExportError("The file has metadata already. Attach it to the converter's own file.")
    if any(model.Buffers(index).Offset() > 1 for index in range(model.BuffersLength())):
        raise ExportError(
            "The file keeps constants behind its tables, where the metadata's archive goes. Store "
            "them in its buffers."
        )


def _read(content: bytes) -> Any:
    from tensorflow.lite.python import schema_py_generated as schema

    return schema.Model.GetRootAs(content)


def _lines(name: str, texts: Sequence[str]) -> bytes:
    """One text a line, as clients read them: an empty one would shift all that follow."""
    wrong = [text for text in texts if not text or "\n" in text or "\r" in text]
    if wrong:
        raise ExportError(
            f"The {name} must be texts of one line for a TFLite file with metadata, received "
            f"{wrong[:3]}. Rename them in the bundle."
        )
    return "".join(f"{text}\n" for text in texts).encode()


def _zipped(content: bytes, files: Mapping[str, bytes]) -> bytes:
    """Appends an archive whose members have a fixed date: equal exports are equal files."""
    stream = io.BytesIO(content)
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_STORED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return stream.getvalue()

"""Reading ``pytorch_model.bin`` without PyTorch.

Two formats exist. Since PyTorch 1.6 ``torch.save`` writes a zip archive: ``data.pkl`` describes
the tensors, ``data/<key>`` holds each storage, uncompressed. Before, it wrote five pickles in a
row (magic number, protocol, system, tensors, storage keys), then the storages in the order of
the keys, each after its length.
"""

from __future__ import annotations

import io
import pathlib
import stat
import struct
import zipfile
import zlib
from collections.abc import Mapping
from typing import BinaryIO

from keras_bert_zoo.checkpoints.tensors import (
    BEGINNING,
    DTYPES,
    LONGEST_DESCRIPTION,
    CheckpointError,
    StoredTensor,
    refuse_pages,
)
from keras_bert_zoo.checkpoints.unpickling import Storage, TensorView, tensor_views, unpickle
from keras_bert_zoo.foreign import is_inside

_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_PROTOCOL = 1001
# Layers that share their weights are described once each, and 24 layers are common.
_MOST_SHARED = 64
_LOCAL_HEADER = struct.Struct("<4s22xHH")
_LOCAL_MAGIC = b"PK\x03\x04"
_ENCRYPTED = 1
# What `zipfile` raises on damaged archives, besides the ValueErrors raised here.
_DAMAGE = (
    ValueError, EOFError, OSError, RuntimeError, struct.error, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


def open_torch(path: pathlib.Path) -> dict[str, StoredTensor]:
    """Returns the tensors of a file by name, their values unread.

    Raises:
        CheckpointError: the file is damaged, describes tensors outside itself, or names
            code to run.
    """
    with path.open("rb") as raw:
        beginning = raw.read(BEGINNING)
    read = _read_zip if beginning.startswith(_LOCAL_MAGIC) else _read_legacy
    try:
        refuse_pages(beginning)
        views, offsets = read(path)
        tensors = {name: _stored(path, view, offsets) for name, view in views.items()}
        _check_size(path, tensors)
        return tensors
    except _DAMAGE as error:
        raise CheckpointError(f"{path} cannot be read as a PyTorch file: {error}.") from error


def _stored(path: pathlib.Path, view: TensorView, offsets: dict[Storage, int]) -> StoredTensor:
    storage, dtype = view.storage, DTYPES[view.storage.dtype]
    start = offsets[storage] + view.offset * dtype.itemsize
    tensor = StoredTensor(path, start, dtype, view.shape, view.strides)
    if view.offset + tensor.span > storage.numel:
        raise CheckpointError(f"a tensor reaches beyond its storage: {view}")
    return tensor


def _check_size(path: pathlib.Path, tensors: Mapping[str, StoredTensor]) -> None:
    """Refuses tensors behind the end, and many that are all the same few bytes."""
    size, wanted = path.stat().st_size, sum(tensor.size for tensor in tensors.values())
    outside = [name for name, tensor in tensors.items() if tensor.end > size]
    if outside:
        raise CheckpointError(f"it is truncated: {outside[:3]} end behind its {size:,} bytes")
    if wanted > _MOST_SHARED * size:
        raise CheckpointError(
            f"its tensors would take {wanted:,} bytes and are made of the same {size:,} over and "
            f"over; up to {_MOST_SHARED} times is read"
        )


def _size(storage: Storage) -> int:
    return storage.numel * DTYPES[storage.dtype].itemsize


# === The zip format ===


def _read_zip(path: pathlib.Path) -> tuple[dict[str, TensorView], dict[Storage, int]]:
    with zipfile.ZipFile(path) as archive, path.open("rb") as raw:
        members = {member.filename: member for member in archive.infolist()}
        views = _views_of(archive, root := _root(archive))
        offsets = {}
        for storage in {view.storage for view in views.values()}:
            member = members.get(f"{root}data/{storage.key}")
            offsets[storage] = _content_offset(raw, member, storage)
        return views, offsets


def _root(archive: zipfile.ZipFile) -> str:
    names = archive.namelist()
    if len(names) != len(set(names)):
        raise CheckpointError("two members of the archive have one name")
    # Nothing is ever extracted; but no torch.save wrote these.
    odd = [m.filename for m in archive.infolist() if not is_inside(m.filename) or _is_link(m)]
    if odd:
        raise CheckpointError(f"the archive has links or members outside itself: {odd[:3]}")
    roots = [name.removesuffix("data.pkl") for name in names if name.endswith("/data.pkl")]
    if len(roots) != 1:
        raise CheckpointError(f"the archive has {len(roots)} members called data.pkl, not 1")
    order = f"{roots[0]}byteorder"
    if order in names and _read_member(archive, order) != b"little":
        raise CheckpointError("it was not written on a little-endian machine")
    return roots[0]


def _views_of(archive: zipfile.ZipFile, root: str) -> dict[str, TensorView]:
    return tensor_views(unpickle(io.BytesIO(_read_member(archive, f"{root}data.pkl"))))


def _is_link(member: zipfile.ZipInfo) -> bool:
    return stat.S_ISLNK(member.external_attr >> 16)


def _read_member(archive: zipfile.ZipFile, name: str) -> bytes:
    member = archive.getinfo(name)
    _check_stored(member)
    if member.file_size > LONGEST_DESCRIPTION:
        raise CheckpointError(
            f"{name} has {member.file_size:,} bytes; at most {LONGEST_DESCRIPTION:,} are read"
        )
    return archive.read(member)


def _check_stored(member: zipfile.ZipInfo) -> None:
    """Only what is there byte for byte is read: what is compressed may be of any size."""
    stored = member.compress_type == zipfile.ZIP_STORED and not member.flag_bits & _ENCRYPTED
    if not stored or member.compress_size != member.file_size:
        raise CheckpointError(f"{member.filename} is compressed or encrypted")


def _content_offset(raw: BinaryIO, member: zipfile.ZipInfo | None, storage: Storage) -> int:
    """Position of a member's bytes, which the archive's directory does not state."""
    if member is None:
        raise CheckpointError(f"the archive has no member for {storage}")
    _check_stored(member)
    if member.file_size != _size(storage):
        raise CheckpointError(f"{member.filename} has {member.file_size} bytes for {storage}")
    raw.seek(member.header_offset)
    header = raw.read(_LOCAL_HEADER.size)
    if len(header) != _LOCAL_HEADER.size or header[:4] != _LOCAL_MAGIC:
        raise CheckpointError(f"{member.filename} has no header")
    _, name_length, extra_length = _LOCAL_HEADER.unpack(header)
    return member.header_offset + len(header) + name_length + extra_length


# === The format before PyTorch 1.6 ===


def _read_legacy(path: pathlib.Path) -> tuple[dict[str, TensorView], dict[Storage, int]]:
    with path.open("rb") as raw:
        head = io.BytesIO(raw.read(LONGEST_DESCRIPTION))
        if unpickle(head) != _LEGACY_MAGIC or unpickle(head) != _LEGACY_PROTOCOL:
            raise CheckpointError("it starts neither as a zip archive nor as an older torch.save")
        system = unpickle(head)
        if not isinstance(system, dict) or system.get("little_endian") is not True:
            raise CheckpointError("it was not written on a little-endian machine")
        views = tensor_views(unpickle(head))
        described = {view.storage for view in views.values()}
        storages = {storage.key: storage for storage in described}
        keys = unpickle(head)
        names = isinstance(keys, list) and all(isinstance(key, str) for key in keys)
        if not names or sorted(keys) != sorted(storages) or len(described) != len(storages):
            raise CheckpointError("its list of storages does not match its tensors")
        raw.seek(head.tell())
        return views, {storages[key]: _skip_storage(raw, storages[key]) for key in keys}


def _skip_storage(raw: BinaryIO, storage: Storage) -> int:
    length = int.from_bytes(raw.read(8), "little")
    if length != storage.numel:
        raise CheckpointError(f"{storage} is stored with {length} elements")
    start, end = raw.tell(), raw.seek(0, io.SEEK_END)
    if raw.seek(start + _size(storage)) > end:
        raise CheckpointError(f"it is truncated: {storage} should start at byte {start} of {end}")
    return start

"""Sound files made unsound: strategies of Hypothesis that know the structure of each format.

Each returns the new content of some files of a directory, by name.
"""

from __future__ import annotations

import copy
import io
import itertools
import json
import pickletools
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

Files = dict[str, bytes]
Contents = st.SearchStrategy[bytes]

_WHERE = st.integers(0, 2**16)


def _numbers(width: int) -> list[bytes]:
    values = (0, 1, 2**7, 2**15, 2**31 - 1, 2**31, 2**32 - 1, 2**62, 2**63 - 1, 2**64 - 1)
    return [(value % 2 ** (8 * width)).to_bytes(width, "little") for value in values]


# === Bytes ===

_EDITS: dict[str, Callable[[bytes, int, int, bytes], bytes]] = {
    "flip a bit": lambda c, at, n, new: (
        c[:at] + bytes([c[at] ^ 1 << n % 8]) + c[at + 1 :] if at < len(c) else c
    ),
    "overwrite": lambda c, at, n, new: c[:at] + new + c[at + len(new) :],
    "insert": lambda c, at, n, new: c[:at] + new + c[at:],
    "delete": lambda c, at, n, new: c[:at] + c[at + n % 64 :],
    "truncate": lambda c, at, n, new: c[:at],
    "repeat": lambda c, at, n, new: c[:at] + c[at : at + n % 64] * 2 + c[at + n % 64 :],
    "splice": lambda c, at, n, new: c[:at] + c[n % (len(c) + 1) :],
}
_NEW = st.sampled_from([*_numbers(1), *_numbers(4), *_numbers(8)]) | st.binary(max_size=8)
_EDIT_LISTS = st.lists(
    st.tuples(st.sampled_from(list(_EDITS.values())), _WHERE, _WHERE, _NEW), min_size=1, max_size=3
)


def damaged(content: bytes) -> Contents:
    """Bits flipped, bytes inserted, removed, repeated or replaced."""

    def applied(edits: Sequence[tuple[Any, int, int, bytes]]) -> bytes:
        changed = content
        for edit, at, length, new in edits:
            changed = edit(changed, at % (len(changed) + 1), length, new)
        return changed

    return _EDIT_LISTS.map(applied)


# === JSON ===

# Stands for arrays nested too deeply for Python to write.
_DEEP = "nested deeply"
_ODD = st.sampled_from(
    [
        *(None, True, False, [], {}, "", _DEEP, [[[1]]], {"type": "BertNormalizer"}),
        *(0, -1, 1, 2, 0.5, 10**6, 10**9, 10**12, 10**30, 10**400, 2**31, 2**63, -(2**63)),
        *(float("nan"), float("inf"), float("-inf"), 1e300, -0.0),
        *("\ud800", "\0", "../x", "/etc/passwd", "..", ".", "x" * 300, "[PAD]", "##", "é", "1"),
        *(
            json.loads("[" * 60 + "]" * 60),
            [1, 2],
            ["a"],
            [None],
            {"content": 1},
            {"content": "[X]"},
            {"0": "a", "7": "b"},
        ),
    ]
)
_VALUES = _ODD | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=4,
)
_KEYS = st.text(max_size=6) | st.sampled_from(["id", "content", "type", "0", "1", "\0", "../x"])


def _containers(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        yield value
        for each in value.values() if isinstance(value, dict) else value:
            yield from _containers(each)


def _edit(document: list[Any], where: int, which: int, kind: str, key: str, value: Any) -> None:
    """Changes one place of a document; the document is the only element of the list."""
    places = list(_containers(document))
    container = places[where % len(places)]
    keys = list(container) if isinstance(container, dict) else list(range(len(container)))
    old = keys[which % len(keys)] if keys else None
    value = copy.deepcopy(value)  # a later edit may fall into it
    if kind == "add" or old is None:
        if isinstance(container, dict):
            container[key] = value
        elif container is not document:
            container.append(value)
    elif kind == "remove" and container is not document:
        del container[old]
    elif kind == "rename" and isinstance(container, dict):
        container[key] = container.pop(old)
    else:
        container[old] = value


_JSON_EDITS = st.lists(
    st.tuples(
        _WHERE,
        _WHERE,
        st.sampled_from(["replace", "replace", "remove", "add", "rename"]),
        _KEYS,
        _VALUES,
    ),
    min_size=1,
    max_size=3,
)


def edited_json(content: bytes) -> Contents:
    """A JSON file with values replaced, removed, added or under other keys."""

    def applied(edits: Sequence[tuple[Any, ...]]) -> bytes:
        document = [json.loads(content)]
        for edit in edits:
            _edit(document, *edit)
        text = json.dumps(document[0])
        return text.replace(json.dumps(_DEEP), "[" * 50_000).encode()

    return _JSON_EDITS.map(applied)


def any_json(content: bytes) -> Contents:
    """A JSON file with other values, or none any more."""
    return edited_json(content) | edited_json(content) | damaged(content)


# === Files of tensors ===


def any_safetensors(content: bytes) -> Contents:
    """A safetensors file with another header, of the right length, or damaged anywhere."""
    length = 8 + struct.unpack("<Q", content[:8])[0]
    header, body = content[8:length], content[length:]
    headers = edited_json(header) | damaged(header)
    lengths = st.sampled_from([0, 0, 0, 1, -1, 2**31, 2**63])

    def packed(header: bytes, more: int, body: bytes) -> bytes:
        return struct.pack("<Q", (len(header) + more) % 2**64) + header + body

    return damaged(content) | st.builds(packed, headers, lengths, st.just(body) | damaged(body))


# What a pickle might do: call, fill, grow, refer to itself.
_INSTRUCTIONS = [
    *(b"cos\nsystem\n", b"cbuiltins\neval\n", b"(Vls\nios\nsystem\n"),
    *(b"\x8c\x02os\x8c\x06system\x93", b"ccollections\nOrderedDict\n", b"ctorch\nFloatStorage\n"),
    *(f"ctorch._utils\n_rebuild_{what}\n".encode() for what in ("parameter", "tensor")),
    *(b"R", b"b", b"s", b"u", b"e", b"a", b"t", b"l", b"d", b"o", b"\x81", b"\x92", b"Q", b"P0\n"),
    *(b"(", b")", b"]", b"}", b"0", b"1", b"2", b"N", b"\x85", b"\x86", b"\x87", b"\x88", b"\x89"),
    *(b"K\x00", b"M\xff\xff", b"J\xff\xff\xff\xff", b"\x8a\x09" + b"\xff" * 8 + b"\x7f", b"I01\n"),
    *(b"r\xff\xff\xff\x7f", b"j\xff\xff\xff\x7f", b"q\x00", b"h\x00", b"h\x01", b"\x94", b"p7\n"),
    *(b"\x8e" + b"\xff" * 7 + b"\x3f", b"\x96" + b"\xff" * 7 + b"\x3f", b"B\xff\xff\xff\x7f"),
    *(b"X\xff\xff\xff\x7f", b"\x95" + b"\xff" * 7 + b"\x3f", b"\x8b\xff\xff\xff\x7f"),
    *(b"G\x7f\xf8\0\0\0\0\0\0", b"Vstorage\n", b"\x8c\x03F32", b"\x80\x05", b"."),
]  # fmt: skip


def _instructions(pickles: bytes, count: int) -> tuple[list[bytes], bytes]:
    """The instructions of some pickles in a row, and what follows them."""
    file, starts = io.BytesIO(pickles), []
    for _ in range(count):
        starts += [place or 0 for _, _, place in pickletools.genops(file)]
    starts.append(file.tell())
    parts = [pickles[start:end] for start, end in itertools.pairwise(starts)]
    return parts, pickles[starts[-1] :]


def any_pickles(pickles: bytes, count: int = 1) -> Contents:
    """Pickles with instructions removed, repeated, moved or put in, then whatever followed."""
    parts, rest = _instructions(pickles, count)
    edits = st.lists(
        st.tuples(
            st.sampled_from(["remove", "repeat", "move", "put", "put", "replace"]),
            _WHERE,
            _WHERE,
            st.sampled_from(_INSTRUCTIONS),
        ),
        min_size=1,
        max_size=6,
    )

    def applied(edits: Sequence[tuple[str, int, int, bytes]]) -> bytes:
        program = list(parts)
        for kind, at, other, new in edits:
            at, other = (place % (len(program) + 1) for place in (at, other))
            changed = {
                "remove": [],
                "repeat": program[at : at + 1] * (1 + other % 40),
                "move": program[other : other + 1],
                "put": [new, *program[at : at + 1]],
                "replace": [new],
            }
            program[at : at + 1] = changed[kind]
        return b"".join(program) + rest

    return damaged(pickles) | st.builds(applied, edits)


def zipped(members: Mapping[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """An archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def any_torch_zip(content: bytes) -> Contents:
    """A zip archive of ``torch.save``: another pickle, other members, or damaged anywhere."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    (described,) = (name for name in members if name.endswith("data.pkl"))
    pickles = any_pickles(members[described])
    names = st.sampled_from(["../x", "/etc/x", "a/../../x", "b/data.pkl", "x\\y", "y" * 300])
    methods = st.sampled_from([zipfile.ZIP_STORED] * 4 + [zipfile.ZIP_DEFLATED])
    changes = st.one_of(
        pickles.map(lambda new: {described: new}),
        st.tuples(st.sampled_from(list(members)), st.binary(max_size=64)).map(lambda m: dict([m])),
        st.tuples(names, st.binary(max_size=8)).map(lambda m: dict([m])),
    )
    rebuilt = st.builds(lambda new, method: zipped({**members, **new}, method), changes, methods)
    return damaged(content) | rebuilt | rebuilt


def any_legacy(content: bytes) -> Contents:
    """The five pickles of an old ``torch.save``, and the storages behind them."""
    return any_pickles(content, 5)


def any_text(content: bytes) -> Contents:
    """Lines of text with others put in, or damaged anywhere."""
    lines = content.split(b"\n")
    odd = st.sampled_from([b"", b"[PAD]", b"##", b"\xff", b"x" * 300, b"\0", b"\xc2\x85", b"\r"])
    put = st.builds(
        lambda at, new: b"\n".join([*lines[: at % len(lines)], new, *lines[at % len(lines) :]]),
        _WHERE,
        odd | st.binary(max_size=4),
    )
    return damaged(content) | put

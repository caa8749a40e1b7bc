"""Files of weights made to run code, or to take memory or time: refused with the reason."""

from __future__ import annotations

import json
import pathlib
import stat
import struct
import zipfile
from typing import Any

import pytest
from limits import limits
from mutations import zipped

from keras_bert_zoo.checkpoints.files import open_tensors
from keras_bert_zoo.checkpoints.tensors import CheckpointError

GIGABYTE = 2**30
FLOATS = b"(Vstorage\nctorch\nFloatStorage\nV0\nVcpu\nI%d\ntQ"
# A tensor of four numbers under the name "weight".
TENSOR = b"ctorch._utils\n_rebuild_tensor_v2\n(" + FLOATS % 4 + b"I0\n(I4\nt(I1\ntI00\nNtR"
SOUND = b"}Vweight\n" + TENSOR + b"s."


def refused(directory: pathlib.Path, name: str, content: bytes, message: str) -> None:
    """Writes a file of weights and asserts that opening it costs nothing but an error."""
    (directory / name).write_bytes(content)
    with limits(64, 10), pytest.raises(CheckpointError, match=message):
        open_tensors(directory)


def archive(pickle: bytes, **more: bytes) -> bytes:
    return zipped({"a/data.pkl": pickle, "a/data/0": bytes(16), **more})


def legacy(pickle: bytes) -> bytes:
    """What precedes the pickle of tensors in an old file, then that."""
    head = b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.M\xe9\x03.}Vlittle_endian\nI01\ns."
    return head + pickle


# === Pickles ===

COMMAND = b"touch run-by-a-pickle"
BOMB = b")" + b"q\x00h\x00\x86" * 60  # a pair of pairs of pairs, written out 2**60 long
PICKLES: dict[str, tuple[bytes, str]] = {
    "a call": (b"cos\nsystem\n(V" + COMMAND + b"\ntR.", "names os.system, which is refused"),
    "a call by protocol 4": (b"\x8c\x02os\x8c\x06system\x93(V" + COMMAND + b"\ntR.", "os.system"),
    "an old instance": (b"(V" + COMMAND + b"\nios\nsystem\n.", "instruction b'i', which is"),
    "an object": (b"(cos\nsystem\nV" + COMMAND + b"\no.", "names os.system"),
    "an extension": (b"\x82\x01.", r"instruction b'\\x82', which is refused"),
    "a call of a string": (b"ctorch\nFloatStorage\n)R.", "calls a str"),
    "a call of a tensor": (TENSOR + b")R.", "calls a TensorView"),
    # One entry far out in the list of remembered objects makes Python's own reader in C take
    # 34 GB and fill them with zeros.
    "a far memory": (b"Nr\xff\xff\xff\x7f0.", "holds a NoneType|damaged"),
    "bytes of 4 EB": (b"\x8e" + b"\xff" * 7 + b"\x3f.", "instruction b'\\\\x8e'"),
    "a bytearray of 4 EB": (b"\x96" + b"\xff" * 7 + b"\x3f.", "instruction b'\\\\x96'"),
    "a string of 2 GB": (b"X\xff\xff\xff\x7f.", "damaged"),
    "a frame of 4 EB": (b"\x95" + b"\xff" * 7 + b"\x3fN.", "holds a NoneType|damaged"),
    "an integer of 2 GB": (b"\x8b\xff\xff\xff\x7f.", "instruction b'\\\\x8b'"),
    "an endless key": (b"}" + BOMB + b"Ns.", "keys of the types .'tuple'"),
    "an endless key of many": (b"}(" + BOMB + b"Nu.", "keys of the types .'tuple'"),
    "an endless key of an argument": (
        b"ccollections\nOrderedDict\n](" + BOMB + b"Nle\x85R.",
        "keys of the types|damaged",
    ),
    "an endless set": (BOMB + b"\x91.", "instruction b'\\\\x91'"),
    "an endless dict": (b"(" + BOMB + b"Nd.", "instruction b'd'"),
    "an endless message": (
        b"ctorch._utils\n_rebuild_tensor\n(" + BOMB + b"K\x00))tR.",
        "a tensor is described by",
    ),
    "an endless storage": (BOMB + b"Q.", "a storage is described by"),
    "many axes": (
        b"ctorch._utils\n_rebuild_tensor\n(" + FLOATS % 4 + b"K\x00(" + b"K\x01" * 65 + b"t)tR.",
        "layout of 65 axes",
    ),
    "many arguments": (
        b"ctorch._utils\n_rebuild_parameter\n(" + b"N" * 9 + b"tR.",
        "odd arguments",
    ),
}


@pytest.mark.parametrize("wrap", [archive, legacy])
@pytest.mark.parametrize("case", PICKLES)
def test_pickles(
    case: str, wrap: Any, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    pickle, message = PICKLES[case]
    refused(tmp_path, "pytorch_model.bin", wrap(pickle), message)
    assert not (tmp_path / "run-by-a-pickle").exists()


def test_the_pickles_are_otherwise_sound(tmp_path: pathlib.Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(archive(SOUND))
    assert open_tensors(tmp_path)["weight"].read().tolist() == [0] * 4
    old = legacy(SOUND) + b"]V0\na." + struct.pack("<Q", 4) + bytes(16)
    (tmp_path / "pytorch_model.bin").write_bytes(old)
    assert open_tensors(tmp_path)["weight"].read().tolist() == [0] * 4


def test_state_dicts_of_python_2(tmp_path: pathlib.Path) -> None:
    pairs = b"ccollections\nOrderedDict\n](]U\x06weighta" + TENSOR + b"ae\x85R."
    (tmp_path / "pytorch_model.bin").write_bytes(archive(pairs))
    assert open_tensors(tmp_path)["weight"].shape == (4,)


def test_few_numbers_as_many_tensors(tmp_path: pathlib.Path) -> None:
    tensor = TENSOR.replace(b"(I4\nt(I1\nt", b"(I1000\nI1000\nt(I0\nI0\nt")
    message = r"would take 4,000,000 bytes and are made of the same \d+ over and over"
    refused(tmp_path, "pytorch_model.bin", archive(b"}Vweight\n" + tensor + b"s."), message)


def test_steps_of_an_axis_that_makes_none(tmp_path: pathlib.Path) -> None:
    tensor = TENSOR.replace(b"(I4\nt(I1\nt", b"(I1\nI4\nt(I%d\nI1\nt" % 10**30)
    (tmp_path / "pytorch_model.bin").write_bytes(archive(b"}Vweight\n" + tensor + b"s."))
    assert open_tensors(tmp_path)["weight"].read().shape == (1, 4)


# === Archives ===


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil"])
def test_members_outside_the_archive(name: str, tmp_path: pathlib.Path) -> None:
    content = archive(SOUND, **{name: b"evil"})
    refused(tmp_path, "pytorch_model.bin", content, rf"members outside itself: .*{name}")


def test_a_member_that_is_a_link(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "pytorch_model.bin"
    path.write_bytes(zipped({"a/data.pkl": SOUND}))
    link = zipfile.ZipInfo("a/data/0")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "a") as file:
        file.writestr(link, "/etc/passwd")
    refused(tmp_path, path.name, path.read_bytes(), r"has links or members .*a/data/0")


@pytest.mark.parametrize("member", ["a/data.pkl", "a/byteorder", "a/data/0"])
def test_members_that_grow(member: str, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "pytorch_model.bin"
    members = {"a/data.pkl": SOUND, "a/byteorder": b"little", "a/data/0": bytes(16)}
    path.write_bytes(zipped({name: c for name, c in members.items() if name != member}))
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as file,
        file.open(member, "w", force_zip64=True) as growing,
    ):
        for _ in range(256):
            growing.write(bytes(2**20))
    # 256 MB of zeros.
    assert path.stat().st_size < 300_000
    refused(tmp_path, path.name, path.read_bytes(), f"{member} is compressed")


@pytest.mark.parametrize("member", [b"a/data.pkl", b"a/data/0"])
def test_members_that_say_they_are_larger(member: bytes, tmp_path: pathlib.Path) -> None:
    pickle = SOUND.replace(FLOATS % 4, FLOATS % 225_000_000).replace(b"(I4", b"(I225000000")
    content = bytearray(zipped({"a/data.pkl": pickle, "a/data/0": bytes(16)}))
    entry = content.rindex(member) - 46  # in the directory at the end
    content[entry + 20 : entry + 28] = struct.pack("<II", 900_000_000, 900_000_000)
    message = "at most 8,388,608 are read" if member == b"a/data.pkl" else "end behind its"
    refused(tmp_path, "pytorch_model.bin", bytes(content), message)


# === Safetensors ===


def packed(header: Any, body: bytes = bytes(8)) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def tensor(shape: list[int], *offsets: int, dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets or [0, 8]}


ONE = b'"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}'
HEADERS: dict[str, tuple[bytes, str]] = {
    "a header of 2 GB": (struct.pack("<Q", 2 * GIGABYTE) + b"{}", "should have 2,147,483,648 byt"),
    "no room for it": (struct.pack("<Q", 2**20) + b"{}", "not a complete safetensors file"),
    "overlapping": (packed({"a": tensor([2]), "b": tensor([2], 4, 12)}, bytes(12)), "offset"),
    "behind the end": (packed({"a": tensor([2], 2**40, 2**40 + 8)}), "offset"),
    "negative offsets": (packed({"a": tensor([2], -8, 0)}), "invalid"),
    "negative sizes": (packed({"a": tensor([-2])}), "invalid"),
    "sizes above 64 bits": (packed({"a": tensor([10**30])}), "invalid"),
    "a product above 64 bits": (packed({"a": tensor([2**63, 2])}), "overflow"),
    "a name twice": (packed(b"{" + ONE + b"," + ONE + b"}"), "the name 'a' twice"),
    "a type twice": (packed(b'{"a":{"dtype":"F32",' + ONE[5:] + b"}"), "duplicate field"),
    "nested": (packed(b'{"a":' + b"[" * 100_000), "recursion limit"),
    "a type of another size": (packed({"a": tensor([2], dtype="F64")}), "not a complete"),
    "half bytes": (packed({"a": tensor([4], 0, 2, dtype="F4")}, bytes(2)), r"stores .*\['F4'\]"),
    "many axes": (packed({"a": tensor([1] * 1000 + [2])}), "a tensor of 1001 axes"),
    "nothing, but huge": (packed({"a": tensor([0, 2**62, 2**62], 0, 0)}, b""), "no array can have"),
}  # fmt: skip


@pytest.mark.parametrize("case", HEADERS)
def test_safetensors(case: str, tmp_path: pathlib.Path) -> None:
    content, message = HEADERS[case]
    refused(tmp_path, "model.safetensors", content, message)


def test_a_header_as_long_as_it_says(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "model.safetensors"
    with path.open("wb") as file:
        file.write(struct.pack("<Q", 2 * GIGABYTE))
        file.truncate(3 * GIGABYTE)  # a hole: nothing is on the disk
    with limits(64, 10), pytest.raises(CheckpointError, match="at most 8,388,608 are read"):
        open_tensors(tmp_path)

"""Files of tensors: the values PyTorch wrote, and every kind of damage refused."""

from __future__ import annotations

import json
import os
import pathlib
import pickle
import shutil
import struct
import zipfile

import numpy as np
import pytest
import safetensors.numpy

from keras_bert_zoo.checkpoints.files import open_tensors
from keras_bert_zoo.checkpoints.safetensors_files import open_safetensors
from keras_bert_zoo.checkpoints.tensors import CheckpointError
from keras_bert_zoo.checkpoints.torch_files import open_torch

GOLDEN = pathlib.Path(__file__).parents[1] / "golden"
FORMATS = ("zip", "legacy")


# === What PyTorch wrote ===


@pytest.mark.parametrize("name", FORMATS)
def test_every_storage_type_and_layout(name: str) -> None:
    expected = np.load(GOLDEN / "tensors/expected.npz")
    tensors = open_torch(GOLDEN / f"tensors/{name}.bin")
    assert set(tensors) == set(expected.files)
    for key, tensor in tensors.items():
        values = tensor.read()
        assert values.shape == tensor.shape == expected[key].shape, key
        wanted = "bfloat16" if key == "bfloat16" else expected[key].dtype
        assert values.dtype == wanted, key
        np.testing.assert_array_equal(values.astype(expected[key].dtype), expected[key], key)


def test_safetensors_of_every_type(tmp_path: pathlib.Path) -> None:
    expected = dict(np.load(GOLDEN / "tensors/expected.npz"))
    expected["bfloat16"] = open_torch(GOLDEN / "tensors/zip.bin")["bfloat16"].read()
    expected = {name: np.ascontiguousarray(value) for name, value in expected.items()}
    safetensors.numpy.save_file(expected, tmp_path / "model.safetensors")
    tensors = open_tensors(tmp_path)
    assert set(tensors) == set(expected)
    for key, tensor in tensors.items():
        values = tensor.read()
        assert values.dtype == expected[key].dtype
        np.testing.assert_array_equal(values, expected[key])


@pytest.mark.parametrize("name", FORMATS)
def test_a_pickle_names_the_same_tensors_as_safetensors(name: str) -> None:
    stored = open_safetensors(GOLDEN / "bert/model.safetensors")
    for key, tensor in open_torch(GOLDEN / f"bin_{name}/pytorch_model.bin").items():
        key = key.removeprefix("bert.").replace("gamma", "weight").replace("beta", "bias")
        if key != "embeddings.position_ids":
            np.testing.assert_array_equal(tensor.read(), stored[key].read(), key)


# === Pickles that want to run something ===


class Command:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch run-by-a-pickle",)


def write_zip(path: pathlib.Path, members: dict[str, bytes], method: int = 0) -> pathlib.Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def legacy_pickles(*values: object) -> bytes:
    return b"".join(pickle.dumps(value, 2) for value in values)


def in_zip(payload: bytes) -> dict[str, bytes]:
    return {"archive/data.pkl": payload}


@pytest.mark.parametrize("name", FORMATS)
def test_a_pickle_that_runs_a_command(
    name: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "pytorch_model.bin"
    payload = pickle.dumps({"weight": Command()}, 2)
    if name == "zip":
        write_zip(path, in_zip(payload))
    else:
        head = legacy_pickles(0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})
        path.write_bytes(head + payload)
    with pytest.raises(CheckpointError, match=r"names (posix|nt)\.system, which is refused"):
        open_torch(path)
    assert not (tmp_path / "run-by-a-pickle").exists()


@pytest.mark.parametrize(
    "payload",
    [
        b"cbuiltins\neval\n(V1+1\ntR.",
        b"cbuiltins\ngetattr\n.",
        b"ccollections\nOrderedDict.fromkeys\n.",
        b"\x80\x04\x8c\x0bcollections\x8c\x14OrderedDict.__init__\x93.",
        b"ctorch\nload\n.",
        b"ctorch._utils\n_rebuild_tensor_v3\n.",
    ],
)
def test_other_names_are_refused(payload: bytes, tmp_path: pathlib.Path) -> None:
    path = write_zip(tmp_path / "a.bin", in_zip(payload))
    with pytest.raises(CheckpointError, match="which is refused"):
        open_torch(path)


def test_a_pickle_cannot_alter_the_reader(tmp_path: pathlib.Path) -> None:
    build = b"ctorch._utils\n_rebuild_tensor_v2\nN}V__call__\nNs\x86b."
    with pytest.raises(CheckpointError, match="gives a _Call attributes"):
        open_torch(write_zip(tmp_path / "a.bin", in_zip(build)))
    assert open_torch(GOLDEN / "tensors/zip.bin")


# === Pickles that describe something else ===

FLOATS = b"(Vstorage\nctorch\nFloatStorage\nV0\nVcpu\nI%d\ntQ"


def tensor_pickle(
    numel: int, offset: int, shape: str, strides: str, storage: bytes = FLOATS
) -> bytes:
    body = f"I{offset}\n({shape}t({strides}tI00\nNtR".encode()
    return b"}Vweight\nctorch._utils\n_rebuild_tensor_v2\n(" + storage % numel + body + b"s."


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (tensor_pickle(4, 0, "I5\n", "I1\n"), "beyond its storage"),
        (tensor_pickle(4, 1, "I2\nI2\n", "I2\nI1\n"), "beyond its storage"),
        (tensor_pickle(4, -1, "I2\n", "I1\n"), "impossible layout"),
        (tensor_pickle(4, 0, "I2\n", "I-1\n"), "impossible layout"),
        (tensor_pickle(4, 0, "I2\nI2\n", "I1\n"), "impossible layout"),
        (tensor_pickle(5, 0, "I2\n", "I1\n"), "has 16 bytes for"),
        (tensor_pickle(4, 0, "F1.5\n", "I1\n"), "is described by"),
        (b"}Vweight\nI1\ns.", "other things than tensors: {'weight': 'int'}"),
        (b"(lI1\na.", "holds a list, not a dict"),
        (b"(Vmodule\nV0\ntQ.", "a storage is described by"),
        (b"", "damaged"),
        (b"}Vweight\n", "damaged"),
    ],
)
def test_impossible_tensors(payload: bytes, message: str, tmp_path: pathlib.Path) -> None:
    members = {**in_zip(payload), "archive/data/0": bytes(16)}
    with pytest.raises(CheckpointError, match=message):
        open_torch(write_zip(tmp_path / "a.bin", members))


GOOD = tensor_pickle(4, 0, "I2\nI2\n", "I2\nI1\n")


def test_the_hand_written_pickle_is_otherwise_sound(tmp_path: pathlib.Path) -> None:
    values = np.arange(4, dtype="<f4")
    members = {**in_zip(GOOD), "archive/data/0": values.tobytes()}
    tensor = open_torch(write_zip(tmp_path / "a.bin", members))["weight"]
    np.testing.assert_array_equal(tensor.read(), values.reshape(2, 2))


@pytest.mark.parametrize(
    ("members", "method", "message"),
    [
        (in_zip(GOOD), 0, "no member for"),
        ({"archive/data/0": bytes(16)}, 0, "0 members called data.pkl"),
        ({**in_zip(GOOD), "b/data.pkl": GOOD}, 0, "2 members called data.pkl"),
        ({**in_zip(GOOD), "archive/data/0": bytes(16)}, 8, "compressed"),
        ({**in_zip(GOOD), "archive/byteorder": b"big"}, 0, "little-endian"),
    ],
)
def test_odd_archives(
    members: dict[str, bytes], method: int, message: str, tmp_path: pathlib.Path
) -> None:
    with pytest.raises(CheckpointError, match=message):
        open_torch(write_zip(tmp_path / "a.bin", members, method))


def test_two_members_of_one_name(tmp_path: pathlib.Path) -> None:
    path = write_zip(tmp_path / "a.bin", {**in_zip(GOOD), "archive/data/0": bytes(16)})
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("archive/data/0", bytes(16))
    with pytest.raises(CheckpointError, match="one name"):
        open_torch(path)


# === Damage ===


@pytest.mark.parametrize(
    "name", ["bert/model.safetensors", "bin_zip/pytorch_model.bin", "bin_legacy/pytorch_model.bin"]
)
@pytest.mark.parametrize("kept", [0, 1, 7, 100, 2_000, 20_000, -1])
def test_truncated(name: str, kept: int, tmp_path: pathlib.Path) -> None:
    path = tmp_path / pathlib.Path(name).name
    path.write_bytes((GOLDEN / name).read_bytes()[:kept])
    with pytest.raises(CheckpointError, match=path.name):
        for tensor in open_tensors(tmp_path).values():
            tensor.read()


@pytest.mark.parametrize("name", FORMATS)
def test_flipped_bytes_never_escape_as_another_error(name: str, tmp_path: pathlib.Path) -> None:
    content = (GOLDEN / f"tensors/{name}.bin").read_bytes()
    generator, refused = np.random.default_rng(5), 0
    for _ in range(300):
        damaged = bytearray(content)
        for place in generator.integers(0, len(content), 3):
            damaged[place] = generator.integers(0, 256)
        path = tmp_path / "a.bin"
        path.write_bytes(damaged)
        try:
            open_torch(path)
        except CheckpointError:
            refused += 1
    assert refused > 30


def header(entries: object) -> bytes:
    text = entries if isinstance(entries, bytes) else json.dumps(entries).encode()
    return struct.pack("<Q", len(text)) + text


def entry(start: int, end: int, dtype: str = "F32", shape: tuple[int, ...] = (2,)) -> dict:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


@pytest.mark.parametrize(
    "content",
    [
        struct.pack("<Q", 2**60) + b"{}",
        struct.pack("<Q", 2**64 - 1) + b"{}",
        header(b"not json"),
        header(b"[1, 2]"),
        header({"a": entry(0, 8), "b": entry(4, 12)}) + bytes(12),
        header({"a": entry(0, 8), "b": entry(12, 20)}) + bytes(20),
        header({"a": entry(0, 8, shape=(3,))}) + bytes(8),
        header({"a": entry(0, 8, dtype="F33")}) + bytes(8),
        header({"a": entry(0, 8)}) + bytes(9),
        header({"a": entry(8, 0)}) + bytes(8),
    ],
)
def test_corrupt_safetensors(content: bytes, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="not a complete safetensors file"):
        open_tensors(tmp_path)


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
            "a pointer of Git LFS; `git",
        ),
        (b"<!DOCTYPE html>\n<html>", "a web page; the address"),
        (b"\n\n<html><body>", "a web page"),
        (b"<?xml version='1.0'?><Error>", "a web page"),
    ],
)
def test_what_lies_in_place_of_a_file(
    content: bytes, message: str, name: str, tmp_path: pathlib.Path
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CheckpointError, match=message):
        open_tensors(tmp_path)


def test_a_type_that_is_not_read(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(header({"a": entry(0, 16, dtype="C64")}) + bytes(16))
    with pytest.raises(CheckpointError, match=r"stores tensors as \['C64'\]"):
        open_tensors(tmp_path)


# === Which files ===


def test_a_directory_without_weights(tmp_path: pathlib.Path) -> None:
    (tmp_path / "tf_model.h5").touch()
    with pytest.raises(FileNotFoundError, match=r"holds none of .*It holds \['tf_model.h5'\]"):
        open_tensors(tmp_path)


def write_shards(directory: pathlib.Path, index: dict[str, str]) -> dict[str, np.ndarray]:
    tensors = {n: t.read() for n, t in open_safetensors(GOLDEN / "bert/model.safetensors").items()}
    halves = {"a.safetensors": {}, "b.safetensors": {}}
    for number, (name, values) in enumerate(sorted(tensors.items())):
        halves["ab"[number % 2] + ".safetensors"][name] = values
    for name, part in halves.items():
        safetensors.numpy.save_file(part, directory / name)
    places = {tensor: name for name, part in halves.items() for tensor in part}
    content = json.dumps({"weight_map": {**places, **index}})
    (directory / "model.safetensors.index.json").write_text(content)
    return tensors


def test_shards(tmp_path: pathlib.Path) -> None:
    expected = write_shards(tmp_path, {})
    tensors = open_tensors(tmp_path)
    assert set(tensors) == set(expected)
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(tensor.read(), expected[name])


@pytest.mark.parametrize(
    ("index", "error", "message"),
    [
        ({"extra": "a.safetensors"}, CheckpointError, r"disagree about \['extra'\]"),
        ({"extra": "0.safetensors"}, FileNotFoundError, "names 0.safetensors"),
        ({"extra": "../a.safetensors"}, CheckpointError, "outside its directory"),
        ({"extra": "/etc/passwd"}, CheckpointError, "outside its directory: .*/etc/passwd"),
        ({"extra": "sub/a.safetensors"}, CheckpointError, "named by its file name alone"),
        ({"extra": ".."}, CheckpointError, "outside its directory"),
        ({"extra": "a\0"}, CheckpointError, "outside its directory"),
        ({"extra": "a" * 5000}, CheckpointError, "outside its directory"),
        ({"extra": 1}, CheckpointError, r"outside its directory: \[1\]"),
    ],
)
def test_shards_that_do_not_match(
    index: dict[str, str], error: type[Exception], message: str, tmp_path: pathlib.Path
) -> None:
    write_shards(tmp_path, index)
    with pytest.raises(error, match=message):
        open_tensors(tmp_path)


BROKEN = {
    "": "not valid JSON",
    "{": "not valid JSON",
    "[]": "must hold a JSON object",
    "{}": "not an index of shards",
    '{"weight_map": [1]}': "not an index of shards",
    '{"weight_map":' * 5000: "not valid JSON",
}


@pytest.mark.parametrize("text", BROKEN, ids=lambda text: text[:20])
def test_a_broken_index(text: str, tmp_path: pathlib.Path) -> None:
    (tmp_path / "model.safetensors.index.json").write_text(text)
    with pytest.raises(CheckpointError, match=rf"index\.json .*{BROKEN[text]}"):
        open_tensors(tmp_path)


def test_sharded_pickles(tmp_path: pathlib.Path) -> None:
    shard = "pytorch_model-00001-of-00001.bin"
    shutil.copy(GOLDEN / "bin_zip/pytorch_model.bin", tmp_path / shard)
    names = sorted(open_torch(tmp_path / shard))
    index = json.dumps({"weight_map": dict.fromkeys(names, shard)})
    (tmp_path / "pytorch_model.bin.index.json").write_text(index)
    assert sorted(open_tensors(tmp_path)) == names

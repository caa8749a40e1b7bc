"""Shards: token ids of documents in safetensors files, with a manifest beside them.

A directory of shards holds ``shards.json`` (the manifest), ``tokenizer/`` (the files that
``transformers.AutoTokenizer`` reads) and files ``shard-00000.safetensors``, each with

===================  ==============  =====================================================
``input_ids``        uint16 or int32 ``(T,)``: the tokens of all documents, one after the
                                     other, without special tokens
``sentence_ends``    int32           ``(sentences,)``: where each sentence ends, in tokens
``document_ends``    int32           ``(documents,)``: where each document ends, in sentences
``word_continues``   uint8           ``(T,)``, where words are known that the vocabulary does
                                     not show: 1 if a token goes on with the word before it
===================  ==============  =====================================================

Every document has at least one sentence, every sentence at least one token.
"""

from __future__ import annotations

import dataclasses
import hashlib
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import safetensors

from keras_bert_zoo.foreign import is_inside, read_json

MANIFEST, TOKENIZER = "shards.json", "tokenizer"
FORMAT = "keras-bert-zoo shards 1"
_TYPES: dict[str, Any] = {"U16": np.dtype("<u2"), "I32": np.dtype("<i4"), "U8": np.dtype("u1")}

# What a shard holds, and as what.
_ARRAYS = {
    "input_ids": ("U16", "I32"),
    "sentence_ends": ("I32",),
    "document_ends": ("I32",),
    "word_continues": ("U8",),
}
_OPTIONAL = {"word_continues"}
_AGAIN = "Run prepare again with the same arguments: it makes all shards anew."


class ShardError(ValueError):
    """Shards that are missing, damaged, or made with another vocabulary."""


@dataclasses.dataclass(frozen=True)
class Shard:
    """The arrays of one file; mapped from it, not read.

    Args:
        input_ids: uint16 or int32 ``(T,)``.
        sentence_ends: int32, in tokens.
        document_ends: int32, in sentences.
        word_continues: uint8 ``(T,)`` or ``None``.
    """

    input_ids: np.ndarray
    sentence_ends: np.ndarray
    document_ends: np.ndarray
    word_continues: np.ndarray | None = None


def open_shard(path: pathlib.Path) -> Shard:
    """Maps a shard.

    Raises:
        ShardError: the file is missing, truncated, or no shard.
    """
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            slices = {name: file.get_slice(name) for name in file.offset_keys()}
            stated = {name: (part.get_dtype(), part.get_shape()) for name, part in slices.items()}
    except (safetensors.SafetensorError, OSError) as error:
        raise _no_shard(path, error) from error
    odd = [
        name
        for name, (kind, shape) in stated.items()
        if kind not in _ARRAYS.get(name, ()) or len(shape) != 1 or shape[0] == 0
    ]
    missing = sorted(_ARRAYS.keys() - stated.keys() - _OPTIONAL)
    if odd or missing:
        raise _no_shard(path, f"it lacks {missing}, and of {odd[:3]} type or shape is wrong")
    with path.open("rb") as raw:
        offset = 8 + int.from_bytes(raw.read(8), "little")
    arrays = {}
    for name, (kind, shape) in stated.items():
        arrays[name] = np.memmap(path, _TYPES[kind], "r", offset, tuple(shape))
        offset += arrays[name].nbytes
    return Shard(**arrays)


def _no_shard(path: pathlib.Path, reason: object) -> ShardError:
    return ShardError(f"{path} is no complete shard: {reason}. {_AGAIN}")


class Shards:
    """The shards of one directory.

    Args:
        directory: where ``prepare`` wrote them.

    Attributes:
        manifest: the content of ``shards.json``.
        files: paths, in order.

    Raises:
        FileNotFoundError: there is no manifest.
        ShardError: a shard that the manifest names is missing or has another size.
    """

    def __init__(self, directory: str | pathlib.Path) -> None:
        self.directory = pathlib.Path(directory)
        path = self.directory / MANIFEST
        if not path.is_file():
            raise FileNotFoundError(
                f"{self.directory} holds no {MANIFEST}: it is no directory of finished shards. "
                "keras-bert-zoo prepare makes one."
            )
        self.manifest = _read_manifest(path)
        self.files = [self.directory / shard["file"] for shard in self.manifest["shards"]]
        self._check()

    def _check(self) -> None:
        wrong = [
            file.name
            for file, shard in zip(self.files, self.manifest["shards"], strict=True)
            if not file.is_file() or file.stat().st_size != shard["bytes"]
        ]
        if wrong:
            raise ShardError(
                f"{self.directory} lacks {wrong}, or they are truncated. Run prepare again with "
                "the same arguments: it makes all shards anew."
            )

    def __len__(self) -> int:
        return len(self.files)

    def open(self, index: int) -> Shard:
        """Maps one shard.

        Raises:
            ShardError: it is damaged.
        """
        shard, file = open_shard(self.files[index]), self.files[index]
        size = self.manifest["vocab_size"]
        ends = (shard.sentence_ends, shard.document_ends)
        words = shard.word_continues
        if (
            int(shard.input_ids.min()) < 0
            or int(shard.input_ids.max()) >= size
            or ends[0][-1] != len(shard.input_ids)
            or ends[1][-1] != len(ends[0])
            or any(each[0] <= 0 or np.any(np.diff(each) <= 0) for each in ends)
            or (words is not None and len(words) != len(shard.input_ids))
        ):
            raise ShardError(
                f"{file} is damaged: its ids or ends are none that prepare writes. Remove it and "
                "run prepare again."
            )
        return shard

    @property
    def tokens(self) -> list[int]:
        """Tokens of each shard."""
        return [shard["tokens"] for shard in self.manifest["shards"]]

    def check_vocabulary(self, words: Sequence[str]) -> None:
        """Refuses a tokenizer other than the one the shards were made with.

        Raises:
            ShardError: the vocabularies differ.
        """
        given = vocabulary_digest(words)
        if given != self.manifest["vocabulary"]:
            raise ShardError(
                f"{self.directory} was made with another vocabulary: its digest is "
                f"{self.manifest['vocabulary']}, that of the model's tokenizer {given}. Run "
                "prepare with the tokenizer of the model."
            )


def _read_manifest(path: pathlib.Path) -> dict[str, Any]:
    manifest: dict[str, Any] = read_json(path, lambda reason: ShardError(f"{reason}. {_AGAIN}"))
    shards = manifest.get("shards")
    sound = isinstance(shards, list) and all(
        isinstance(shard, dict)
        and is_inside(shard.get("file"))
        and all(type(shard.get(key)) is int for key in ("bytes", "tokens"))
        for shard in shards
    )
    if not sound or type(manifest.get("vocab_size")) is not int or "vocabulary" not in manifest:
        raise ShardError(
            f"{path} is damaged: it needs vocab_size, vocabulary and shards, each with the name of "
            f"a file beside it, its bytes and tokens. {_AGAIN}"
        )
    return manifest


def vocabulary_digest(words: Sequence[str]) -> str:
    """SHA-256 of the tokens in the order of their ids, 16 hexadecimal digits."""
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:16]

"""Shards of a running text, for benchmarks: paragraphs are documents, lines are sentences."""

from __future__ import annotations

import gzip
import json
import pathlib
from typing import Any

import numpy as np
import safetensors.numpy

from keras_bert_zoo.corpus import shards as format_


def read_text(path: pathlib.Path, limit: int | None = None) -> str:
    """The first ``limit`` bytes of a text file, gzipped or not."""
    content = path.read_bytes()
    content = gzip.decompress(content) if path.suffix == ".gz" else content
    return content[:limit].decode("utf-8", "ignore")


def shards_of(
    text: str, tokenizer: Any, directory: pathlib.Path, paragraphs: int = 100
) -> format_.Shards:
    """One shard of a text.

    Args:
        text: with blank lines between paragraphs.
        tokenizer: a ``WordPieceTokenizer``.
        directory: where the shard is written.
        paragraphs: how many are a document.
    """
    blocks = [block.split("\n") for block in text.split("\n\n")]
    lines = [
        (number, line) for number, block in enumerate(blocks) for line in block if line.strip()
    ]
    ids = tokenizer([line for _, line in lines], add_special_tokens=False)["input_ids"]
    lengths = ids.row_lengths().numpy()
    document = np.array([number // paragraphs for number, _ in lines])[lengths > 0]
    ends = np.append(np.flatnonzero(np.diff(document)) + 1, len(document))
    arrays = {
        "input_ids": ids.flat_values.numpy().astype("uint16"),
        "sentence_ends": np.cumsum(lengths[lengths > 0]).astype("int32"),
        "document_ends": ends.astype("int32"),
    }
    file = directory / "shard-00000.safetensors"
    safetensors.numpy.save_file(arrays, file)
    tokenizer.save(directory / format_.TOKENIZER)
    tokens = len(arrays["input_ids"])
    manifest = {
        "format": format_.FORMAT,
        "vocabulary": format_.vocabulary_digest(tokenizer.words),
        "vocab_size": len(tokenizer.words),
        "shards": [{"file": file.name, "bytes": file.stat().st_size, "tokens": tokens}],
    }
    (directory / format_.MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    return format_.Shards(directory)

"""Sequences of symbols to be written backwards or sorted, as files, and a tokenizer for them."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Callable, Mapping

import numpy as np

from keras_bert_zoo import WordPieceTokenizer

SYMBOLS = [f"s{index:02d}" for index in range(20)]
KINDS: dict[str, Callable[[list[str]], list[str]]] = {
    "reverse": lambda symbols: symbols[::-1],
    "sort": sorted,
}
SIZES = {
    "model_type": "marian",
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "max_position_embeddings": 16,
    "activation_function": "relu",
    "dropout": 0.0,
    "scale_embedding": True,
}


def sizes(width: int) -> dict[str, object]:
    """A Transformer of two layers on each side; words begin with a length of about 1."""
    inner = dict.fromkeys(("encoder_ffn_dim", "decoder_ffn_dim"), 2 * width)
    return {**SIZES, **inner, "d_model": width, "init_std": width**-0.5}


def save_tokenizer(directory: pathlib.Path) -> str:
    """A tokenizer of the symbols."""
    directory.mkdir()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    WordPieceTokenizer([*special, *SYMBOLS], model_max_length=16).save(directory)
    return str(directory)


def write_files(directory: pathlib.Path, kind: str, counts: Mapping[str, int]) -> dict[str, str]:
    """Files of sequences of 3 to 10 symbols, of which no two are the same in any of them."""
    random = np.random.default_rng(0)
    seen: set[tuple[str, ...]] = set()
    files = {}
    for name, count in counts.items():
        rows = []
        while len(rows) < count:
            symbols = random.choice(SYMBOLS, random.integers(3, 11)).tolist()
            if tuple(symbols) not in seen:
                seen.add(tuple(symbols))
                written = KINDS[kind](symbols)
                rows.append({"source": " ".join(symbols), "target": " ".join(written)})
        path = directory / f"{name}.jsonl"
        path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
        files[name] = str(path)
    return files

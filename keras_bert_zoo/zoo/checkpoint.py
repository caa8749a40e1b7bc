"""What is known of one published checkpoint."""

from __future__ import annotations

import dataclasses
from typing import Any

from keras_bert_zoo.checkpoints import tables
from keras_bert_zoo.config import EncoderConfig

# What a checkpoint is ready for. An encoder is to be fine-tuned; the rest are tasks of `load`.
TASKS = ("encoder", "sentence_embedding")
# How it cuts texts.
TOKENIZERS = ("wordpiece", "unigram", "byte-bpe")


@dataclasses.dataclass(frozen=True)
class Paper:
    """A paper on arXiv.

    Args:
        arxiv: its identifier.
        year: of the first version.
        authors: of the version that is on arXiv now, as BibTeX has them.
        title: likewise.
    """

    arxiv: str
    year: int
    authors: str
    title: str

    def bibtex(self, key: str) -> str:
        """Returns the entry for a bibliography."""
        return (
            f"@misc{{{key},\n"
            f"  title = {{{{{self.title}}}}},\n"
            f"  author = {{{self.authors}}},\n"
            f"  year = {{{self.year}}},\n"
            f"  eprint = {{{self.arxiv}}},\n"
            "  archivePrefix = {arXiv},\n"
            "}"
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """One published checkpoint: one row of the zoo.

    What could not be confirmed is ``None``.

    Args:
        name: short name, for ``load``.
        config: sizes and choices, as its ``config.json`` states them.
        task: one of ``TASKS``.
        tokenizer: one of ``TOKENIZERS``.
        cased: whether it tells upper case from lower case.
        languages: BCP 47 tags of what it was trained on.
        licence: SPDX identifier.
        paper: the paper that describes it.
        hugging_face: its repository.
        package: an installed package that holds the same files, and the folder in it.
        google: its archive of a TensorFlow 1 checkpoint in Google's storage, bucket first.
        tf_hub: its handle on TensorFlow Hub, without a version.
        kaggle: its handle on Kaggle for keras-hub, without a version.
        sha256: digest of ``model.safetensors``.
    """

    name: str
    config: EncoderConfig
    task: str = "encoder"
    tokenizer: str = "wordpiece"
    cased: bool | None
    languages: tuple[str, ...] = ("en",)
    licence: str
    paper: Paper
    hugging_face: str
    package: str | None = None
    google: str | None = None
    tf_hub: str | None = None
    kaggle: str | None = None
    sha256: str | None = None

    @property
    def source(self) -> str:
        """Where ``load`` takes it from, see ``checkpoints.sources``."""
        return f"package://{self.package}" if self.package else f"hf://{self.hugging_face}"

    @property
    def architecture(self) -> str:
        """``model_type`` of its ``config.json``."""
        return self.config.model_type

    @property
    def parameters(self) -> int:
        """Number of weights of the encoder, with its pooler where it has one."""
        hidden = self.config.hidden_size
        has_pooler = tables.architecture(self.architecture).pooler
        return self.config.parameters - (0 if has_pooler else hidden * (hidden + 1))

    @property
    def tags(self) -> frozenset[str]:
        """Its languages, and ``zh`` where ``zh-Hans`` is among them."""
        return frozenset(self.languages) | {tag.partition("-")[0] for tag in self.languages}

    def to_dict(self) -> dict[str, Any]:
        """Returns all that is known, as JSON can hold it."""
        own = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        derived = {"source": self.source, "parameters": self.parameters}
        return {**own, **derived, "config": self.config.to_dict(), "paper": self.paper.arxiv}

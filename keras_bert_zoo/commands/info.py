"""``keras-bert-zoo info``: one checkpoint: what it is, what it takes, how to cite it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keras_bert_zoo.config import EncoderConfig
    from keras_bert_zoo.zoo import Checkpoint

Facts = Mapping[str, str]
_LENGTH = 128


def info(source: str, *, batch: int, length: int | None) -> None:
    """Show what a checkpoint or bundle is, and what it takes to run and to train.

    The arguments are those of the command line.
    """
    from keras_bert_zoo import zoo

    checkpoint = zoo.find(source)
    config, facts = _published(checkpoint) if checkpoint else _stored(source)
    limit = config.max_tokens
    length = min(_LENGTH, limit) if length is None else length
    if batch < 1:
        raise ValueError(f"batch must be at least 1, received {batch}.")
    if not 0 < length <= limit:
        raise ValueError(f"length must be from 1 to {limit}, the longest row, received {length}.")
    _print(source, {**_sizes(config), **facts})
    _print(f"float32, {batch} rows of {length} tokens", _needs(config, batch, length))
    _print("files, estimated", _files(config))
    if checkpoint:
        print(checkpoint.paper.bibtex(checkpoint.name))


def _sizes(config: EncoderConfig) -> dict[str, str]:
    return {
        "architecture": config.model_type,
        "layers": f"{config.num_hidden_layers}",
        "hidden size": f"{config.hidden_size}, {config.num_attention_heads} heads",
        "feed-forward": f"{config.intermediate_size}",
        "vocabulary": f"{config.vocab_size:,}",
        "longest row": f"{config.max_tokens} tokens",
    }


def _published(checkpoint: Checkpoint) -> tuple[EncoderConfig, Facts]:
    casing = {True: "cased", False: "uncased", None: "casing not known"}[checkpoint.cased]
    facts = {
        "weights": f"{checkpoint.parameters:,}, in float32 {_bytes(4 * checkpoint.parameters)}",
        "task": checkpoint.task,
        "tokenizer": f"{checkpoint.tokenizer}, {casing}",
        "languages": " ".join(checkpoint.languages),
        "licence": checkpoint.licence,
        "paper": f"arXiv:{checkpoint.paper.arxiv}",
        "loaded from": checkpoint.source,
        "Hugging Face": checkpoint.hugging_face,
        "Google storage": checkpoint.google,
        "TensorFlow Hub": checkpoint.tf_hub,
        "Kaggle": checkpoint.kaggle,
        "SHA-256": checkpoint.sha256,
    }
    return checkpoint.config, {name: value for name, value in facts.items() if value}


def _stored(source: str) -> tuple[EncoderConfig, Facts]:
    """What the files of a directory say, values of the weights unread."""
    from keras_bert_zoo.checkpoints import purpose, sentence_transformers, sources
    from keras_bert_zoo.checkpoints.layouts import layout_of

    directory = sources.resolve(source)
    task = purpose.trained_for(directory)
    encoder = sentence_transformers.read_modules(directory).encoder
    checkpoint = layout_of(encoder).read(encoder)
    tensors = checkpoint.tensors.values()
    numbers = sum(math.prod(tensor.shape) for tensor in tensors)
    size = sum(math.prod(tensor.shape) * tensor.dtype.itemsize for tensor in tensors)
    facts = {
        "weights": f"{numbers:,} numbers in {len(tensors)} tensors, {_bytes(size)} as stored",
        "task": task or "encoder",
        "loaded from": str(directory),
    }
    return checkpoint.config, facts


def _needs(config: EncoderConfig, batch: int, length: int) -> Facts:
    from keras_bert_zoo.training import flops, memory

    forward = flops.forward_flops_per_token(config, length)
    training = flops.flops_per_token(config, length, predictions=0)
    tokens = batch * length
    return {
        "memory to predict": f"about {_bytes(memory.inference_bytes(config, batch, length))}",
        "memory to train": f"about {_bytes(memory.training_bytes(config, batch, length))}, AdamW",
        "operations to predict": f"{forward:.2e} a token, {forward * tokens:.2e} a batch",
        "operations to train": f"{training:.2e} a token, {training * tokens:.2e} a batch",
    }


def _files(config: EncoderConfig) -> Facts:
    from keras_bert_zoo.export.sizes import estimated_sizes

    return {name: _bytes(size) for name, size in estimated_sizes(config).items()}


def _bytes(size: float) -> str:
    return f"{size / 1e6:,.1f} MB"


def _print(title: str, facts: Facts) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 0, 0, 2), pad_edge=True, show_header=False)
    for name, value in facts.items():
        # As it is: a path may read like markup.
        table.add_row(name, Text(value))
    console = Console(highlight=False)
    console.print(Text(title, style="bold"))
    console.print(table)


def main(argv: Sequence[str] | None = None) -> None:
    """Parses the arguments of the command and runs it."""
    import jsonargparse

    description = (info.__doc__ or "").splitlines()[0]
    parser = jsonargparse.ArgumentParser(prog="keras-bert-zoo info", description=description)
    add = parser.add_argument
    add("source", help="short name of the zoo, or a directory")
    add("--batch", type=int, default=32, help="rows in a batch")
    tokens = f"tokens in a row; by default {_LENGTH}, or as many as the model takes"
    add("--length", type=int | None, help=tokens)
    info(**vars(parser.parse_args(argv)))

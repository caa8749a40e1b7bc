"""Which weights of an encoder are trained: not its lower layers, or only updates of low rank.

What is chosen here holds from the next ``compile`` on. Heads, and the pooler as a part of them,
are always trained.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import keras

from keras_bert_zoo.layers import Block, Pooler


def blocks_of(encoder: keras.Model) -> list[Block]:
    """The blocks of an encoder, the lowest first."""
    return [layer for layer in encoder.layers if isinstance(layer, Block)]


def freeze_layers(encoder: keras.Model, count: int) -> None:
    """Keeps the embeddings and the lowest blocks as they are.

    Args:
        encoder: an ``Encoder``.
        count: blocks that are not trained; 0 freezes the embeddings alone.

    Raises:
        ValueError: there are not so many blocks.
    """
    blocks = blocks_of(encoder)
    if not 0 <= count <= len(blocks):
        raise ValueError(
            f"freeze_layers must be from 0 (the embeddings alone) to {len(blocks)}, the blocks of "
            f"the model, received {count}."
        )
    # In the order of the graph; a normalisation may follow the last block.
    layers = encoder.layers
    end = layers.index(blocks[count]) if count < len(blocks) else len(layers)
    for layer in layers[:end]:
        for variable in () if isinstance(layer, Pooler) else layer.weights:
            variable.trainable = False


def add_lora(
    encoder: keras.Model,
    rank: int,
    alpha: float | None = None,
    targets: Sequence[str] | None = None,
    first_block: int = 0,
) -> None:
    """Freezes embeddings and blocks and trains updates of low rank, see ``Linear.enable_lora``.

    Args:
        encoder: an ``Encoder``.
        rank: of the updates.
        alpha: their scale; by default the rank, a scale of 1.
        targets: the layers that get one, by the ends of their names as peft takes them; by default
            those that make queries and values. BERT has ``"query"``, ``"key"``, ``"value"``,
            ``"attention.output.dense"``, ``"intermediate.dense"``, ``"output.dense"`` (attention's
            too), ``"dense"`` (all three).
        first_block: the lowest block whose layers get one.

    Raises:
        ValueError: a target is the end of no name, or no block is left.
    """
    blocks = blocks_of(encoder)
    names = list(blocks[0].projections)
    targets = blocks[0].lora_targets if targets is None else targets
    unknown = [target for target in targets if not _chosen(names, [target])]
    if unknown or not targets:
        raise ValueError(
            f"lora_targets must be ends of {names}, at least one, received {list(targets)}."
        )
    if not 0 <= first_block < len(blocks):
        raise ValueError(
            f"LoRA needs a block of {len(blocks)} that is not frozen, received freeze_layers="
            f"{first_block}. Freeze fewer, or leave lora_rank out."
        )
    freeze_layers(encoder, len(blocks))
    for block in blocks[first_block:]:
        for name in _chosen(names, targets):
            block.projections[name].enable_lora(rank, alpha)


def _chosen(names: Iterable[str], targets: Sequence[str]) -> list[str]:
    return [name for name in names if any(f".{name}".endswith(f".{t}") for t in targets)]


def merged_weights(model: keras.Model) -> dict[str, Any]:
    """The weights by path, as a model without updates of low rank has them.

    Args:
        model: an encoder, or a task model around one; it stays as it is.
    """
    weights = {weight.path: weight.value for weight in model.weights}
    blocks = blocks_of(getattr(model, "encoder", model))
    adapted = [each for block in blocks for each in block.projections.values() if each.lora_rank]
    for layer in adapted:
        weights[layer.kernel.path] = layer.merged_kernel()
        del weights[layer.lora_kernel_a.path], weights[layer.lora_kernel_b.path]
    return weights

"""Epochs of a corpus, planned block by block. No TensorFlow."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from keras_bert_zoo.corpus.shards import Shards
from keras_bert_zoo.data.pretraining.block import Block
from keras_bert_zoo.data.pretraining.full_sentences import plan_full_sentences
from keras_bert_zoo.data.pretraining.options import BatchOptions
from keras_bert_zoo.data.pretraining.packing import plan_packed
from keras_bert_zoo.data.pretraining.rows import Rows
from keras_bert_zoo.data.pretraining.sentence_pairs import plan_pairs

# Bounds the memory of a plan: documents are mixed, and rows shuffled, within a block.
BLOCK_TOKENS = 1 << 26

_Plan = Callable[[Block, BatchOptions, np.random.Generator], Rows]
_PLANS: dict[str, _Plan] = {
    "next": plan_pairs,
    "order": plan_pairs,
    "none": plan_full_sentences,
    "packed": plan_packed,
}


class Place(NamedTuple):
    """A block of an epoch, and the step that its first batch is for."""

    step: int
    epoch: int
    block: int


@dataclasses.dataclass(frozen=True)
class PlannedBlock:
    """The rows of a block, in the order in which they are used.

    Args:
        block: where their tokens are.
        rows: what stands in them.
        order: int64 ``(R,)``.
        seeds: uint32 ``(R,)``, of the masks.
    """

    block: Block
    rows: Rows
    order: np.ndarray
    seeds: np.ndarray


class Epochs:
    """The blocks of all epochs.

    Args:
        shards: of a corpus.
        options: of the rows.
        seed: with the number of the epoch, it decides everything.

    Raises:
        ValueError: the corpus has no tokens, or the seed is negative.
    """

    def __init__(self, shards: Shards, options: BatchOptions, seed: int) -> None:
        if seed < 0:
            raise ValueError(f"seed must be 0 or more, received {seed}.")
        if not sum(shards.tokens):
            raise ValueError(f"{shards.directory} holds no tokens: prepare a corpus that has some.")
        self.shards, self.options, self.seed = shards, options, seed
        # The block in use is asked for its rows, its place and its statistics.
        self.plan = functools.lru_cache(maxsize=1)(self._plan)

    def blocks(self, epoch: int) -> list[list[int]]:
        """Numbers of the shards in each block: all of them, in the order of this epoch."""
        sizes = self.shards.tokens
        order = np.random.default_rng([self.seed, epoch]).permutation(len(sizes))
        blocks: list[list[int]] = []
        size = BLOCK_TOKENS
        for index in (index for index in order.tolist() if sizes[index]):
            if size + sizes[index] > BLOCK_TOKENS:
                blocks.append([])
                size = 0
            blocks[-1].append(index)
            size += sizes[index]
        return blocks

    def _plan(self, epoch: int, index: int) -> PlannedBlock:
        block = Block.of([self.shards.open(shard) for shard in self.blocks(epoch)[index]])
        # Not 0, which would seed it as the order of the shards was.
        random = np.random.default_rng([self.seed, epoch, index + 1])
        kind = "packed" if self.options.packed else self.options.sentences
        rows = _PLANS[kind](block, self.options, random)
        return PlannedBlock(
            block=block,
            rows=rows,
            order=random.permutation(len(rows)),
            seeds=random.integers(0, 1 << 32, len(rows), dtype="uint32"),
        )

    def after(self, place: Place, batches: int) -> Place:
        """The block after one that has so many batches."""
        step, index = place.step + batches, place.block + 1
        if index < len(self.blocks(place.epoch)):
            return Place(step, place.epoch, index)
        return Place(step, place.epoch + 1, 0)

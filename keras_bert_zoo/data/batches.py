"""Length-bucketed batches of tokenised texts as a ``tf.data.Dataset``.

TensorFlow-only. ``B`` is the batch size, ``S`` the width of one batch: a bucket's bound. Rows with
two sides, a text and what is written of it, have a width for each.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert_zoo.data.dataset_options import untuned
from keras_bert_zoo.data.examples import Examples
from keras_bert_zoo.data.rows import Rows, Width, labelled_rows

# Steps of a sixteenth to an eighth: 4 of 100 tokens of phrases and tweets are padding; with steps
# of 8 it is 20 and 10, with 16, 32, 64 a third. TensorFlow makes one graph for all widths.
BUCKETS = (
    *range(4, 32, 2),
    *range(32, 64, 4),
    *range(64, 128, 8),
    *range(128, 256, 16),
    *range(256, 513, 32),
)
# XLA compiles the training step for each width.
BUCKETS_OF_XLA = (32, 64, 128, 256, 512)


@dataclasses.dataclass(frozen=True)
class Batch:
    """Which rows stand in a batch, and its width ``S``; of rows with two sides, two of them."""

    rows: np.ndarray
    width: Width


def plan(
    lengths: np.ndarray,
    *,
    batch_size: int,
    buckets: Sequence[int] = BUCKETS,
    seed: int | None = None,
    epoch: int = 0,
    kinds: np.ndarray | None = None,
) -> list[Batch]:
    """Decides the batches of one epoch: every row exactly once.

    Rows are shuffled, sorted by bucket and cut into batches; the batches are shuffled. All
    batches are full, but one of the shortest rows where the numbers do not divide.

    Args:
        lengths: tokens of each row, ``(N,)``, or of both its sides, ``(N, 2)``.
        batch_size: ``B``.
        buckets: widths of batches; the longest row must fit into the largest.
        seed: with ``epoch`` it decides the order, on every machine; ``None`` keeps rows of
            one bucket in their order, and sorts the batches by width.
        epoch: number of the epoch.
        kinds: a number for each row, ``(N,)``: every batch gets its share of each.

    Raises:
        ValueError: a row is longer than the largest bucket, or the batch size is not positive.
    """
    bounds = np.array(sorted(buckets))
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, received {batch_size}.")
    if len(lengths) and lengths.max() > bounds[-1]:
        raise ValueError(
            f"The longest row has {lengths.max()} tokens, the largest bucket holds {bounds[-1]}. "
            "Truncate the texts (max_length) or add a bucket."
        )
    random = None if seed is None else np.random.default_rng([seed, epoch])
    order = np.arange(len(lengths)) if random is None else random.permutation(len(lengths))
    bucket_of = np.searchsorted(bounds, lengths)
    kinds = np.zeros(len(lengths)) if kinds is None else kinds
    order = order[_by_share(bucket_of[order], kinds[order])]
    # The partial batch comes first: there its missing rows are shortest.
    cuts = np.arange(len(order) % batch_size, len(order), batch_size)
    parts = [rows for rows in np.split(order, cuts) if len(rows)]
    batches = [Batch(rows, bounds[bucket_of[rows].max(axis=0)].tolist()) for rows in parts]
    if random is None:
        return batches
    return [batches[index] for index in random.permutation(len(batches))]


def _by_share(bucket_of: np.ndarray, kinds: np.ndarray) -> np.ndarray:
    """The order of rows by the share of their kind that comes before them by bucket."""
    shares = np.empty(len(kinds))
    for kind in np.unique(kinds):
        rows = np.flatnonzero(kinds == kind)
        rows = rows[_by_bucket(bucket_of[rows])]
        shares[rows] = (np.arange(len(rows)) + 0.5) / len(rows)
    return np.argsort(shares, kind="stable")


def _by_bucket(bucket_of: np.ndarray) -> np.ndarray:
    """The order of rows by their bucket ``(N,)``, or by those of both sides ``(N, 2)``."""
    if bucket_of.ndim == 1:
        return np.argsort(bucket_of, kind="stable")
    first, second = bucket_of.T
    # Up and down in turn: a batch that begins in one bucket of the first side and ends in the
    # next holds rows that are alike on the second side.
    return np.lexsort((np.where(first % 2, -second, second), first))


class BucketedBatches:
    """Batches of labelled rows, shuffled anew in each epoch.

    A batch is ``(inputs, labels, weights)``: dicts of int32 ``(B, S)``; of labels by output,
    ``(B, …)`` or for tokens ``(B, S)``; of float32 weights, ``(B,)`` or ``(B, S)``, 0 for
    labels to ignore and in the rows which fill the last batch up. So every batch of a width
    has one shape, and XLA compiles one program for it.

    Args:
        rows: tokenised texts with labels.
        batch_size: ``B``.
        max_length: tokens of the longest row.
        seed: decides the order of each epoch; ``None`` does not shuffle.
        buckets: widths of batches; those of ``max_length`` and more become ``max_length``.

    Raises:
        ValueError: the rows have no labels, or there are none; a number is too small.
    """

    def __init__(
        self,
        rows: Rows,
        *,
        batch_size: int,
        max_length: int,
        seed: int | None = None,
        buckets: Sequence[int] = BUCKETS,
    ) -> None:
        if not len(rows) or not (rows.labels or rows.token_labels):
            raise ValueError("Training needs at least one example, and a label for each.")
        least = {"batch_size": (batch_size, 1), "max_length": (max_length, 3), "seed": (seed, 0)}
        for name, (value, smallest) in least.items():
            if value is not None and value < smallest:
                raise ValueError(f"{name} must be at least {smallest}, received {value}.")
        self.rows = rows
        self.batch_size = batch_size
        self.seed = seed
        self.buckets = buckets_for(max_length, buckets)

    def __len__(self) -> int:
        """Batches in an epoch."""
        return -(-len(self.rows) // self.batch_size)

    def plan(self, epoch: int) -> list[Batch]:
        """The batches of one epoch, see ``plan``."""
        return plan(
            self.rows.lengths,
            batch_size=self.batch_size,
            buckets=self.buckets,
            seed=self.seed,
            epoch=epoch,
            kinds=self.rows.kinds,
        )

    def dataset(self, first_epoch: int = 0, first_step: int = 0) -> tf.data.Dataset:
        """Batches from ``first_step`` on; each time it is iterated, those of the next epoch.

        Args:
            first_epoch: epoch of the first iteration.
            first_step: batches left out of every epoch, to go on inside one.
        """
        epochs = itertools.count(first_epoch)

        def batches() -> Iterator[Any]:
            for batch in self.plan(next(epochs))[first_step:]:
                yield self.filled(batch)

        dataset = tf.data.Dataset.from_generator(batches, output_signature=self._signature())
        cardinality = tf.data.experimental.assert_cardinality(len(self) - first_step)
        return dataset.apply(cardinality).prefetch(2).with_options(untuned())

    def _signature(self) -> Any:
        members = (self.rows.members,) if self.rows.members > 1 else ()
        size = self.batch_size
        spec = tf.TensorSpec
        tokens = self.rows.token_labels
        labels = {k: spec((size, *v.shape[1:]), v.dtype) for k, v in self.rows.labels.items()}
        weights = {name: spec((size,), tf.float32) for name in labels}
        return (
            dict.fromkeys(self.rows.names, spec((size, *members, None), tf.int32)),
            labels | {name: spec((size, None), v.dtype) for name, v in tokens.items()},
            weights | dict.fromkeys(tokens, spec((size, None), tf.float32)),
        )

    def filled(self, batch: Batch) -> tuple[dict[str, np.ndarray], ...]:
        """One batch, rows repeated with weights of 0 where they are too few."""
        rows = np.resize(batch.rows, self.batch_size)
        labels, weights = self.rows.targets(rows, batch.width)
        for values in weights.values():
            values[len(batch.rows) :] = 0.0
        return self.rows.inputs(rows, batch.width), labels, weights


def buckets_for(max_length: int, buckets: Sequence[int] = BUCKETS) -> tuple[int, ...]:
    """The buckets below ``max_length``, and ``max_length`` itself.

    Raises:
        ValueError: a bucket is not a positive number.
    """
    if not all(isinstance(bound, int) and bound > 0 for bound in buckets):
        raise ValueError(f"buckets must be widths of at least 1, received {list(buckets)}.")
    return (*(bound for bound in sorted(buckets) if bound < max_length), max_length)


def batches(examples: Examples, tokenizer: Any, *, max_length: int, **options: Any) -> Any:
    """Batches for ``model.fit`` of a classifier, as a ``tf.data.Dataset``.

    Args:
        examples: texts with labels.
        tokenizer: a ``Tokenizer``.
        max_length: tokens at which texts are truncated.
        **options: of ``BucketedBatches``.
    """
    rows = labelled_rows(examples, tokenizer, max_length)
    return BucketedBatches(rows, max_length=max_length, **options).dataset()

"""Length-bucketed batches of tokenised texts as a ``tf.data.Dataset``.

TensorFlow-only. ``B`` is the batch size, ``S`` the width of one batch: a bucket's bound.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert_zoo.data.examples import Examples

# Steps of 8 while rows are short: with 16, 32, 64 a third of a batch of tweets is padding.
# For XLA, which compiles the training step once for each width, take fewer.
BUCKETS = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512)
_TOKENISED_AT_ONCE = 4096
_INPUTS = ("input_ids", "attention_mask", "token_type_ids")


@dataclasses.dataclass(frozen=True)
class EncodedTexts:
    """Token ids of N texts, one after the other.

    Args:
        input_ids: int32 ``(tokens,)``.
        token_type_ids: int32 ``(tokens,)``.
        lengths: int64 ``(N,)``, tokens of each text.
        pad_token_id: fills ``input_ids``.
    """

    input_ids: np.ndarray
    token_type_ids: np.ndarray
    lengths: np.ndarray
    pad_token_id: int

    def __len__(self) -> int:
        return len(self.lengths)

    @functools.cached_property
    def _starts(self) -> np.ndarray:
        return np.concatenate([[0], np.cumsum(self.lengths)[:-1]])

    def padded(self, rows: np.ndarray, width: int) -> dict[str, np.ndarray]:
        """The model's inputs for some rows, int32 ``(len(rows), width)`` each."""
        columns = np.arange(width)
        mask = columns < self.lengths[rows, None]
        # Where the mask is 0 any valid place will do.
        places = np.where(mask, self._starts[rows, None] + columns, 0)
        return {
            "input_ids": np.where(mask, self.input_ids[places], self.pad_token_id),
            "attention_mask": mask.astype("int32"),
            "token_type_ids": np.where(mask, self.token_type_ids[places], 0),
        }


def encode(examples: Examples, tokenizer: Any, max_length: int) -> EncodedTexts:
    """Tokenises all texts, truncated to ``max_length`` tokens with the special ones."""
    parts = []
    for start in range(0, len(examples), _TOKENISED_AT_ONCE):
        part = slice(start, start + _TOKENISED_AT_ONCE)
        pairs = None if examples.text_pairs is None else examples.text_pairs[part]
        parts.append(tokenizer(examples.texts[part], pairs, truncation=True, max_length=max_length))
    return EncodedTexts(
        input_ids=np.concatenate([part["input_ids"].flat_values.numpy() for part in parts]),
        token_type_ids=np.concatenate(
            [part["token_type_ids"].flat_values.numpy() for part in parts]
        ),
        lengths=np.concatenate([part["input_ids"].row_lengths().numpy() for part in parts]),
        pad_token_id=tokenizer.pad_token_id,
    )


@dataclasses.dataclass(frozen=True)
class Batch:
    """Which rows stand in a batch, and its width ``S``."""

    rows: np.ndarray
    width: int


def plan(
    lengths: np.ndarray,
    *,
    batch_size: int,
    buckets: Sequence[int] = BUCKETS,
    seed: int | None = None,
    epoch: int = 0,
) -> list[Batch]:
    """Decides the batches of one epoch: every row exactly once.

    Rows are shuffled, sorted by bucket and cut into batches; the batches are shuffled. All
    batches are full, but one of the shortest rows where the numbers do not divide.

    Args:
        lengths: tokens of each row, ``(N,)``.
        batch_size: ``B``.
        buckets: widths of batches; the longest row must fit into the largest.
        seed: with ``epoch`` it decides the order, on every machine; ``None`` keeps rows of
            one bucket in their order, and sorts the batches by width.
        epoch: number of the epoch.

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
    order = order[np.argsort(bucket_of[order], kind="stable")]
    # The partial batch comes first: there its missing rows are shortest.
    cuts = np.arange(len(order) % batch_size, len(order), batch_size)
    parts = [rows for rows in np.split(order, cuts) if len(rows)]
    batches = [Batch(rows, int(bounds[bucket_of[rows].max()])) for rows in parts]
    if random is None:
        return batches
    return [batches[index] for index in random.permutation(len(batches))]


class BucketedBatches:
    """Batches of labelled examples, tokenised once, shuffled anew in each epoch.

    A batch is ``(inputs, labels, weights)``: a dict of int32 ``(B, S)``; the encoded labels
    ``(B, …)``; float32 ``(B,)`` that is 1, and 0 in the rows which fill the last batch up.
    So every batch of a width has one shape, and XLA compiles one program for it.

    Args:
        examples: texts with labels.
        tokenizer: a ``WordPieceTokenizer``.
        batch_size: ``B``.
        max_length: tokens at which texts are truncated.
        seed: decides the order of each epoch; ``None`` does not shuffle.
        buckets: widths of batches; those of ``max_length`` and more become ``max_length``.

    Raises:
        ValueError: the examples have no labels, or there are none; a number is too small.
    """

    def __init__(
        self,
        examples: Examples,
        tokenizer: Any,
        *,
        batch_size: int,
        max_length: int,
        seed: int | None = None,
        buckets: Sequence[int] = BUCKETS,
    ) -> None:
        if examples.labels is None or not len(examples):
            raise ValueError("Training needs at least one example, and a label for each.")
        least = {"batch_size": (batch_size, 1), "max_length": (max_length, 3), "seed": (seed, 0)}
        for name, (value, smallest) in least.items():
            if value is not None and value < smallest:
                raise ValueError(f"{name} must be at least {smallest}, received {value}.")
        self.encoded = encode(examples, tokenizer, max_length)
        self.labels = examples.labels
        self.batch_size = batch_size
        self.seed = seed
        self.buckets = buckets_for(max_length, buckets)

    def __len__(self) -> int:
        """Batches in an epoch."""
        return -(-len(self.encoded) // self.batch_size)

    def plan(self, epoch: int) -> list[Batch]:
        """The batches of one epoch, see ``plan``."""
        return plan(
            self.encoded.lengths,
            batch_size=self.batch_size,
            buckets=self.buckets,
            seed=self.seed,
            epoch=epoch,
        )

    def dataset(self, first_epoch: int = 0, first_step: int = 0) -> tf.data.Dataset:
        """Batches from ``first_step`` on; each time it is iterated, those of the next epoch.

        Args:
            first_epoch: epoch of the first iteration.
            first_step: batches left out of every epoch, to go on inside one.
        """
        epochs = itertools.count(first_epoch)

        def batches() -> Iterator[tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]]:
            for batch in self.plan(next(epochs))[first_step:]:
                yield self._filled(batch)

        rows = tf.TensorSpec((self.batch_size, None), tf.int32)
        label_shape = (self.batch_size, *self.labels.shape[1:])
        signature = (
            dict.fromkeys(_INPUTS, rows),
            tf.TensorSpec(label_shape, self.labels.dtype),
            tf.TensorSpec((self.batch_size,), tf.float32),
        )
        dataset = tf.data.Dataset.from_generator(batches, output_signature=signature)
        cardinality = tf.data.experimental.assert_cardinality(len(self) - first_step)
        return dataset.apply(cardinality).prefetch(2)

    def _filled(self, batch: Batch) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
        rows = np.resize(batch.rows, self.batch_size)  # repeats them where they are too few
        weights = (np.arange(self.batch_size) < len(batch.rows)).astype("float32")
        return self.encoded.padded(rows, batch.width), self.labels[rows], weights


def buckets_for(max_length: int, buckets: Sequence[int] = BUCKETS) -> tuple[int, ...]:
    """The buckets below ``max_length``, and ``max_length`` itself.

    Raises:
        ValueError: a bucket is not a positive number.
    """
    if not all(isinstance(bound, int) and bound > 0 for bound in buckets):
        raise ValueError(f"buckets must be widths of at least 1, received {list(buckets)}.")
    return (*(bound for bound in sorted(buckets) if bound < max_length), max_length)


def batches(examples: Examples, tokenizer: Any, **options: Any) -> tf.data.Dataset:
    """Batches for ``model.fit``: ``BucketedBatches(examples, tokenizer, **options).dataset()``."""
    return BucketedBatches(examples, tokenizer, **options).dataset()

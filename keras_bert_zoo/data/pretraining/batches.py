"""Batches with words to predict from the shards of a corpus. TensorFlow-only.

``B`` is the batch size, ``S`` the width of a row, ``P`` ``max_predictions_per_seq``.
"""

from __future__ import annotations

import concurrent.futures
import functools
import math
import operator
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import tensorflow as tf

from keras_bert_zoo.corpus.shards import TOKENIZER, Shards
from keras_bert_zoo.data.dataset_options import untuned
from keras_bert_zoo.data.pretraining.epochs import Epochs, Place, PlannedBlock
from keras_bert_zoo.data.pretraining.inputs import other_inputs
from keras_bert_zoo.data.pretraining.masking import MaskedTokens, mask_tokens
from keras_bert_zoo.data.pretraining.next_tokens import next_tokens
from keras_bert_zoo.data.pretraining.options import BatchOptions
from keras_bert_zoo.data.pretraining.rows import Layout
from keras_bert_zoo.data.pretraining.stopping import until_exit
from keras_bert_zoo.tokenizers.wordpiece_files import WordPieceFiles

# Outputs of the models that learn from these batches.
WORDS, SENTENCES = "prediction_logits", "seq_relationship_logits"
NEXT_WORDS = "logits"
_NEVER_MASKED = ("cls_token", "sep_token", "pad_token")
_Arrays = dict[str, np.ndarray]


class PretrainingBatches:
    """Batches for a ``PretrainingModel``: new rows and new masks in every epoch.

    A batch is ``(inputs, labels, weights)``. Inputs are int32 ``(B, S)``: ``input_ids``,
    ``attention_mask``, ``token_type_ids``; and ``masked_positions`` ``(B, P)``. In packed rows the
    mask is the number of the document in its row, from 1, and ``position_ids`` ``(B, S)`` start
    anew in each. Labels are int32 ``prediction_logits`` ``(B, P)`` and, of pairs,
    ``seq_relationship_logits`` ``(B,)``; weights are float32 of the same names and shapes.

    With ``objective="causal"``, for a ``CausalLM``, no word is masked and there are no
    ``masked_positions``; the only label is ``logits`` ``(B, S)``, see ``next_tokens``.

    >>> batches = PretrainingBatches(Shards("corpus"), BatchOptions(), batch_size=32, seed=1)
    >>> model.fit(batches.dataset(), steps_per_epoch=1000)

    Args:
        shards: of the corpus, with their tokenizer.
        options: what rows are made of, and how they are masked.
        batch_size: ``B``, over all workers.
        seed: decides every row and every mask, on any number of workers.

    Raises:
        ValueError: the corpus has no tokens, or a number is too small.
        ShardError: the tokenizer beside the shards is not theirs.
    """

    def __init__(
        self, shards: Shards, options: BatchOptions, *, batch_size: int, seed: int
    ) -> None:
        _check_positive(batch_size=batch_size)
        source = WordPieceFiles().read(shards.directory / TOKENIZER)
        shards.check_vocabulary(source.words)
        self.options, self.batch_size = options, batch_size
        self._epochs = Epochs(shards, options, seed)
        ids = {role: source.ids[token] for role, token in source.options.special_tokens.items()}
        self._words_known = options.masking != "token" and shards.open(0).word_continues is not None
        self._layout = Layout(options, ids, self._words_known)
        self._continues = np.array([word.startswith("##") for word in source.vocabulary])
        # Where blocks start, as far as it is known.
        self._places = [Place(0, 0, 0)]

    def dataset(
        self,
        first_step: int = 0,
        position: Mapping[str, int] | None = None,
        worker: int = 0,
        workers: int = 1,
    ) -> tf.data.Dataset:
        """Batches without end.

        Args:
            first_step: batches left out.
            position: what ``position(first_step)`` was: with it nothing is planned that
                comes before.
            worker: number of this worker, from 0.
            workers: each gets ``B / workers`` rows of every batch, and reads no others.

        Raises:
            ValueError: ``B`` is not divisible by ``workers``, the corpus has fewer rows than
                a batch, or the position is of a later step.
        """
        share, rest = divmod(self.batch_size, workers)
        if rest or not 0 <= worker < workers:
            raise ValueError(
                f"batch_size ({self.batch_size}) must be a multiple of workers, and worker below "
                f"workers; received worker {worker} of {workers}."
            )
        self._check_enough_rows()
        if position is not None:
            self._places = [Place(**position)]
        start = Place(**self.position(first_step))
        part = slice(worker * share, (worker + 1) * share)

        def rows() -> Iterator[_Arrays]:
            for planned, chosen in self._chosen(start, first_step):
                yield self._arrays(planned, chosen[part])

        return self._dataset(rows, share)

    def fixed(self, batch_size: int, limit: int | None = None) -> tf.data.Dataset:
        """The same rows with the same masks each time, for validation on held-out shards.

        Args:
            batch_size: rows of a batch; the last one is filled up with rows of weight 0.
            limit: rows in all; by default those of a whole epoch.
        """
        _check_positive(batch_size=batch_size, limit=1 if limit is None else limit)

        def rows() -> Iterator[_Arrays]:
            left = math.inf if limit is None else limit
            for index in range(len(self._epochs.blocks(0))):
                planned = self._epochs.plan(0, index)
                order = planned.order[: int(min(left, len(planned.order)))]
                left -= len(order)
                for start in range(0, len(order), batch_size):
                    yield self._arrays(planned, order[start : start + batch_size], batch_size)

        return self._dataset(rows, batch_size)

    @functools.cached_property
    def _first_block(self) -> tuple[int, int, int]:
        """Rows, their tokens with special ones, and the tokens of the corpus in the block."""
        rows = self._epochs.plan(0, 0).rows
        leads = len(rows.lengths) if self.options.packed else len(rows)
        tokens = int(rows.lengths.sum()) + len(rows.lengths) + leads
        sizes = self._epochs.shards.tokens
        return len(rows), tokens, sum(sizes[index] for index in self._epochs.blocks(0)[0])

    @property
    def rows(self) -> int:
        """Rows of an epoch; of a corpus of several blocks an estimate from the first."""
        rows, _, tokens = self._first_block
        return round(rows * sum(self._epochs.shards.tokens) / tokens)

    @property
    def epoch_steps(self) -> int:
        """Batches of an epoch; other epochs may have a few more or less."""
        return self.rows // self.batch_size

    @property
    def efficiency(self) -> float:
        """Part of the places in rows that hold tokens, special ones counted."""
        rows, tokens, _ = self._first_block
        return tokens / (rows * self.options.max_length)

    def position(self, step: int) -> dict[str, int]:
        """Where the block of a step starts, for ``dataset``; blocks not yet planned are planned."""
        if step < self._places[0].step:
            raise ValueError(
                f"step {step} is before step {self._places[0].step}, at which these batches start."
            )
        while self._places[-1].step <= step:
            self._plan(self._places[-1])
        return max(place for place in self._places if place.step <= step)._asdict()

    def _plan(self, place: Place) -> PlannedBlock:
        planned = self._epochs.plan(place.epoch, place.block)
        following = self._epochs.after(place, len(planned.rows) // self.batch_size)
        if following > self._places[-1]:
            self._places.append(following)
        return planned

    def _chosen(self, place: Place, first_step: int) -> Iterator[tuple[PlannedBlock, np.ndarray]]:
        """The rows of each batch from a step on; the next block is planned meanwhile."""
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            coming = pool.submit(self._plan, place)
            while True:
                planned = coming.result()
                count = len(planned.rows) // self.batch_size
                first = max(first_step - place.step, 0)
                place = self._epochs.after(place, count)
                coming = pool.submit(self._plan, place)
                # The rows that make no whole batch are left out.
                ends = np.arange(first, count) * self.batch_size + self.batch_size
                for end in ends.tolist():
                    yield planned, planned.order[end - self.batch_size : end]

    def _check_enough_rows(self) -> None:
        blocks = range(len(self._epochs.blocks(0)))
        if self._first_block[0] >= self.batch_size:
            return
        if max(len(self._epochs.plan(0, block).rows) for block in blocks) < self.batch_size:
            raise ValueError(
                f"{self._epochs.shards.directory} makes {self.rows} rows of "
                f"{self.options.max_length} tokens, fewer than one batch of {self.batch_size}. "
                "Take a smaller batch_size or max_length, or a larger corpus."
            )

    def _arrays(self, planned: PlannedBlock, rows: np.ndarray, height: int = 0) -> _Arrays:
        """Rows before they are masked; repeated, with weight 0, up to a height."""
        height = height or len(rows)
        chosen = np.resize(rows, height)
        arrays = self._layout.arrays(planned.block, planned.rows, chosen)
        arrays["seeds"] = planned.seeds[chosen]
        arrays["row_weights"] = (np.arange(height) < len(rows)).astype("float32")
        if planned.rows.labels is not None:
            arrays["labels"] = planned.rows.labels[chosen]
        if planned.rows.closes is not None:
            arrays["closes"] = planned.rows.closes[chosen]
        return arrays

    def _dataset(self, rows: Callable[[], Iterator[_Arrays]], height: int) -> tf.data.Dataset:
        dataset = tf.data.Dataset.from_generator(
            lambda: until_exit(rows()), output_signature=self._signature(height)
        )
        dataset = dataset.map(
            self._finished, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
        )
        options = untuned()
        # Each worker has rows of its own already.
        sharding = tf.data.experimental.AutoShardPolicy.OFF
        options.experimental_distribute.auto_shard_policy = sharding
        return dataset.with_options(options).prefetch(2)

    def _signature(self, height: int) -> dict[str, tf.TensorSpec]:
        options = self.options
        square, column = (height, options.max_length), (height,)
        specs = {
            "input_ids": (square, tf.int32, True),
            "lengths": (column, tf.int32, True),
            "first_lengths": (column, tf.int32, options.pairs),
            "documents": (square, tf.int32, options.packed),
            "word_continues": (square, tf.int32, self._words_known),
            "seeds": (column, tf.uint32, True),
            "row_weights": (column, tf.float32, True),
            "labels": (column, tf.int32, options.pairs),
            "closes": (column, tf.bool, not options.pairs),
        }
        return {
            name: tf.TensorSpec(shape, dtype)
            for name, (shape, dtype, there) in specs.items()
            if there
        }

    def _finished(self, arrays: dict[str, tf.Tensor]) -> tuple[dict, dict, dict]:
        """Adds labels and the other inputs, and masks words if that is wanted, in the graph."""
        if self.options.causal:
            return self._with_next_tokens(arrays)
        masked = self._masked(arrays)
        inputs = {
            "input_ids": masked.input_ids,
            "masked_positions": masked.positions,
            **other_inputs(arrays),
        }
        row_weights = arrays["row_weights"]
        labels = {WORDS: masked.labels}
        weights = {WORDS: masked.weights * row_weights[:, None]}
        if self.options.pairs:
            labels[SENTENCES], weights[SENTENCES] = arrays["labels"], row_weights
        return inputs, labels, weights

    def _with_next_tokens(self, arrays: dict[str, tf.Tensor]) -> tuple[dict, dict, dict]:
        inputs = {"input_ids": arrays["input_ids"], **other_inputs(arrays)}
        labels, weights = next_tokens(arrays)
        return inputs, {NEXT_WORDS: labels}, {NEXT_WORDS: weights * arrays["row_weights"][:, None]}

    def _masked(self, arrays: dict[str, tf.Tensor]) -> MaskedTokens:
        ids, ids_of = arrays["input_ids"], self._layout.special_ids
        special = (tf.equal(ids, ids_of[role]) for role in _NEVER_MASKED)
        continues = arrays.get("word_continues")
        if continues is None and self.options.masking != "token":
            continues = tf.gather(self._continues, ids)
        return mask_tokens(
            ids,
            functools.reduce(operator.or_, special),
            arrays["seeds"],
            mask_token_id=ids_of["mask_token"],
            vocab_size=len(self._continues),
            word_continues=continues,
            options=self.options,
        )


def _check_positive(**numbers: int) -> None:
    wrong = {name: number for name, number in numbers.items() if number < 1}
    if wrong:
        raise ValueError(f"These must be at least 1, received {wrong}.")

"""What a model answers for texts.

TensorFlow-only.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_bert_zoo.data.batches import Batch, buckets_for, plan
from keras_bert_zoo.data.examples import Examples
from keras_bert_zoo.data.rows import Rows, labelled_rows
from keras_bert_zoo.evaluation.side_by_side import run_ahead

# Runs a batch of inputs in whatever runtime.
Runner = Callable[[Mapping[str, np.ndarray]], Mapping[str, np.ndarray]]
# Sees a batch and its answers.
Observe = Callable[[Batch, Mapping[str, np.ndarray]], None]
# Calls a runner for several batches, as ``map`` does.
InTurn = Callable[[Runner, Iterable[Mapping[str, np.ndarray]]], Iterable[Mapping[str, np.ndarray]]]


def keras_runner(model: keras.Model) -> Runner:
    """Runs a functional model, dict in and dict out."""

    def run(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        rows = len(inputs["input_ids"])
        # Each replica of a strategy answers the whole batch, one behind the other.
        return keras.tree.map_structure(
            lambda values: values[:rows], model.predict_on_batch(dict(inputs))
        )

    return run


def in_pairs(run: Runner, batches: Iterable[Mapping[str, np.ndarray]]) -> Iterator[Any]:
    """``map`` of a ``keras_runner``, two batches at once on processors with TensorFlow.

    What one of them leaves idle between its products, the other uses: MiniLM in float32 came from
    1.32 to 1.38 times the peer of ``benchmarks/encoding_speed.py`` on two cores. JAX gives the
    memory of weights away during a call.
    """
    if keras.backend.backend() != "tensorflow" or tf.config.list_logical_devices("GPU"):
        yield from map(run, batches)
        return
    device = tf.zeros(()).device  # which a thread does not inherit

    def run_there(batch: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        with tf.device(device):
            return run(batch)

    pool = ThreadPoolExecutor(2)
    try:
        yield from run_ahead(pool, 2, run_there, batches)
    finally:
        pool.shutdown(cancel_futures=True)


def silent_runner(model: keras.Model) -> Runner:
    """Runs nothing: all answers are 0, of the shapes that the model's have."""

    def run(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        shape = inputs["input_ids"].shape
        return {
            name: np.zeros((shape[0], *(shape[1] if d is None else d for d in x.shape[1:])))
            for name, x in model.output.items()
        }

    return run


def outputs_of(
    run: Runner,
    rows: Rows,
    *,
    max_length: int,
    sequences: Collection[str] = (),
    batch_size: int = 64,
    observe: Observe | None = None,
    in_turn: InTurn = map,
) -> dict[str, np.ndarray]:
    """Answers for tokenised rows, short ones with short ones.

    Args:
        run: the model.
        rows: N rows.
        max_length: tokens of the longest row.
        sequences: outputs with an answer for each token, ``(B, S, …)``.
        batch_size: rows at once.
        observe: sees each batch and its answers, e.g. a ``MeanLoss``.
        in_turn: how ``run`` is called for the batches.

    Returns:
        By output ``(N, …)``, or for what is answered for each token ``(tokens, …)``; of rows
        that keep something else of the answers, what they keep.

    Raises:
        ValueError: an output is NaN or infinite.
    """
    found: dict[str, np.ndarray] = {}
    buckets = buckets_for(max_length)
    # The longest first: where several are run at once, the last ones end together.
    batches = plan(rows.lengths, batch_size=batch_size, buckets=buckets)[::-1]
    inputs = (rows.inputs(batch.rows, batch.width) for batch in batches)
    for batch, outputs in zip(batches, in_turn(run, inputs), strict=True):
        if observe is not None:
            observe(batch, outputs)
        for name, values in rows.kept(batch.rows, outputs).items():
            if not np.isfinite(values).all():
                raise ValueError(
                    "The model returns logits that are NaN or infinite: its training diverged "
                    "(try a smaller learning_rate) or its weights are damaged."
                )
            of_tokens = name in sequences
            inner = values.shape[2:] if of_tokens else values.shape[1:]
            count = rows.tokens if of_tokens else len(rows)
            target = found.setdefault(name, np.zeros((count, *inner), values.dtype))
            if of_tokens:
                rows.encoded.gather(values, batch.rows, target)
            else:
                target[batch.rows] = values
    return found


class MeanLoss:
    """The loss that a task model has on labelled rows, as it is trained with.

    Args:
        model: a ``TaskModel``.
        rows: rows with labels.
    """

    def __init__(self, model: Any, rows: Rows) -> None:
        self.rows = rows
        self.losses = model.losses_by_output()
        self.shares = model.loss_weights or dict.fromkeys(self.losses, 1.0)
        self.sums = dict.fromkeys(self.losses, 0.0)
        self.counts = dict.fromkeys(self.losses, 0.0)

    def __call__(self, batch: Batch, outputs: Mapping[str, np.ndarray]) -> None:
        """Adds one batch."""
        labels, weights = self.rows.targets(batch.rows, batch.width)
        for name, loss in self.losses.items():
            counts = weights[name]
            if hasattr(loss, "weights_of"):  # classes of which some count more
                counts = counts * keras.ops.convert_to_numpy(loss.weights_of(labels[name]))
            values = keras.ops.convert_to_numpy(loss.call(labels[name], outputs[name]))
            self.sums[name] += float((values * counts).sum())
            self.counts[name] += float(counts.sum())

    @property
    def value(self) -> float:
        """The mean so far."""
        means = (
            self.shares[name] * total / max(self.counts[name], 1.0)
            for name, total in self.sums.items()
        )
        return sum(means)


def predict_logits(
    model: keras.Model,
    tokenizer: Any,
    texts: Sequence[str],
    text_pairs: Sequence[str] | None = None,
    *,
    max_length: int | None = None,
    batch_size: int = 64,
) -> np.ndarray:
    """Classifies texts.

    Args:
        model: a ``SequenceClassifier``.
        tokenizer: its ``Tokenizer``.
        texts: N strings.
        text_pairs: N second texts, or ``None``.
        max_length: tokens at which texts are truncated; by default the tokenizer's
            ``model_max_length``, or as many as the model has positions.
        batch_size: texts at once.

    Returns:
        float32 ``(N, num_labels)``, in the order of the texts.

    Raises:
        ValueError: a text is not a string, ``max_length`` is beyond the model's, there is
            no tokenizer, the model has no logits, or one is NaN or infinite.
    """
    if "logits" not in model.output:
        raise ValueError(
            f"model returns {list(model.output)}, no logits. Load a classifier: "
            "load(…, task='sequence_classification')."
        )
    max_length = checked_max_length(model.config, tokenizer, max_length)
    examples = Examples(texts, text_pairs)
    if not len(examples):
        return np.zeros((0, model.config.num_labels), "float32")
    rows = labelled_rows(examples, tokenizer, max_length)
    found = outputs_of(
        keras_runner(model), rows, max_length=max_length, batch_size=batch_size, in_turn=in_pairs
    )
    return found["logits"]


def checked_max_length(config: Any, tokenizer: Any, max_length: int | None) -> int:
    """The tokens at which texts are truncated: as asked, or as many as there is room for.

    Raises:
        ValueError: there is no tokenizer, or ``max_length`` is beyond the position table.
    """
    if tokenizer is None:
        raise ValueError("tokenizer is None: the bundle holds no tokenizer. Save it with one.")
    limit = config.max_tokens
    if max_length is None:
        return min(tokenizer.model_max_length, limit)
    if not 3 <= max_length <= limit:
        raise ValueError(
            f"max_length must be from 3 to {limit}, the positions the model has "
            f"(max_position_embeddings), received {max_length}."
        )
    return max_length

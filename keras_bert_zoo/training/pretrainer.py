"""The training step of pretraining: accumulation, many devices, one gradient.

TensorFlow-only. The gradient of a step is that of one batch on one device, however the batch
is cut: over the replicas of a strategy, and inside each over parts that are computed one after
the other.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import keras
import tensorflow as tf

_SUM = tf.distribute.ReduceOp.SUM


class Pretrainer(keras.Model):
    """Trains a model that names the terms of its loss, see ``PretrainingModel.loss_terms``.

    ``fit`` takes batches ``(inputs, labels, weights)``; under a strategy, each replica's share.
    The logs are those of each step, over all replicas: ``loss``; of each term its loss and
    ``…_accuracy``; ``tokens``, padding not counted; ``stop``, how many replicas ask for it.

    Args:
        model: a ``PretrainingModel``, or another model with ``normalizers``, ``loss_terms``
            and ``loss_weights``; a term without a weight counts once.
        accumulation: parts that a replica's share is cut into. Memory is that of one part;
            the gradient is that of all. The optimizer runs once.

    Raises:
        ValueError: ``accumulation`` is not positive; at the first step, if it does not divide
            the rows of a replica.
    """

    def __init__(self, model: keras.Model, *, accumulation: int = 1, **kwargs: Any) -> None:
        super().__init__(name=kwargs.pop("name", "pretrainer"), **kwargs)
        if accumulation < 1:
            raise ValueError(f"accumulation must be at least 1, received {accumulation}.")
        self.model = model
        self.accumulation = accumulation
        # `compile` reads it to decide on loss scaling.
        self.dtype_policy = model.dtype_policy
        self.built = True
        # Summed over all replicas in each step, so that all workers stop after the same one.
        # A variable of TensorFlow's: it is no part of the state.
        self.stop = tf.Variable(0.0, trainable=False, dtype=tf.float64)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Runs the model."""
        return self.model(inputs, training=training)

    def compile(self, optimizer: Any, **kwargs: Any) -> None:
        """Prepares training; the loss is the model's own.

        Args:
            optimizer: its variables are made here, in the scope of the strategy.
            **kwargs: of ``keras.Model.compile``; ``jit_compile`` is off unless it is given.
        """
        kwargs.setdefault("jit_compile", False)
        super().compile(optimizer, **kwargs)
        self.optimizer.build(self.trainable_variables)
        # Keras would put averaged weights in the place of the plain ones at the end of each
        # `fit`, and the next phase would go on from them.
        self.optimizer.finalize_variable_values = lambda variables: None

    def take_averages(self) -> None:
        """Puts averaged weights in the place of the plain ones, if the optimizer keeps them."""
        kind = type(self.optimizer)
        kind.finalize_variable_values(self.optimizer, self.trainable_variables)

    @property
    def metrics(self) -> list[Any]:
        """None: a step's logs are values of that step, so a resumed run has none to restore."""
        return []

    def _maybe_symbolic_build(self, *_: Any, **__: Any) -> None:
        # Everything is built. Keras would take a batch to find out, and with several workers
        # fail to make one of it.
        return

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """One update of the weights; returns the logs of this step."""
        parts = self._parts(data)
        totals = all_reduced(self._totals(data))
        gradients, sums = self._accumulated(parts, totals)
        sums["stop"] = self.stop.read_value()
        self.optimizer.apply_gradients(
            zip(self._shared(gradients), self.trainable_variables, strict=True)
        )
        return per_replica(self._logs(all_reduced(sums), totals))

    def sums(self, data: Any) -> tuple[dict[str, tf.Tensor], dict[str, tf.Tensor]]:
        """What losses and accuracies are the quotients of, for evaluation: float64 scalars."""
        return self._sums(data, self._terms(data, training=False)), self._totals(data)

    # === One part of a batch ===

    def _terms(self, data: Any, training: bool) -> dict[str, Any]:
        inputs, labels, weights = data
        outputs = self.model(inputs, training=training)
        return self.model.loss_terms(inputs, outputs, labels, weights)

    def _totals(self, data: Any) -> dict[str, tf.Tensor]:
        totals = self.model.normalizers(*data)
        return {name: tf.cast(total, tf.float64) for name, total in totals.items()}

    def _weight(self, term: str) -> float:
        return (self.model.loss_weights or {}).get(term, 1.0)

    def _loss(self, terms: dict[str, Any], totals: dict[str, tf.Tensor]) -> tf.Tensor:
        """This part's share of the loss of the whole batch."""
        loss = 0.0
        for name, term in terms.items():
            summed = tf.reduce_sum(term.losses * term.weights)
            mean = tf.math.divide_no_nan(summed, tf.cast(totals[name], summed.dtype))
            loss += self._weight(name) * mean
        return loss

    def _sums(self, data: Any, terms: dict[str, Any]) -> dict[str, tf.Tensor]:
        sums = {"tokens": tf.math.count_nonzero(data[0]["attention_mask"])}
        for name, term in terms.items():
            sums[f"{name}_loss"] = tf.reduce_sum(term.losses * term.weights)
            sums[f"{name}_accuracy"] = tf.reduce_sum(term.correct * term.weights)
        # Of thousands of numbers each: float32 would lose the last of them.
        return {name: tf.cast(value, tf.float64) for name, value in sums.items()}

    def _gradients(self, data: Any, totals: dict[str, tf.Tensor]) -> tuple[list[Any], Any]:
        variables = self.trainable_variables
        with tf.GradientTape() as tape:
            terms = self._terms(data, training=True)
            loss = self.optimizer.scale_loss(self._loss(terms, totals))
        return tape.gradient(loss, [v.value for v in variables]), self._sums(data, terms)

    # === All parts ===

    def _parts(self, data: Any) -> Any:
        """The rows of a replica as ``accumulation`` parts, one more axis in front."""
        if self.accumulation == 1:
            return data
        rows = next(iter(data[0].values())).shape[0]
        if rows is not None and rows % self.accumulation:
            raise ValueError(
                f"accumulation={self.accumulation} must divide the rows of a replica, which are "
                f"{rows}. Change one of them, or batch_size."
            )
        shape = (self.accumulation, -1)
        return tf.nest.map_structure(lambda x: tf.reshape(x, (*shape, *x.shape[1:])), data)

    def _accumulated(self, parts: Any, totals: dict[str, tf.Tensor]) -> tuple[list[Any], Any]:
        if self.accumulation == 1:
            return self._gradients(parts, totals)

        def add(index: tf.Tensor, gradients: list[Any], sums: Any) -> tuple[Any, ...]:
            part = tf.nest.map_structure(lambda x: x[index], parts)
            more = self._gradients(part, totals)
            # Slices of an embedding's gradient become dense: their sum has a fixed shape.
            dense = [g + tf.convert_to_tensor(m) for g, m in zip(gradients, more[0], strict=True)]
            return index + 1, dense, tf.nest.map_structure(tf.add, sums, more[1])

        # The first part makes the accumulators; a loop keeps the graph as small as one part's.
        first = self._gradients(tf.nest.map_structure(lambda x: x[0], parts), totals)
        start = (tf.constant(1), [tf.convert_to_tensor(g) for g in first[0]], first[1])
        _, gradients, sums = tf.while_loop(
            lambda index, *_: index < self.accumulation, add, start, parallel_iterations=1
        )
        return gradients, sums

    def _shared(self, gradients: Iterable[Any]) -> Iterable[Any]:
        """Makes loss scaling decide alike on all replicas.

        It looks at the gradients before the optimizer sums them over the replicas: here they
        are summed first, and divided, so that the second sum restores them.
        """
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        if replicas == 1 or not isinstance(self.optimizer, keras.optimizers.LossScaleOptimizer):
            return gradients
        reduced = tf.distribute.get_replica_context().all_reduce(_SUM, list(gradients))
        return [gradient / replicas for gradient in reduced]

    def _logs(
        self, sums: dict[str, tf.Tensor], totals: dict[str, tf.Tensor]
    ) -> dict[str, tf.Tensor]:
        logs = means(sums, totals)
        loss = sum(self._weight(name) * logs[f"{name}_loss"] for name in totals)
        return {"loss": loss, **logs, "tokens": sums["tokens"], "stop": sums["stop"]}


def means(sums: dict[str, Any], totals: dict[str, Any]) -> dict[str, Any]:
    """Losses and accuracies from their sums."""
    return {
        f"{name}_{what}": tf.math.divide_no_nan(sums[f"{name}_{what}"], total)
        for name, total in totals.items()
        for what in ("loss", "accuracy")
    }


def all_reduced(values: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Sums of scalars over all replicas, in one exchange."""
    if tf.distribute.get_strategy().num_replicas_in_sync == 1:
        return values
    stacked = tf.stack(list(values.values()))
    reduced = tf.distribute.get_replica_context().all_reduce(_SUM, stacked)
    return dict(zip(values, tf.unstack(reduced), strict=True))


def per_replica(logs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Logs as Keras can average them: over several workers it takes them for vectors."""
    if not isinstance(tf.distribute.get_strategy(), tf.distribute.MultiWorkerMirroredStrategy):
        return logs
    return {name: tf.reshape(value, [1]) for name, value in logs.items()}

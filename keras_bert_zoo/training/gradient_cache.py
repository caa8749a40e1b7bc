"""Large batches of sets of texts: on one device part by part, and over several devices.

TensorFlow-only. ``B`` sets in a batch, ``M`` texts of a set, ``D`` width of an embedding.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from keras_bert_zoo.models.embedding_losses import EmbeddingLoss
from keras_bert_zoo.models.sentence_embedding import (
    EMBEDDING,
    EMBEDDINGS,
    SentenceEmbedder,
    SentenceSets,
)


def across_replicas(x: tf.Tensor) -> tf.Tensor:
    """Rows ``(n, ...)`` of all replicas, one after the other; gradients go back to their own.

    It is the ``gather`` of ``models.embedding_losses``. Without a strategy of several replicas
    it does nothing.
    """
    context = tf.distribute.get_replica_context()
    # Keras asks for shapes outside of all replicas.
    if context is None or context.num_replicas_in_sync == 1:
        return x
    if x.dtype == tf.bool:
        return tf.cast(context.all_gather(tf.cast(x, tf.int32), axis=0), tf.bool)
    return context.all_gather(x, axis=0)


def in_parts(model: keras.Model) -> keras.Model:
    """The model itself, or one that is trained part by part where it has a ``chunk_size``."""
    chunk_size = getattr(model, "chunk_size", None)
    if chunk_size is None or not isinstance(model, SentenceSets):
        return model
    return CachedRanking(model.embedder, model.set_loss, chunk_size=chunk_size)


class CachedRanking(SentenceSets):
    """``SentenceSets`` whose batches are larger than what fits into memory.

    Gao et al. 2021, arXiv:2101.06983 (GradCache): all texts are embedded part by part, and
    nothing of that is kept but the vectors; the loss of the whole batch gives the gradient of
    each vector; each part is embedded once more, with the dropout it had, and passes its
    gradients on. The gradient of the weights is that of the whole batch at once; memory is
    that of one part; time is that of one more forward pass.

    Args:
        embedder: the model that is trained; its weights are shared.
        loss: one of ``models.embedding_losses``.
        chunk_size: texts of a part; it must divide ``B * M``.

    Raises:
        ValueError: ``chunk_size`` is not positive; at the first step, if it does not divide
            the texts of a batch.
    """

    def __init__(
        self,
        embedder: SentenceEmbedder,
        loss: EmbeddingLoss,
        *,
        chunk_size: int = 32,
        name: str = "cached_ranking",
        **kwargs: Any,
    ) -> None:
        if chunk_size < 1:
            raise ValueError(f"chunk_size must be at least 1, received {chunk_size}.")
        super().__init__(embedder, loss, name=name, **kwargs)
        self.chunk_size = chunk_size

    def train_step(self, data: Any) -> dict[str, Any]:
        """One update of the weights."""
        inputs, labels, weights = keras.utils.unpack_x_y_sample_weight(data)
        loss, outputs, gradients = self.cached_gradients(inputs, labels, weights)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        # Under a strategy each replica has its share of the mean; what is shown is the mean.
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        rows = tf.shape(inputs["input_ids"])[0]
        self._loss_tracker.update_state(loss * replicas, sample_weight=rows)
        return self.compute_metrics(inputs, labels, outputs, sample_weight=weights)

    def cached_gradients(
        self, inputs: Any, labels: Any, weights: Any = None
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor], list[tf.Tensor]]:
        """The loss, the embeddings ``(B, M, D)`` by name, and a gradient for each variable.

        The gradients are of what the optimizer makes of the loss (``scale_loss``).
        """
        parts, count = self._parts(inputs)
        seeds = self._seeds()
        before = [tf.identity(seed.value) for seed in seeds]
        vectors = self._embedded(parts, count)
        sizes = tf.unstack(tf.shape(inputs["input_ids"])[:2])
        sets = tf.reshape(vectors, (*sizes, vectors.shape[-1]))
        with tf.GradientTape() as tape:
            tape.watch(sets)
            outputs = {EMBEDDINGS: sets}
            loss = self.compute_loss(inputs, labels, outputs, weights, training=True)
            scaled = self.optimizer.scale_loss(loss)
        upstream = tf.reshape(tape.gradient(scaled, sets), tf.shape(vectors))
        for seed, value in zip(seeds, before, strict=True):
            seed.assign(value)
        return loss, outputs, self._passed_on(parts, count, upstream)

    def _parts(self, inputs: dict[str, Any]) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        """Inputs ``(count, chunk_size, S)``, and their count."""
        texts = tf.reduce_prod(tf.shape(inputs["input_ids"])[:2])
        known = tf.get_static_value(texts)
        message = f"chunk_size={self.chunk_size} must divide the texts of a batch (B * M)"
        if known is not None and known % self.chunk_size:
            raise ValueError(f"{message}, which are {known}. Change it or batch_size.")
        # Otherwise only the reshape knows, and fails.
        parts = {
            name: tf.reshape(x, (-1, self.chunk_size, tf.shape(x)[-1]), name="parts_of_chunk_size")
            for name, x in inputs.items()
        }
        return parts, texts // self.chunk_size

    def _seeds(self) -> list[Any]:
        """The states of dropout's random numbers, which are no weights."""
        weights = {id(weight) for weight in self.embedder.weights}
        return [v for v in self.embedder.variables if id(v) not in weights]

    def _embed(self, parts: dict[str, tf.Tensor], index: tf.Tensor) -> tf.Tensor:
        part = {name: x[index] for name, x in parts.items()}
        return self.embedder(part, training=True)[EMBEDDING]

    def _embedded(self, parts: dict[str, tf.Tensor], count: tf.Tensor) -> tf.Tensor:
        """Vectors ``(count, chunk_size, D)``; a loop, for parts at once would need the memory."""
        width = self.embedder.output[EMBEDDING].shape[-1]
        dtype = self.embedder.output[EMBEDDING].dtype
        found = tf.TensorArray(dtype, count, element_shape=(self.chunk_size, width))

        def add(index: tf.Tensor, found: tf.TensorArray) -> tuple[tf.Tensor, tf.TensorArray]:
            return index + 1, found.write(index, self._embed(parts, index))

        start = (tf.constant(0), found)
        _, found = tf.while_loop(lambda i, _: i < count, add, start, parallel_iterations=1)
        return found.stack()

    def _passed_on(
        self, parts: dict[str, tf.Tensor], count: tf.Tensor, upstream: tf.Tensor
    ) -> list[tf.Tensor]:
        """The gradient of each variable, summed over the parts."""
        variables = [variable.value for variable in self.trainable_variables]

        def add(index: tf.Tensor, sums: list[tf.Tensor]) -> tuple[tf.Tensor, list[tf.Tensor]]:
            with tf.GradientTape() as tape:
                vectors = self._embed(parts, index)
            more = tape.gradient(
                vectors,
                variables,
                output_gradients=upstream[index],
                unconnected_gradients=tf.UnconnectedGradients.ZERO,
            )
            # Slices of an embedding's gradient become dense: their sum has a fixed shape.
            return index + 1, [
                total + tf.convert_to_tensor(part) for total, part in zip(sums, more, strict=True)
            ]

        start = (tf.constant(0), [tf.zeros_like(variable) for variable in variables])
        return tf.while_loop(lambda i, _: i < count, add, start, parallel_iterations=1)[1]

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {**super().get_config(), "chunk_size": self.chunk_size}

"""What embeddings of sets of texts learn from; the formulas are sentence-transformers'.

``B`` sets in a batch, ``M`` texts of a set, ``D`` width of an embedding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from keras_bert_zoo.layers.pooling import unit
from keras_bert_zoo.models.class_losses import REDUCTION
from keras_bert_zoo.models.embedding_similarity import DISTANCES, angle, cosine

# Gathers (n, ...) of every replica to (replicas * n, ...), with a gradient.
Gather = Callable[[Any], Any]
# Far below every similarity: no pair.
_NEVER = -1e12


class EmbeddingLoss(keras.losses.Loss):
    """A loss of embeddings ``(B, M, D)`` and labels ``(B,)``.

    Rows with a weight of 0, which only fill a batch up, are no negatives of others either.

    Args:
        gather: brings together what the replicas of a strategy hold, see
            ``training.gradient_cache.across_replicas``; by default each has its own.
        name: of the loss.
        reduction: as Keras'; by default the mean over the rows with weights.
        dtype: that it is computed in; by default Keras' float type.
    """

    def __init__(
        self,
        *,
        gather: Gather | None = None,
        name: str | None = None,
        reduction: str = REDUCTION,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.gather = gather or (lambda x: x)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The loss of a batch; ``sample_weight`` is ``(B,)``."""
        if sample_weight is None:
            sample_weight = ops.ones_like(y_pred[:, 0, 0])
        told = {"labels": y_true, "weights": sample_weight}
        return super().__call__(told, y_pred, sample_weight)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each row ``(B,)``; labels alone say that every row counts."""
        y_pred = ops.convert_to_tensor(y_pred)
        if not isinstance(y_true, dict):
            y_true = {"labels": y_true, "weights": ops.ones_like(y_pred[:, 0, 0])}
        labels = ops.reshape(ops.cast(y_true["labels"], y_pred.dtype), (-1,))
        return self.of_rows(y_pred, labels, ops.reshape(y_true["weights"], (-1,)) > 0)

    def of_rows(self, embeddings: Any, labels: Any, present: Any) -> Any:
        """The loss of each row: ``(B, M, D)``, ``(B,)`` and bool ``(B,)`` to ``(B,)``."""
        raise NotImplementedError


@keras.saving.register_keras_serializable("keras_bert_zoo")
class MultipleNegativesRanking(EmbeddingLoss):
    """A text finds the one that goes with it among all second and further texts of the batch.

    Henderson et al. 2017, arXiv:1705.00652, section 4.4; van den Oord et al. 2018,
    arXiv:1807.03748. From the third text of a set on they are negatives.

    Args:
        scale: of the cosines; the inverse of a temperature.
        **kwargs: of ``EmbeddingLoss``.
    """

    def __init__(self, scale: float = 20.0, **kwargs: Any) -> None:
        super().__init__(**{"name": "multiple_negatives_ranking", **kwargs})
        self.scale = scale

    def of_rows(self, embeddings: Any, labels: Any, present: Any) -> Any:
        """Cross-entropy of a softmax over the candidates."""
        vectors = unit(embeddings)
        queries, own = vectors[:, 0], vectors[:, 1]
        every = ops.ones_like(vectors[:, 1:, 0], dtype="bool")
        there = self.gather(ops.logical_and(present[:, None], every))
        candidates = ops.reshape(self.gather(vectors[:, 1:]), (-1, vectors.shape[-1]))
        scores = ops.matmul(queries, ops.transpose(candidates)) * self.scale
        scores = ops.where(ops.reshape(there, (1, -1)), scores, _NEVER)
        return ops.logsumexp(scores, axis=-1) - self.scale * ops.sum(queries * own, axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments, but for the way to gather."""
        return {**super().get_config(), "scale": self.scale}


@keras.saving.register_keras_serializable("keras_bert_zoo")
class CosineSimilarity(EmbeddingLoss):
    """The cosine of a pair is to be its label: squared error.

    Reimers & Gurevych 2019, arXiv:1908.10084, section 3, the regression objective.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"name": "cosine_similarity", **kwargs})

    def of_rows(self, embeddings: Any, labels: Any, present: Any) -> Any:
        """Squared errors."""
        return ops.square(cosine(embeddings) - labels)


@keras.saving.register_keras_serializable("keras_bert_zoo")
class Triplet(EmbeddingLoss):
    """A text is to lie nearer to its second than to its third, by a margin.

    Reimers & Gurevych 2019, section 3, the triplet objective.

    Args:
        distance: one of ``DISTANCES``.
        margin: by default 5 for ``"euclidean"``, as sentence-transformers has it, and 0.5 for
            ``"cosine"``, which reaches from 0 to 2.
        **kwargs: of ``EmbeddingLoss``.

    Raises:
        ValueError: the distance is unknown.
    """

    def __init__(
        self, distance: str = "euclidean", margin: float | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**{"name": "triplet", **kwargs})
        if distance not in DISTANCES:
            raise ValueError(f"distance must be one of {list(DISTANCES)}, received {distance!r}.")
        self.distance = distance
        self.margin = DISTANCES[distance][1] if margin is None else margin

    def of_rows(self, embeddings: Any, labels: Any, present: Any) -> Any:
        """What is missing of the margin."""
        distance, _ = DISTANCES[self.distance]
        anchor, right, wrong = (embeddings[:, index] for index in range(3))
        return ops.relu(distance(anchor, right) - distance(anchor, wrong) + self.margin)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments, but for the way to gather."""
        return {**super().get_config(), "distance": self.distance, "margin": self.margin}


class PairOrder(EmbeddingLoss):
    """Pairs with a higher label are to be more similar than pairs with a lower one.

    Args:
        scale: of the similarities.
        **kwargs: of ``EmbeddingLoss``.
    """

    def __init__(self, scale: float = 20.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = scale

    def similarity(self, embeddings: Any) -> Any:
        """Of the two texts of each pair: ``(B, 2, D)`` to ``(B,)``."""
        raise NotImplementedError

    def of_rows(self, embeddings: Any, labels: Any, present: Any) -> Any:
        """One number for the whole batch, and each row the same."""
        scores = self.gather(self.similarity(embeddings) * self.scale)
        labels, present = self.gather(labels), self.gather(present)
        wrong = labels[:, None] < labels[None, :]
        wrong = ops.logical_and(wrong, ops.logical_and(present[:, None], present[None, :]))
        gaps = ops.where(wrong, scores[:, None] - scores[None, :], _NEVER)
        gaps = ops.concatenate([ops.zeros((1,), gaps.dtype), ops.reshape(gaps, (-1,))], axis=0)
        return ops.logsumexp(gaps) + ops.zeros_like(embeddings[:, 0, 0])

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments, but for the way to gather."""
        return {**super().get_config(), "scale": self.scale}


@keras.saving.register_keras_serializable("keras_bert_zoo")
class CoSENT(PairOrder):
    """The order of cosines (Su 2022, kexue.fm/archives/8847; Huang et al. 2024)."""

    def __init__(self, scale: float = 20.0, **kwargs: Any) -> None:
        super().__init__(scale, **{"name": "cosent", **kwargs})

    def similarity(self, embeddings: Any) -> Any:
        """Cosines."""
        return cosine(embeddings)


@keras.saving.register_keras_serializable("keras_bert_zoo")
class AnglE(PairOrder):
    """The order of angles in complex space (Li & Li 2023, arXiv:2309.12871, section 3.4)."""

    def __init__(self, scale: float = 20.0, **kwargs: Any) -> None:
        super().__init__(scale, **{"name": "angle", **kwargs})

    def similarity(self, embeddings: Any) -> Any:
        """See ``embedding_similarity.angle``."""
        return angle(embeddings)


@keras.saving.register_keras_serializable("keras_bert_zoo")
class Matryoshka(EmbeddingLoss):
    """The sum of a loss over several widths of the embeddings.

    Kusupati et al. 2022, arXiv:2205.13147, equation 1: each is cut, then normalised.

    Args:
        loss: of each width.
        dims: the widths.
        weights: of the widths; by default all count 1.
        **kwargs: of ``EmbeddingLoss``.

    Raises:
        ValueError: there are no widths, one is not positive, or the weights are not as many.
    """

    def __init__(
        self,
        loss: EmbeddingLoss,
        dims: Sequence[int],
        weights: Sequence[float] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**{"name": "matryoshka", **kwargs})
        self.loss = loss
        self.dims = list(dims)
        self.weights = [1.0] * len(self.dims) if weights is None else list(weights)
        if not self.dims or min(self.dims) < 1 or len(self.weights) != len(self.dims):
            raise ValueError(
                "dims must be widths of at least 1, and weights one for each, received "
                f"dims={self.dims}, weights={weights}."
            )

    def of_rows(self, embeddings: Any, labels: Any, present: Any) -> Any:
        """Weighted sums of the losses.

        Raises:
            ValueError: a width is larger than that of the embeddings.
        """
        if max(self.dims) > embeddings.shape[-1]:
            raise ValueError(
                f"dims must be at most {embeddings.shape[-1]}, the width of the embeddings, "
                f"received {self.dims}."
            )
        parts = (
            weight * self.loss.of_rows(unit(embeddings[..., :dim]), labels, present)
            for dim, weight in zip(self.dims, self.weights, strict=True)
        )
        return sum(parts)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        loss = keras.saving.serialize_keras_object(self.loss)
        return {**super().get_config(), "loss": loss, "dims": self.dims, "weights": self.weights}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Matryoshka:
        """Rebuilds the loss from ``get_config``."""
        return cls(**{**config, "loss": keras.saving.deserialize_keras_object(config["loss"])})


LOSSES: dict[str, Callable[..., EmbeddingLoss]] = {
    "ranking": MultipleNegativesRanking,
    "cosine": CosineSimilarity,
    "triplet": Triplet,
    "cosent": CoSENT,
    "angle": AnglE,
}


def embedding_loss(
    name: str, *, matryoshka: Sequence[int] | None = None, **options: Any
) -> EmbeddingLoss:
    """A loss by its name in ``LOSSES``.

    Args:
        name: of the loss.
        matryoshka: widths that are trained together.
        **options: of the loss; ``None`` is its default.

    Raises:
        ValueError: the name is unknown, or the loss has no such option.
    """
    if name not in LOSSES:
        raise ValueError(f"loss must be one of {sorted(LOSSES)}, received {name!r}.")
    given = {key: value for key, value in options.items() if value is not None}
    try:
        loss = LOSSES[name](**given)
    except TypeError as error:
        raise ValueError(f"loss {name!r} does not have all of the options {given}.") from error
    return loss if matryoshka is None else Matryoshka(loss, matryoshka)

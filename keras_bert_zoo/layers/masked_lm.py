"""From hidden states back to words."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_bert_zoo.layers import activations, gradients
from keras_bert_zoo.layers.embeddings import Embeddings
from keras_bert_zoo.layers.linear import Linear
from keras_bert_zoo.layers.normalization import LayerNorm, wide


def _scores(rows: Any, table: Any, bias: Any) -> Any:
    scores = ops.matmul(rows, ops.transpose(table))
    return scores if bias is None else scores + bias


def scores_of_few(rows: Any, table: Any, bias: Any) -> Any:
    """Scores ``(R, V)`` of a few rows ``(R, H)``."""
    # Processors pass through a large left factor faster than through a large right one. The bias
    # stands between product and transposition, which XLA would else undo.
    scores = ops.matmul(table, ops.transpose(rows))
    return ops.transpose(scores if bias is None else scores + bias[:, None])


class MaskedLMHead(keras.layers.Layer):
    """Scores of all words at some positions; the decoder is the transposed word table.

    Where tokens are wider than words, a table of the head's own, ``further_words``, stands beside
    it for the rest (Sun et al. 2020, arXiv:2004.02984).

    Devlin et al. 2018 (arXiv:1810.04805), section 3.1, task 1; the transform before the
    decoder is that of Google's ``run_pretraining.py``.

    Args:
        embeddings: the layer that holds the word table, which stays its own: the head has
            no copy, and its gradient is the sum of both uses.
        activation: of the transform, by the name in ``layers.activations``.
        epsilon: of the normalisation.
        initializer_range: standard deviation of the transform's kernel.
        transform_bias: whether the transform has a bias.
        norm_bias: whether the normalisation has one.
        word_bias: whether each word has one.
        transform: whether there is a transform; else the hidden states are scored as they are.
    """

    def __init__(
        self,
        embeddings: Embeddings,
        *,
        activation: str = "gelu",
        epsilon: float = 1e-12,
        initializer_range: float = 0.02,
        transform_bias: bool = True,
        norm_bias: bool = True,
        word_bias: bool = True,
        transform: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        # Behind a function, because a layer that is an attribute would be tracked twice.
        self.table = lambda: embeddings.word
        sizes, policy = embeddings.arguments, self.dtype_policy
        self.transform: Linear | None = None
        if transform:
            self.transform = Linear(
                sizes["hidden_size"],
                initializer_range=initializer_range,
                use_bias=transform_bias,
                name="transform",
                dtype=policy,
            )
            self.norm = LayerNorm(epsilon, norm_bias, name="norm", dtype=policy)
        activations.get(activation)  # an unknown name fails here
        self.activation = activation
        self.word_bias = word_bias
        self.initializer_range = initializer_range
        self.vocab_size = sizes["vocab_size"]
        self.word_size = embeddings.word_size

    def build(self, hidden_shape: tuple[int | None, ...], *_: Any) -> None:
        """Builds the transform, and for each word a bias and what its row lacks, if any."""
        width: Any = hidden_shape[-1]
        if self.transform is not None:
            self.transform.build(hidden_shape)
            width = self.transform.units
            self.norm.build((*hidden_shape[:-1], width))
        self.bias = None
        if self.word_bias:
            self.bias = self.add_weight(name="bias", shape=(self.vocab_size,), initializer="zeros")
        self.further_words = None
        if lacking := width - self.word_size:
            self.further_words = self.add_weight(
                name="further_words",
                shape=(self.vocab_size, lacking),
                initializer=keras.initializers.TruncatedNormal(stddev=self.initializer_range),
            )

    def call(
        self,
        hidden: Any,
        positions: Any = None,
        training: bool | None = None,
        few: bool = False,
    ) -> Any:
        """Scores words.

        Args:
            hidden: ``(B, S, H)``.
            positions: int32 ``(B, P)``, which hidden states of each row; by default all, ``P``
                is ``S`` then.
            training: whether gradients are wanted.
            few: whether ``B * P`` is small, as in writing: the same numbers, faster then.

        Returns:
            Logits ``(B, P, vocab_size)``, float32.
        """
        chosen = self.states(hidden, positions, training)
        table = ops.cast(self.table(), self.compute_dtype)
        rows = ops.reshape(chosen, (-1, chosen.shape[-1]))
        written = training and self.word_bias
        scores = gradients.scores if written else scores_of_few if few else _scores
        if self.further_words is None:
            logits = scores(rows, table, self.bias)
        else:
            logits = scores(rows[:, : self.word_size], table, self.bias)
            logits = logits + _scores(rows[:, self.word_size :], self.further_words, None)
        logits = ops.reshape(logits, (-1, ops.shape(chosen)[1], self.vocab_size))
        return ops.cast(logits, wide(self.compute_dtype))

    def states(self, hidden: Any, positions: Any = None, training: bool | None = None) -> Any:
        """What ``words`` are multiplied by, ``(B, P, H)``; arguments as of ``call``."""
        chosen = hidden
        if positions is not None:
            # First: P of the S positions are all that is projected on the vocabulary.
            chosen = ops.take_along_axis(hidden, ops.expand_dims(positions, -1), axis=1)  # B P H
        if self.transform is not None:
            activation = activations.get(self.activation, training)
            chosen = self.norm(activation(self.transform(chosen)))
        return chosen

    @property
    def words(self) -> Any:
        """A row for each word, ``(V, H)``."""
        parts = [self.table(), *([] if self.further_words is None else [self.further_words])]
        return ops.concatenate(parts, axis=-1) if len(parts) > 1 else parts[0]

    def compute_output_shape(
        self,
        hidden_shape: tuple[int | None, ...],
        positions_shape: tuple[int | None, ...] | None = None,
    ) -> tuple[int | None, ...]:
        """``(B, P, vocab_size)``."""
        return (*(positions_shape or hidden_shape[:2]), self.vocab_size)

    def compute_output_spec(
        self, hidden: Any, positions: Any = None, **_: Any
    ) -> keras.KerasTensor:
        """Float32, also under a policy of half precision."""
        shape = self.compute_output_shape(hidden.shape, getattr(positions, "shape", None))
        return keras.KerasTensor(shape, dtype=wide(self.compute_dtype))

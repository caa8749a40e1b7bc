"""Embeddings of narrow words that see their neighbours, as in MobileBERT."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_bert_zoo.layers.embeddings import Embeddings
from keras_bert_zoo.layers.linear import Linear
from keras_bert_zoo.layers.normalization import normalization


@keras.saving.register_keras_serializable("keras_bert_zoo")
class TrigramEmbeddings(Embeddings):
    """Words are projected to the width of positions and segments, with the words beside them.

    Sun et al. 2020 (arXiv:2004.02984), section 3.4: a convolution of three words, written as one
    product. Beyond the ends of a row are zeros. Padding is a word like any other: the last token
    of a padded row sees it.

    Args:
        word_size: width of the word table.
        neighbours: whether words see those beside them.
        normalization_type: see ``normalization``.
        **kwargs: of ``Embeddings``.
    """

    def __init__(
        self,
        *,
        word_size: int,
        neighbours: bool = True,
        normalization_type: str = "layer_norm",
        **kwargs: Any,
    ) -> None:
        self.own: dict[str, Any] = {
            "word_size": word_size,
            "neighbours": neighbours,
            "normalization_type": normalization_type,
        }
        super().__init__(**kwargs)
        self.transform = Linear(
            self.arguments["hidden_size"],
            initializer_range=self.arguments["initializer_range"],
            name="transform",
            dtype=self.dtype_policy,
        )

    def normalise_with(self, **options: Any) -> Any:
        """The kind of normalisation."""
        return normalization(self.own["normalization_type"], self.arguments["epsilon"], **options)

    @property
    def word_size(self) -> int:
        """Width of the word table."""
        return self.own["word_size"]

    def build(self, *shapes: Any) -> None:
        """Creates the tables and the projection."""
        super().build(*shapes)
        self.transform.build((None, None, self.word_size * (3 if self.own["neighbours"] else 1)))

    def call(
        self,
        input_ids: Any,
        token_type_ids: Any = None,
        position_ids: Any = None,
        training: bool | None = None,
        documents: Any = None,
    ) -> Any:
        """Embeds int32 ids ``(B, S)`` as ``(B, S, H)``.

        Args:
            input_ids: see ``Embeddings.call``; so the next three, and what is raised.
            token_type_ids: see there.
            position_ids: see there.
            training: see there.
            documents: of rows with several, the number of each token's, int32 ``(B, S)``: a word
                sees none of another.
        """
        words = self.look_up(input_ids, position_ids)
        if self.own["neighbours"]:
            words = _with_neighbours(words, documents)
        # In the type of the tables, in which all is added up.
        words = ops.cast(self.transform(words, training=training), self.word.dtype)
        return self.add_up(words, input_ids, token_type_ids, position_ids, training)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {**super().get_config(), **self.own}


def _with_neighbours(words: Any, documents: Any) -> Any:
    """``(B, S, E)`` to ``(B, S, 3 E)``: the next word, the word, the one before."""
    padded = ops.pad(words, ((0, 0), (1, 1), (0, 0)))
    following, preceding = padded[:, 2:], padded[:, :-2]
    if documents is not None:
        ends = ops.not_equal(documents[:, :-1], documents[:, 1:])
        inside = ops.expand_dims(1.0 - ops.cast(ends, words.dtype), -1)
        following = following * ops.pad(inside, ((0, 0), (0, 1), (0, 0)))
        preceding = preceding * ops.pad(inside, ((0, 0), (1, 0), (0, 0)))
    return ops.concatenate([following, words, preceding], axis=-1)

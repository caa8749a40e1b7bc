"""Summaries of whole sentences, chosen by a SavedModel. TensorFlow only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert_zoo.data.summaries import JOINER, sentence_spans

from ..signature import BATCH, TensorSpec
from .answering import Answering, Tensors, column, table, text_input
from .selection import selected
from .sentence_rows import sentence_rows
from .sentences import sentences_of, without_blank

# What is said of each sentence that is taken: its name in the answers of the task, and its type.
_SAID = {
    "indices": ("index", "int32"),
    "texts": ("text", "string"),
    "scores": ("score", "float32"),
    "starts": ("start", "int32"),
    "ends": ("end", "int32"),
}


def _outputs(*names: str) -> tuple[TensorSpec, ...]:
    said = (TensorSpec(name, _SAID[name][1], (BATCH, "answers")) for name in names)
    return (TensorSpec("summary_text", "string", (BATCH,)), *said)


class _Extracts(Answering):
    """Sentences of documents, as ``tasks.extractive_summarization`` chooses them."""

    def chosen(self, texts: tf.Tensor, **places: tf.Tensor) -> Tensors:
        """Says of the sentences that make the summaries what is known of them.

        Args:
            texts: of all sentences, strings ``(B, K)``, K > 0; an empty one is none.
            **places: where each of them stands, int32 ``(B, K)``.
        """
        inputs, first = sentence_rows(texts, self.tokenizer, self.max_length)
        logits = tf.gather_nd(self.forward(**inputs)["logits"], first)
        scores = tf.tensor_scatter_nd_update(
            tf.fill(tf.shape(texts), tf.constant(-1.0, tf.float64)),
            tf.where(texts != ""),
            tf.sigmoid(tf.cast(logits, tf.float64)),
        )
        options = self.options
        taken = selected(
            scores,
            texts,
            most=options.sentences,
            threshold=options.threshold,
            block=options.block_ngrams,
        )
        indices = tf.broadcast_to(tf.range(tf.shape(texts)[1]), tf.shape(texts))
        known = {"indices": indices, "texts": texts, "scores": tf.cast(scores, tf.float32)}
        found = {
            name: tf.ragged.boolean_mask(values, taken)
            for name, values in {**known, **places}.items()
        }
        summaries = tf.strings.reduce_join(found["texts"], axis=1, separator=JOINER)
        return {
            "summary_text": summaries,
            **{name: ragged.to_tensor() for name, ragged in found.items()},
        }

    @classmethod
    def arrays(cls, answers: Sequence[Mapping[str, Any]]) -> dict[str, np.ndarray]:
        """Answers of the task as the signature returns them."""
        first, *others = (spec.name for spec in cls.outputs)
        taken = [answer["selected"] for answer in answers]
        said = {
            name: table([[each[_SAID[name][0]] for each in sentences] for sentences in taken])
            for name in others
        }
        return {first: column([answer[first] for answer in answers]), **said}


class Summaries(_Extracts):
    """Of running text, which is split into sentences."""

    inputs = (text_input("text"),)
    outputs = _outputs("indices", "texts", "scores", "starts", "ends")

    def __call__(self, text: tf.Tensor) -> Tensors:
        """Splits texts and chooses of their sentences."""
        found = sentences_of(text)
        return self.chosen(**{name: _wider(each.to_tensor()) for name, each in found.items()})

    @staticmethod
    def whole(examples: Any, rows: Any) -> np.ndarray:
        """Those whose sentences are where a text would be split."""
        return np.array([each.spans == sentence_spans(each.text) for each in examples])

    @staticmethod
    def given(examples: Any) -> dict[str, list[Any]]:
        """What the signature is called with."""
        return {"text": [each.text for each in examples]}


class SentenceSummaries(_Extracts):
    """Of sentences as they are given, filled up with empty ones."""

    name = "sentences"
    inputs = (text_input("sentences", "sentences"),)
    outputs = _outputs("indices", "texts", "scores")

    def __call__(self, sentences: tf.Tensor) -> Tensors:
        """Chooses of the sentences of each document."""
        return self.chosen(_wider(without_blank(sentences)))

    @staticmethod
    def given(examples: Any) -> dict[str, list[Any]]:
        """What the signature is called with."""
        return {"sentences": table([each.sentences for each in examples]).tolist()}


def _wider(values: tf.Tensor) -> tf.Tensor:
    """One more column, of nothing: documents without sentences have none."""
    return tf.pad(values, [[0, 0], [0, 1]])

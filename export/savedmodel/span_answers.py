"""Answers that a SavedModel finds in contexts. TensorFlow only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from ..signature import BATCH, TensorSpec
from .answering import Answering, Tensors, column, cut, text_input
from .sentences import without_blank


class Spans(Answering):
    """The part of a context that answers a question; as ``tasks.question_answering`` finds it.

    A long context takes several rows. ``logit`` is the sum of the logits of the first and the last
    token of the answer, ``null_margin`` that of ``[CLS]`` less it.
    """

    inputs = (text_input("question"), text_input("context"))
    outputs = tuple(
        TensorSpec(name, dtype, (BATCH,))
        for name, dtype in {
            "answer": "string",
            "start": "int32",
            "end": "int32",
            "logit": "float32",
            "null_margin": "float32",
        }.items()
    )

    def __call__(self, question: tf.Tensor, context: tf.Tensor) -> Tensors:
        """Searches all rows of each context; of none where nothing is asked."""
        context = tf.where(without_blank(question) == "", "", context)
        longest = self.options.max_question_length + self.tokenizer.num_special_tokens()
        words = self.tokenizer(
            question, truncation=True, max_length=longest, padding=True, return_offsets_mapping=True
        )
        asked = cut(question, 0, tf.reduce_max(words["offset_mapping"][..., 1], axis=1))
        encoded = self.tokenizer(
            asked,
            context,
            truncation="only_second",
            max_length=self.max_length,
            stride=self.options.stride,
            padding=True,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
            return_sequence_ids=True,
        )
        offsets, sequences, owner = (
            encoded.pop(name)
            for name in ("offset_mapping", "sequence_ids", "overflow_to_sample_mapping")
        )
        made = self.forward(**encoded)
        begin, end = made["start_logits"], made["end_logits"]
        place, best = self._best(begin, end, sequences == 1)
        width = tf.shape(begin)[1]
        first, last = place // width, place % width
        # The best row of each question.
        rows = tf.RaggedTensor.from_value_rowids(best, owner, tf.shape(question, tf.int32)[0])
        at = tf.cast(tf.argmax(rows.to_tensor(-np.inf), axis=1), owner.dtype)
        row = tf.gather(tf.cast(rows.row_starts(), owner.dtype), tf.range(tf.size(at))) + at
        nothing = tf.math.segment_min(begin[:, 0] + end[:, 0], owner)
        logit = tf.gather(best, row)
        spans = tf.stack(
            [
                tf.gather_nd(offsets[..., 0], tf.stack([row, tf.gather(first, row)], axis=1)),
                tf.gather_nd(offsets[..., 1], tf.stack([row, tf.gather(last, row)], axis=1)),
            ]
        )
        margin = nothing - logit
        spans *= tf.cast(~self._silent(margin), spans.dtype)
        return {
            "answer": cut(context, spans[0], spans[1]),
            "start": spans[0],
            "end": spans[1],
            "logit": logit,
            "null_margin": margin,
        }

    def _best(
        self, begin: tf.Tensor, end: tf.Tensor, takes: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The likeliest pair of tokens of each row, as one number, and its score ``(W,)``."""
        width = tf.shape(begin)[1]
        low = tf.constant(-np.inf, begin.dtype)
        sums = tf.where(takes, begin, low)[:, :, None] + tf.where(takes, end, low)[:, None, :]
        ones = tf.ones((width, width), tf.bool)
        longest = tf.minimum(self.options.max_answer_length - 1, width)
        ones = tf.linalg.band_part(ones, 0, longest)
        flat = tf.reshape(tf.where(ones, sums, low), (-1, width * width))
        return tf.argmax(flat, axis=1, output_type=tf.int32), tf.reduce_max(flat, axis=1)

    def _silent(self, margin: tf.Tensor) -> tf.Tensor:
        """Where a context has no token there is no answer, whether one is wanted or not."""
        known = bool(self.options.impossible)
        return margin > (self.options.null_threshold if known else np.finfo("float32").max)

    @staticmethod
    def given(examples: Any) -> dict[str, list[Any]]:
        """What the signature is called with."""
        return {
            "question": [example.question for example in examples],
            "context": [example.context for example in examples],
        }

    @staticmethod
    def arrays(answers: Sequence[Mapping[str, Any]]) -> dict[str, np.ndarray]:
        """Answers of the task as the signature returns them."""
        names = ("answer", "start", "end", "null_margin")
        found = {name: [answer[name] for answer in answers] for name in names}
        found["null_margin"] = [np.inf if x is None else x for x in found["null_margin"]]
        return {name: column(values) for name, values in found.items()}

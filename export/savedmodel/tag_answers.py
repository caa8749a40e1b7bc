"""Entities or tags that a SavedModel finds in texts. TensorFlow only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert_zoo.data.tagging import words_of
from keras_bert_zoo.evaluation.tagging import entities, spells_entities
from keras_bert_zoo.layers.crf import marginals, viterbi

from ..signature import BATCH, TensorSpec
from .answering import Answering, Tensors, cut, table, text_input

_MANY = "answers"


class Tags(Answering):
    """Entities of a text, or the tag of each word; as ``tasks.token_classification`` reads them.

    A text that is longer than a row is cut: send its parts.
    """

    inputs = (text_input("text"),)
    outputs = tuple(
        TensorSpec(name, dtype, (BATCH, _MANY))
        for name, dtype in {
            "labels": "string",
            "texts": "string",
            "starts": "int32",
            "ends": "int32",
            "scores": "float32",
        }.items()
    )

    def __init__(self, bundle: Any, forward: Callable[..., Tensors]) -> None:
        super().__init__(bundle, forward)
        tags = bundle.config.labels
        spell = spells_entities(tags)
        self.labels = tf.constant([_kind(tag) if spell else tag for tag in tags])
        self.counts = tf.constant([not spell or bool(entities([tag])) for tag in tags])
        # Whether a tag goes on with what the one before it began.
        self.goes_on = tf.constant(
            [[spell and len(entities([a, b])) == 1 and bool(entities([a])) and bool(entities([b]))
              for b in tags] for a in tags]
        )  # fmt: skip
        self.transitions = self.task.transitions(tags)
        self.continues = tf.constant(bundle.tokenizer.continues())

    def __call__(self, text: tf.Tensor) -> Tensors:
        """Tags the words of each text, and joins those of one entity."""
        encoded = self.tokenizer(
            text,
            truncation=True,
            max_length=self.max_length,
            padding=True,
            return_offsets_mapping=True,
            return_special_tokens_mask=True,
        )
        offsets, special = map(encoded.pop, ("offset_mapping", "special_tokens_mask"))
        logits = self.forward(**encoded)["logits"]
        token = tf.logical_and(special == 0, encoded["attention_mask"] == 1)
        begins = tf.logical_and(token, ~tf.gather(self.continues, encoded["input_ids"]))
        # Words of all texts in one line; a word ends where its last token does.
        word = tf.cumsum(tf.cast(tf.boolean_mask(begins, token), tf.int32)) - 1
        ends = tf.math.segment_max(tf.boolean_mask(offsets[..., 1], token), word)
        owner = tf.where(begins)[:, 0]
        starts = tf.boolean_mask(offsets[..., 0], begins)
        tag, score = self._best(tf.boolean_mask(logits, begins), owner, tf.shape(text)[0])
        return self._joined(text, owner, tag, starts, ends, score)

    def _best(
        self, logits: tf.Tensor, owner: tf.Tensor, count: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The tag of each word, and its probability."""
        if self.transitions is None:
            chances = tf.nn.softmax(logits)
            return tf.argmax(chances, -1, tf.int32), tf.reduce_max(chances, axis=-1)
        texts = tf.RaggedTensor.from_value_rowids(logits, owner, tf.cast(count, owner.dtype))
        words = tf.pad(texts.to_tensor(), [[0, 0], [0, 1], [0, 0]])  # no loop of length 0
        mask = tf.sequence_mask(texts.row_lengths(), tf.shape(words)[1])
        chain = words, mask, self.transitions
        tags = tf.boolean_mask(tf.cast(viterbi(*chain), tf.int32), mask)
        shares = tf.boolean_mask(marginals(*chain), mask)
        return tags, tf.gather(shares, tags, batch_dims=1)

    def _joined(
        self,
        text: tf.Tensor,
        owner: tf.Tensor,
        tag: tf.Tensor,
        starts: tf.Tensor,
        ends: tf.Tensor,
        score: tf.Tensor,
    ) -> Tensors:
        before = tf.concat([tag[:1], tag[:-1]], axis=0)
        same = tf.concat([tf.zeros_like(owner[:1], tf.bool), owner[1:] == owner[:-1]], axis=0)
        goes_on = same & tf.gather_nd(self.goes_on, tf.stack([before, tag], axis=-1))
        counts = tf.gather(self.counts, tag)
        first = counts & ~goes_on
        unit = tf.boolean_mask(tf.cumsum(tf.cast(first, tf.int32)) - 1, counts)
        rows = tf.boolean_mask(owner, first)
        starts, last = tf.boolean_mask(starts, first), tf.boolean_mask(ends, counts)
        ends = tf.math.segment_max(last, unit)
        found = {
            "labels": tf.gather(self.labels, tf.boolean_mask(tag, first)),
            "texts": cut(tf.gather(text, rows), starts, ends),
            "starts": starts,
            "ends": ends,
            "scores": tf.math.segment_mean(tf.boolean_mask(score, counts), unit),
        }
        count = tf.shape(text, tf.int64)[0]
        return {
            name: tf.RaggedTensor.from_value_rowids(values, rows, count).to_tensor()
            for name, values in found.items()
        }

    @staticmethod
    def whole(examples: Any, rows: Any) -> np.ndarray:
        """Those that take one row, and whose words are where BERT's tokenizer cuts."""
        own = [tuple(each.words) == words_of(each.text) for each in examples]
        return np.array(own) & (np.bincount(rows.memory.windows.owners) == 1)

    @staticmethod
    def given(examples: Any) -> dict[str, list[Any]]:
        """What the signature is called with."""
        return {"text": [example.text for example in examples]}

    @staticmethod
    def arrays(answers: Sequence[Mapping[str, Any]]) -> dict[str, np.ndarray]:
        """Answers of the task as the signature returns them."""
        found = [next(iter(answer.values())) for answer in answers]
        names = {"labels": "label", "texts": "text", "starts": "start", "ends": "end"}
        return {
            name: table([[unit[key] for unit in units] for units in found])
            for name, key in {**names, "scores": "score"}.items()
        }


def _kind(tag: str) -> str:
    return next((kind for kind, _, _ in entities([tag])), tag)

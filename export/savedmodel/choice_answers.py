"""Choices, next sentences and masked words, answered by a SavedModel. TensorFlow only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert_zoo.layers.attention import MASKED

from ..signature import BATCH, TensorSpec
from .answering import Answering, Tensors, column, table, text_input

_CHOICES = "choices"


class Choices(Answering):
    """Which of several texts goes best with a first one."""

    inputs = (text_input("text"), text_input("choices", _CHOICES))
    outputs = (
        TensorSpec("choice", "int32", (BATCH,)),
        TensorSpec("chosen", "string", (BATCH,)),
        TensorSpec("scores", "float32", (BATCH, _CHOICES)),
    )

    def __call__(self, text: tf.Tensor, choices: tf.Tensor) -> Tensors:
        """Scores every choice with its text; an empty one is none."""
        first = tf.repeat(text, tf.shape(choices)[1])
        rows = self.encoded(first, tf.reshape(choices, [-1]))
        logits = tf.reshape(self.forward(**rows)["logits"], tf.shape(choices))
        scores = tf.nn.softmax(tf.where(choices == "", MASKED, logits))
        choice = tf.argmax(scores, axis=1, output_type=tf.int32)
        chosen = tf.gather(choices, choice, batch_dims=1)
        return {"choice": choice, "chosen": chosen, "scores": scores}

    @staticmethod
    def given(examples: Any) -> dict[str, list[Any]]:
        """What the signature is called with."""
        return {"text": list(examples.texts), "choices": examples.seconds}

    @staticmethod
    def arrays(answers: Sequence[Mapping[str, Any]]) -> dict[str, np.ndarray]:
        """Answers of the task as the signature returns them."""
        found = {name: [answer[name] for answer in answers] for name in answers[0]}
        return {
            **{name: column(found[name]) for name in ("choice", "chosen")},
            "scores": table(found["scores"]),
        }


class Follows(Answering):
    """Whether a second text follows a first one."""

    inputs = (text_input("text"), text_input("text_pair"))
    outputs = (TensorSpec("follows", "float32", (BATCH,)),)

    def __call__(self, text: tf.Tensor, text_pair: tf.Tensor) -> Tensors:
        """The probability for each pair."""
        rows = self.encoded(text, text_pair)
        return {"follows": tf.nn.softmax(self.forward(**rows)["logits"])[:, 0]}

    @staticmethod
    def given(examples: Any) -> dict[str, list[Any]]:
        """What the signature is called with."""
        return {"text": list(examples.texts), "text_pair": list(examples.text_pairs)}


class Words(Answering):
    """The likeliest words for each mask of a text."""

    inputs = (text_input("text"),)

    def __init__(self, bundle: Any, forward: Callable[..., Tensors]) -> None:
        super().__init__(bundle, forward)
        self.top_k = min(self.options.top_k, bundle.config.vocab_size)
        self.tokens = tf.constant(list(bundle.tokenizer.vocabulary))
        self.outputs = (
            TensorSpec("tokens", "string", (BATCH, "masks", self.top_k)),
            TensorSpec("scores", "float32", (BATCH, "masks", self.top_k)),
        )

    def __call__(self, text: tf.Tensor) -> Tensors:
        """Fills the masks, each by itself."""
        rows = self.encoded(text)
        masks = tf.where(rows["input_ids"] == self.tokenizer.mask_token_id)
        logits = tf.gather_nd(self.forward(**rows)["logits"], masks)
        scores, ids = tf.math.top_k(tf.nn.softmax(logits), self.top_k)
        count = tf.shape(text, tf.int64)[0]
        return {
            name: tf.RaggedTensor.from_value_rowids(values, masks[:, 0], count).to_tensor(
                shape=(None, None, self.top_k)
            )
            for name, values in {"tokens": tf.gather(self.tokens, ids), "scores": scores}.items()
        }

    @staticmethod
    def given(examples: Any) -> dict[str, list[Any]]:
        """What the signature is called with."""
        return {"text": list(examples.texts)}

    @staticmethod
    def arrays(answers: Sequence[Mapping[str, Any]]) -> dict[str, np.ndarray]:
        """Answers of the task as the signature returns them."""
        found = [answer["masks"] for answer in answers]
        return {
            name: table([[[word[key] for word in words] for words in masks] for masks in found])
            for name, key in {"tokens": "token_str", "scores": "score"}.items()
        }

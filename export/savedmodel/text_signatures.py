"""The signatures of a SavedModel that take strings. TensorFlow only.

A server passes every input of a signature or refuses the request: an input cannot be left
out. Hence one signature for texts, one for pairs of texts, and one for serialized
``tf.train.Example`` protos, where each row says for itself which of the two it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf

from keras_bert_zoo.tokenizers.padding import pad

from ..answers import EMBEDDING
from ..encoding import longest_text
from ..formats import WHOLE_TEXTS
from ..signature import BATCH, Signature, TensorSpec
from ..tracing import tensor_specs
from .answering import Tensors
from .batches import any_batch
from .task_signatures import SIGNATURES

TEXT, PAIRS, EXAMPLES = "serving_default", "pairs", "tf_examples"
# What stands in for an empty batch, where it is no empty text: an example with one.
_EMPTY = tf.train.Feature(bytes_list=tf.train.BytesList(value=[b""]))
_ROWS = {
    EXAMPLES: tf.train.Example(
        features=tf.train.Features(feature={"text": _EMPTY})
    ).SerializeToString()
}


def text_signatures(
    bundle: Any, forward: Callable[..., Tensors]
) -> Iterator[tuple[Signature, Any]]:
    """Traces every signature of a bundle that takes strings.

    Args:
        bundle: with a tokenizer.
        forward: the model as a concrete function, int32 ``(B, S)`` by name; shared, so that
            the graph holds the model once.

    Yields:
        Signature and concrete function: ``serving_default``, ``pairs`` and ``tf_examples``;
        of other tasks than those of ``WHOLE_TEXTS`` those of ``task_signatures``.
    """
    if bundle.model.task not in WHOLE_TEXTS:
        for kind in SIGNATURES[bundle.model.task]:
            yield _task_signature(kind(bundle, forward))
        return
    head = _HEADS[next(iter(bundle.model.output))](bundle)
    for name, (inputs, encode) in _ways(bundle).items():

        def serve(encode: Any = encode, **given: tf.Tensor) -> Tensors:
            ids = encode(**given)
            return head(ids, forward(**ids))

        declared = tuple(TensorSpec(key, "string", (BATCH,)) for key in inputs)
        signature = Signature(name, declared, head.outputs)
        yield signature, _traced(serve, signature, _ROWS.get(name, b""))


def _task_signature(answer: Any) -> tuple[Signature, Any]:
    signature = Signature(answer.name, answer.inputs, answer.outputs)
    return signature, _traced(answer, signature)


def _traced(answer: Callable[..., Tensors], signature: Signature, row: bytes = b"") -> Any:
    names = [spec.name for spec in signature.inputs]
    function = tf.function(any_batch(answer, names, row), autograph=False)
    return function.get_concrete_function(**tensor_specs(signature))


def _ways(bundle: Any) -> dict[str, tuple[tuple[str, ...], Callable[..., Tensors]]]:
    encoder = _Encoder(bundle)
    return {
        TEXT: (("text",), encoder.texts),
        PAIRS: (("text", "text_pair"), encoder.pairs),
        EXAMPLES: (("examples",), encoder.examples),
    }


class _Encoder:
    """Strings to the ids of the model ``(B, S)``, truncated to what it can see."""

    def __init__(self, bundle: Any) -> None:
        self.tokenizer = bundle.tokenizer
        self.options = {"truncation": True, "max_length": longest_text(bundle)}

    def texts(self, text: tf.Tensor) -> Tensors:
        return self.tokenizer(text, padding=True, **self.options)

    def pairs(self, text: tf.Tensor, text_pair: tf.Tensor) -> Tensors:
        return self.tokenizer(text, text_pair, padding=True, **self.options)

    def examples(self, examples: tf.Tensor) -> Tensors:
        """A row without the feature ``text_pair`` is a single text, also beside pairs."""
        features = {
            "text": tf.io.FixedLenFeature((), tf.string),
            "text_pair": tf.io.RaggedFeature(tf.string),
        }
        parsed = tf.io.parse_example(examples, features)
        counts = parsed["text_pair"].row_lengths()
        message = "An example may have at most 1 value of the feature text_pair."
        tf.debugging.assert_less_equal(counts, tf.constant(1, counts.dtype), message)
        second = parsed["text_pair"].to_tensor(default_value="", shape=(None, 1))[:, 0]
        return self._mixed(parsed["text"], second, counts > 0)

    def _mixed(self, text: tf.Tensor, text_pair: tf.Tensor, is_pair: tf.Tensor) -> Tensors:
        """Single texts and pairs, encoded apart and put back into their order."""
        single, double = (tf.where(rows)[:, 0] for rows in (~is_pair, is_pair))
        encoded = [
            self.tokenizer(tf.gather(text, single), **self.options),
            self.tokenizer(tf.gather(text, double), tf.gather(text_pair, double), **self.options),
        ]
        places = tf.argsort(tf.concat([single, double], axis=0))
        rows = {
            name: tf.gather(tf.concat([part[name] for part in encoded], axis=0), places)
            for name in encoded[0]
        }
        longest = tf.reduce_max(tf.concat([rows["input_ids"].row_lengths(), [0]], axis=0))
        fill = {"input_ids": self.tokenizer.pad_token_id}
        return {name: pad(ragged, longest, fill.get(name, 0)) for name, ragged in rows.items()}


class _Scores:
    """Class names and scores, in the order of the classes; of the best one its name."""

    def __init__(self, bundle: Any) -> None:
        self.labels = bundle.config.labels
        self.score = _SCORES[bundle.config.problem_type]
        shape = (BATCH, len(self.labels))
        self.outputs = (
            TensorSpec("scores", "float32", shape),
            TensorSpec("labels", "string", shape),
            TensorSpec("label", "string", (BATCH,)),
        )

    def __call__(self, inputs: Tensors, outputs: Tensors) -> Tensors:
        scores, labels = self.score(outputs["logits"]), tf.constant(self.labels)
        return {
            "scores": scores,
            "labels": tf.broadcast_to(labels, tf.shape(scores)),
            "label": tf.gather(labels, tf.argmax(scores, axis=-1)),
        }


class _Embeddings:
    """One vector per text: the mean of the last hidden states of its tokens."""

    def __init__(self, bundle: Any) -> None:
        width = next(iter(bundle.model.output.values())).shape[-1]
        self.outputs = (TensorSpec("embeddings", "float32", (BATCH, width)),)

    def __call__(self, inputs: Tensors, outputs: Tensors) -> Tensors:
        if "last_hidden_state" not in outputs:  # an embedder's own vector
            [vectors] = outputs.values()
            return {"embeddings": vectors}
        mask = tf.cast(inputs["attention_mask"], tf.float32)[:, :, tf.newaxis]
        total = tf.reduce_sum(outputs["last_hidden_state"] * mask, axis=1)
        return {"embeddings": total / tf.reduce_sum(mask, axis=1)}


# The main output of a model decides what its text signatures return.
_HEADS: dict[str, Any] = {
    "logits": _Scores,
    "last_hidden_state": _Embeddings,
    EMBEDDING: _Embeddings,
}
_SCORES = {
    "single_label_classification": tf.nn.softmax,
    "multi_label_classification": tf.sigmoid,
    "regression": tf.identity,
}

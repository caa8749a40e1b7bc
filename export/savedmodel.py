"""SavedModels that load without Keras. TensorFlow only.

Two signatures: ``ids`` takes integers; ``serving_default`` takes strings, tokenizes them
inside the graph and returns what a client wants to know. A graph with text in it loads
only where tensorflow-text's operators are registered (TensorFlow Serving has them), so
there is a variant without it, for plain TensorFlow.
"""

from __future__ import annotations

import pathlib
from typing import Any

import tensorflow as tf

from .errors import ExportError
from .signature import BATCH, Signature, TensorSpec
from .tracing import Weights, trace

TEXT = "serving_default"


def export(bundle: Any, path: pathlib.Path, *, text: bool = True) -> tuple[Signature, ...]:
    """Writes a SavedModel directory.

    Args:
        bundle: what to export.
        path: of the new directory.
        text: whether it has the signature that takes strings.

    Returns:
        Its signatures, ``ids`` first.

    Raises:
        ExportError: text is wanted and the bundle has no tokenizer.
    """
    signature = Signature.of(bundle.model)
    if not text:
        write_ids(bundle.model, signature, path)
        return (signature,)
    if bundle.tokenizer is None:
        raise ExportError(
            "The bundle has no tokenizer, so its model cannot take text. Save it with one, or "
            "export the format 'savedmodel-ids'."
        )
    weights = Weights(bundle.model)
    weights.tokenizer = bundle.tokenizer
    head = _HEADS[signature.outputs[0].name](bundle.config)
    functions = {"ids": trace(bundle.model, signature), TEXT: _text_function(bundle, head)}
    tf.saved_model.save(weights, str(path), signatures=functions)
    return (signature, head.signature)


def write_ids(model: Any, signature: Signature, path: str | pathlib.Path) -> None:
    """Writes a SavedModel with one integer signature and nothing but core operators."""
    functions = {signature.name: trace(model, signature)}
    tf.saved_model.save(Weights(model), str(path), signatures=functions)


def longest_text(bundle: Any) -> int:
    """How many tokens of a text the model sees: the rest is cut off."""
    return min(bundle.tokenizer.model_max_length, bundle.config.max_position_embeddings)


def _text_function(bundle: Any, head: Any) -> Any:
    tokenizer, model, limit = bundle.tokenizer, bundle.model, longest_text(bundle)

    def serve(text: tf.Tensor) -> dict[str, tf.Tensor]:
        inputs = tokenizer(text, truncation=True, max_length=limit, padding=True)
        return head(inputs, model(inputs, training=False))

    spec = tf.TensorSpec((None,), tf.string, name="text")
    return tf.function(serve, autograph=False).get_concrete_function(text=spec)


class _Scores:
    """Class names and scores, in the order of the classes; of the best one its name."""

    def __init__(self, config: Any) -> None:
        self.labels = config.labels
        self.score = _SCORES[config.problem_type]
        shape = (BATCH, len(self.labels))
        self.signature = _text_signature(
            TensorSpec("scores", "float32", shape),
            TensorSpec("labels", "string", shape),
            TensorSpec("label", "string", (BATCH,)),
        )

    def __call__(self, inputs: dict[str, Any], outputs: dict[str, Any]) -> dict[str, Any]:
        scores, labels = self.score(outputs["logits"]), tf.constant(self.labels)
        return {
            "scores": scores,
            "labels": tf.broadcast_to(labels, tf.shape(scores)),
            "label": tf.gather(labels, tf.argmax(scores, axis=-1)),
        }


class _Embeddings:
    """One vector per text: the mean of the last hidden states of its tokens."""

    def __init__(self, config: Any) -> None:
        shape = (BATCH, config.hidden_size)
        self.signature = _text_signature(TensorSpec("embeddings", "float32", shape))

    def __call__(self, inputs: dict[str, Any], outputs: dict[str, Any]) -> dict[str, Any]:
        mask = tf.cast(inputs["attention_mask"], tf.float32)[:, :, tf.newaxis]
        total = tf.reduce_sum(outputs["last_hidden_state"] * mask, axis=1)
        return {"embeddings": total / tf.reduce_sum(mask, axis=1)}


def _text_signature(*outputs: TensorSpec) -> Signature:
    return Signature(TEXT, (TensorSpec("text", "string", (BATCH,)),), outputs)


# The main output of a model decides what its text signature returns.
_HEADS: dict[str, Any] = {"logits": _Scores, "last_hidden_state": _Embeddings}
_SCORES = {
    "single_label_classification": tf.nn.softmax,
    "multi_label_classification": tf.sigmoid,
    "regression": tf.identity,
}

"""Models whose one output is what a client wants to know: scores of classes, or an embedding."""

from __future__ import annotations

from typing import Any

# What the files call them, and what an embedder's Keras model calls its output.
SCORES, EMBEDDINGS, EMBEDDING = "scores", "embeddings", "sentence_embedding"


def answering(model: Any, normalize: bool = False) -> Any:
    """Computes the answer inside the graph.

    Args:
        model: a classifier, an encoder or an embedder.
        normalize: whether embeddings are divided by their length.

    Returns:
        A functional model on the same weights with one output, ``scores`` ``(B, C)`` or
        ``embeddings`` ``(B, H)``, float32.
    """
    return _scoring(model) if "logits" in model.output else _embedding(model, normalize)


def _scoring(model: Any) -> Any:
    import keras

    activations = {
        "single_label_classification": keras.ops.softmax,
        "multi_label_classification": keras.ops.sigmoid,
        # A layer all the same: the output needs its new name.
        "regression": lambda logits: keras.layers.Identity()(logits),
    }
    return _with_output(model, SCORES, activations[model.problem_type](model.output["logits"]))


def _embedding(model: Any, normalize: bool) -> Any:
    from keras import ops

    vectors = model.output.get(EMBEDDING)
    if vectors is None:
        hidden = model.output["last_hidden_state"]
        mask = ops.expand_dims(ops.cast(model.input["attention_mask"], "float32"), -1)
        vectors = ops.sum(hidden * mask, axis=1) / ops.sum(mask, axis=1)
    if normalize:
        vectors = vectors / ops.sqrt(ops.sum(ops.square(vectors), axis=-1, keepdims=True))
    return _with_output(model, EMBEDDINGS, vectors)


def _with_output(model: Any, name: str, tensor: Any) -> Any:
    import keras

    adapted = keras.Model(model.input, {name: tensor})
    adapted.config = model.config
    return adapted

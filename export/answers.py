"""Models whose one output is what a client wants to know: scores of classes, or an embedding."""

from __future__ import annotations

from typing import Any

SCORES, EMBEDDINGS = "scores", "embeddings"


def answering(model: Any, normalize: bool = False) -> Any:
    """Computes the answer inside the graph.

    Args:
        model: a classifier or an encoder.
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

    hidden = model.output["last_hidden_state"]
    mask = ops.expand_dims(ops.cast(model.input["attention_mask"], "float32"), -1)
    mean = ops.sum(hidden * mask, axis=1) / ops.sum(mask, axis=1)
    if normalize:
        mean = mean / ops.sqrt(ops.sum(ops.square(mean), axis=-1, keepdims=True))
    return _with_output(model, EMBEDDINGS, mean)


def _with_output(model: Any, name: str, tensor: Any) -> Any:
    import keras

    adapted = keras.Model(model.input, {name: tensor})
    adapted.config = model.config
    return adapted

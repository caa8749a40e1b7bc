"""The graph that is exported of a task's model, and how the task is asked with it.

TensorFlow only. Every graph takes rows of ids ``(B, S)``, whatever the Keras model takes: the
file then has the shape of every other BERT, and a phone runs row after row. ``M`` texts of a set.
"""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from keras_bert_zoo import zoo
from keras_bert_zoo.bundle import Bundle, load
from keras_bert_zoo.checkpoints import purpose, sources
from keras_bert_zoo.checkpoints.sentence_transformers import read_modules
from keras_bert_zoo.data.pair_rows import TOKENS, WRITES
from keras_bert_zoo.evaluation.prediction import Runner
from keras_bert_zoo.layers.attention import MASKED
from keras_bert_zoo.models.named_inputs import inputs_like
from keras_bert_zoo.models.sentence_embedding import EMBEDDING, EMBEDDINGS
from keras_bert_zoo.tasks.task import remembering
from keras_bert_zoo.tasks.token_classification import TRANSITIONS

from .runtimes import IDS
from .scoring import embeddings_of, logits_of, unit_vectors

Arrays = Mapping[str, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Graph:
    """What of a task's model is exported.

    Args:
        of: the Keras model to the functional model that is exported.
        answer: outputs of that model to those of the Keras model, for the latter's inputs.
    """

    of: Callable[[Any], Any] = lambda model: model
    answer: Callable[[Arrays, Arrays, Any], Arrays] = lambda inputs, outputs, config: outputs


def load_graph(source: str | pathlib.Path, task: str | None = None) -> Bundle:
    """Loads a bundle, its model replaced by the graph that is exported.

    Args:
        source: of ``load``.
        task: of ``load``; by default what it loads, and the embedder of a directory of
            sentence-transformers whose vector is not simply the mean.
    """
    directory = sources.resolve(zoo.resolve(source))
    head = read_modules(directory).head
    if task is None and not _is_mean(head):
        task = "sentence_embedding"
    bundle = load(directory, task=task, dtype="float32", fresh_head=False)
    beside = {**_chain(bundle.model), _NORMALIZED: bool(head.get("normalize"))}
    extra = {**bundle.config.extra, **{name: value for name, value in beside.items() if value}}
    config = bundle.config.replace(extra=extra)
    if length := head.get("max_seq_length"):
        config = remembering(config, "sentence_embedding", max_length=length)
    graph = graph_of(bundle.model.task).of(bundle.model)
    return dataclasses.replace(bundle, model=graph, config=config)


def load_exported(source: str | pathlib.Path, task: str | None) -> Bundle:
    """The same for a bundle of which something was exported, as the task it was exported for."""
    return load_graph(source, task if task in purpose.on_request() else None)


def _chain(model: Any) -> dict[str, Any]:
    """The scores of a CRF: they are not in the graph, which gives logits."""
    crf = getattr(model, "crf", None)
    return {} if crf is None else {TRANSITIONS: np.asarray(crf.bordered()).tolist()}


def asked(task: str | None, config: Any, run: Runner) -> Runner:
    """A runner that takes and returns what the Keras model of a task does.

    Args:
        task: of the model.
        config: its config.
        run: runs the exported graph.
    """
    answer = graph_of(task).answer

    def ask(inputs: Arrays) -> Arrays:
        # A set becomes a row for each text; places of masks are looked up in the answer, and what
        # is to be written is no input of what writes.
        rows = {
            name: values.reshape(-1, values.shape[-1])
            for name, values in inputs.items()
            if name != _PLACES and not name.startswith(WRITES)
        }
        return answer(inputs, run(rows), config)

    return ask


def graph_of(task: str | None) -> Graph:
    """What is exported of a task's model; by default the model itself."""
    return _GRAPHS.get(task, Graph())


def _is_mean(head: Mapping[str, Any]) -> bool:
    return head["pooling"] == ["mean"] and not (head.get("dense_units") or head.get("truncate_dim"))


# === Classes of a text ===
def _classes(inputs: Arrays, outputs: Arrays, config: Any) -> Arrays:
    if "logits" in outputs:
        return outputs
    return {"logits": logits_of(config.problem_type, outputs["scores"])}


# === Tags ===
def _emissions(model: Any) -> Any:
    """Logits, without the scores of a CRF: in a graph they would be dead weights."""
    if model.crf is None:
        return model
    return _functional(model, model.input, model.get_layer("classifier").output)


# === Sets of texts ===
# In the `config.json` of an encoder that was exported of an embedder: what the graph leaves to the
# client, as sentence-transformers does.
_NORMALIZED = "normalize_embeddings"


def _embeddings(inputs: Arrays, outputs: Arrays, config: Any) -> Arrays:
    rows = {k: v.reshape(-1, v.shape[-1]) for k, v in inputs.items()}
    vectors = embeddings_of([rows], [outputs])
    if config.extra.get(_NORMALIZED):
        vectors = unit_vectors(vectors)
    if inputs["input_ids"].ndim == 2:
        return {EMBEDDING: vectors}
    return {EMBEDDINGS: _in_sets(inputs, vectors)}


def _pair(model: Any) -> Any:
    """One number for a text with one of its choices."""
    import keras

    rows = inputs_like(model.encoder)
    of_rows = keras.Model([model.rows[name] for name in rows], model.scores, name="scores")
    return _functional(model, rows, of_rows([*rows.values()]))


def _choices(inputs: Arrays, outputs: Arrays, config: Any) -> Arrays:
    exists = inputs["attention_mask"].any(axis=-1)
    return {"logits": np.where(exists, _in_sets(inputs, outputs["logits"])[..., 0], MASKED)}


def _in_sets(inputs: Arrays, rows: np.ndarray) -> np.ndarray:
    return rows.reshape(*inputs["input_ids"].shape[:-1], *rows.shape[1:])


# === Masked words ===
_PLACES = "masked_positions"


def _every_place(model: Any) -> Any:
    """Logits of the vocabulary for each token ``(B, S, V)``, as clients of fill-mask expect."""
    import keras

    rows = inputs_like(model.encoder)
    hidden = model.encoder({k: rows[k] for k in model.encoder.input})["last_hidden_state"]
    places = keras.ops.cumsum(keras.ops.ones_like(rows["input_ids"]), axis=1) - 1
    return _functional(model, rows, model.get_layer("predictions")(hidden, places))


def _words(inputs: Arrays, outputs: Arrays, config: Any) -> Arrays:
    places = inputs[_PLACES][..., None]
    return {"prediction_logits": np.take_along_axis(outputs["logits"], places, axis=1)}


# === Texts that are written ===
def _written(inputs: Arrays, outputs: Arrays, config: Any) -> Arrays:
    return {TOKENS: outputs[IDS]}


def _functional(model: Any, inputs: Any, logits: Any) -> Any:
    import keras

    graph = keras.Model(inputs, {"logits": logits})
    graph.task, graph.config = model.task, model.config
    return graph


_GRAPHS: Mapping[str | None, Graph] = {
    None: Graph(answer=_embeddings),
    "sequence_classification": Graph(answer=_classes),
    "token_classification": Graph(_emissions),
    "sentence_embedding": Graph(answer=_embeddings),
    "multiple_choice": Graph(_pair, _choices),
    "masked_lm": Graph(_every_place, _words),
    "seq2seq": Graph(answer=_written),
    "causal_lm": Graph(answer=_written),
}

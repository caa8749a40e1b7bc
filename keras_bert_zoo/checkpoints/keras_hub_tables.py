"""What keras-hub calls the variables and sizes of an architecture, read both ways."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from keras_bert_zoo.checkpoints.tensors import CheckpointError

# Files of weights, by what they hold.
BACKBONE, TASK = "model", "task"
# A file numbers the variables of a layer.
_NUMBERS = {"": 0, "kernel": 0, "bias": 1, "gamma": 0, "beta": 1}


class Address(NamedTuple):
    """Where keras-hub keeps a variable.

    Args:
        live: its path in a model.
        stored: its file and its path there.
    """

    live: str
    stored: str


@dataclasses.dataclass(frozen=True)
class Place:
    """One variable, or the variables of one layer.

    Args:
        ours: our path of the variable, or of the layer with a slash at its end.
        live: the same in a model of keras-hub.
        layer: the layer in a file of weights, which counts layers of a class.
        file: the file.
    """

    ours: str
    live: str
    layer: str
    file: str = BACKBONE

    def of_block(self, index: int) -> Place:
        """The place in one block. A file gives the first of a class no number."""
        count = f"_{index}" if index else ""
        ours, live = self.ours.format(index=index), self.live.format(index=index)
        return Place(ours, live, self.layer.format(count=count), self.file)

    def address(self, path: str) -> Address:
        """Where a variable of ours, at this place, is kept."""
        leaf = path.removeprefix(self.ours)
        stored = f"{self.file}/layers/{self.layer}/vars/{_NUMBERS[leaf]}"
        return Address(self.live + leaf, stored)


@dataclasses.dataclass(frozen=True)
class Preset:
    """One architecture of keras-hub.

    Args:
        model_type: ours.
        prefix: what the names of its classes begin with.
        places: of its variables, heads included.
        sizes: keys of our config, and the argument of the backbone for each.
        fixed: what keras-hub's code does not let a config state.
        heads: kinds of task models, and our task for each.
        unlike: further kinds, and why no model of ours computes what they do.
    """

    model_type: str
    prefix: str
    places: tuple[Place, ...]
    sizes: Mapping[str, str]
    fixed: Mapping[str, Any]
    heads: Mapping[str, str]
    unlike: Mapping[str, str]

    def addresses(self, paths: Iterable[str], blocks: int) -> dict[str, Address]:
        """Returns where keras-hub keeps variables, by our paths.

        Raises:
            CheckpointError: there is no place for some; the message lists all of them.
        """
        places = {place.ours: place for place in self._expanded(blocks)}
        found = {path: places.get(path) or places.get(_folder(path)) for path in paths}
        if odd := sorted(path for path, place in found.items() if place is None):
            raise CheckpointError(f"keras-hub's {self.prefix} has no place for {odd}.")
        return {path: place.address(path) for path, place in found.items() if place}

    def _expanded(self, blocks: int) -> Iterator[Place]:
        for place in self.places:
            for index in range(blocks if "{index}" in place.ours else 1):
                yield place.of_block(index)


def _folder(path: str) -> str:
    return path[: path.rfind("/") + 1]


def _block(ours: str, live: str, layer: str) -> Place:
    return Place(
        f"encoder/layer_{{index}}/{ours}/",
        f"transformer_layer_{{index}}/{live}/",
        f"transformer_encoder{{count}}/{layer}",
    )


# keras-hub's `TransformerEncoder`, which most of its encoders are made of.
_BLOCK = tuple(
    _block(*names)
    for names in (
        ("attention/query", "self_attention_layer/query", "_self_attention_layer/query_dense"),
        ("attention/key", "self_attention_layer/key", "_self_attention_layer/key_dense"),
        ("attention/value", "self_attention_layer/value", "_self_attention_layer/value_dense"),
        (
            "attention/output",
            "self_attention_layer/attention_output",
            "_self_attention_layer/output_dense",
        ),
        ("attention_norm", "self_attention_layer_norm", "_self_attention_layer_norm"),
        ("intermediate", "feedforward_intermediate_dense", "_feedforward_intermediate_dense"),
        ("output", "feedforward_output_dense", "_feedforward_output_dense"),
        ("output_norm", "feedforward_layer_norm", "_feedforward_layer_norm"),
    )
)

_SIZES = {
    "vocab_size": "vocabulary_size",
    "hidden_size": "hidden_dim",
    "num_hidden_layers": "num_layers",
    "num_attention_heads": "num_heads",
    "intermediate_size": "intermediate_dim",
    "max_position_embeddings": "max_sequence_length",
    "hidden_dropout_prob": "dropout",
}

BERT = Preset(
    model_type="bert",
    prefix="Bert",
    places=(
        Place("embeddings/word_embeddings", "token_embedding/embeddings", "reversible_embedding"),
        Place(
            "embeddings/position_embeddings", "position_embedding/embeddings", "position_embedding"
        ),
        Place("embeddings/token_type_embeddings", "segment_embedding/embeddings", "embedding"),
        Place("embeddings/norm/", "embeddings_layer_norm/", "layer_normalization"),
        *_BLOCK,
        Place("pooler/dense/", "pooled_dense/", "dense"),
        Place("classifier/", "logits/", "dense", TASK),
    ),
    sizes={**_SIZES, "type_vocab_size": "num_segments"},
    fixed={
        "hidden_act": "gelu_new",
        "layer_norm_eps": 1e-12,
        "position_embedding_type": "absolute",
    },
    heads={
        "TextClassifier": "sequence_classification",
        "Classifier": "sequence_classification",  # of old releases
        "TextEmbedder": "sentence_embedding",
    },
    unlike={
        "MaskedLM": "its head takes exact GELU and a layer_norm_eps of 1e-5, where its encoder "
        "takes the tanh approximation and 1e-12: no config states both"
    },
)

_EMBEDDINGS = "token_and_position_embedding"
DISTILBERT = Preset(
    model_type="distilbert",
    prefix="DistilBert",
    places=(
        *(
            Place(
                f"embeddings/{ours}_embeddings",
                f"{_EMBEDDINGS}/{theirs}_embedding/embeddings",
                f"{_EMBEDDINGS}/{theirs}_embedding",
            )
            for ours, theirs in (("word", "token"), ("position", "position"))
        ),
        Place("embeddings/norm/", "embeddings_layer_norm/", "layer_normalization"),
        *_BLOCK,
        Place("classifier_dense/", "pooled_dense/", "dense", TASK),
        Place("classifier/", "logits/", "dense_1", TASK),
    ),
    sizes=_SIZES,
    fixed={
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-12,
        "position_embedding_type": "absolute",
        "type_vocab_size": 0,
    },
    heads={"TextClassifier": "sequence_classification", "Classifier": "sequence_classification"},
    unlike={
        "MaskedLM": "its head takes a layer_norm_eps of 1e-5, where its encoder takes 1e-12: no "
        "config states both"
    },
)

PRESETS: dict[str, Preset] = {preset.model_type: preset for preset in (BERT, DISTILBERT)}
# The same by the class of the backbone.
BACKBONES: dict[str, Preset] = {f"{preset.prefix}Backbone": preset for preset in PRESETS.values()}

"""Encoders that TF Hub serves as a SavedModel, as the Model Garden's ``export_tfhub`` writes them.

The weights lie in ``variables/``, the vocabulary in ``assets/``. There is no config: the sizes are
those of the tensors, and the activation is the one in the graph.
"""

from __future__ import annotations

import functools
import pathlib
import re
from collections.abc import Mapping

from keras_bert_zoo.checkpoints import casing, google
from keras_bert_zoo.checkpoints.checkpoint import Checkpoint
from keras_bert_zoo.checkpoints.google_names import arranged
from keras_bert_zoo.checkpoints.tensor_bundles import open_bundle
from keras_bert_zoo.checkpoints.tensors import CheckpointError, LazyTensor
from keras_bert_zoo.config import EncoderConfig

_GRAPH, _VARIABLES = "saved_model.pb", "variables/variables"
_LAYER = "transformer/layer_{}/self_attention/query/kernel"
# The tensor and the axis that show a size.
_SIZES = {
    "vocab_size": ("word_embeddings/embeddings", 0),
    "hidden_size": ("word_embeddings/embeddings", 1),
    "max_position_embeddings": ("position_embedding/embeddings", 0),
    "type_vocab_size": ("type_embeddings/embeddings", 0),
    "num_attention_heads": (_LAYER.format(0), 1),
    "intermediate_size": ("transformer/layer_0/intermediate/kernel", 1),
}
# An operator that nothing else in an encoder needs. GELU without one of them is the approximation
# by tanh, which is what the Model Garden computes.
_ACTIVATIONS = {"Erf": "gelu", "Erfc": "gelu", "Relu": "relu"}


def holds(path: pathlib.Path) -> bool:
    """Whether a path is the directory of a SavedModel, and not of one that was exported here."""
    return (path / _GRAPH).is_file() and not (path / "manifest.json").is_file()


def read_config(path: pathlib.Path) -> EncoderConfig:
    """Finds out the config of an encoder.

    Raises:
        CheckpointError: the files are damaged, or another kind of model is in them.
    """
    return _config(path, open_bundle(path / _VARIABLES))


def read(path: pathlib.Path) -> Checkpoint:
    """Opens an encoder; raises as ``read_config`` does."""
    stored = open_bundle(path / _VARIABLES)
    config = _config(path, stored)
    assets = path / "assets"
    flags = [each for each in stored.values() if each.dtype == bool and each.shape == ()]
    if len(flags) == 1:  # the variable `do_lower_case`, the only one of its type
        lower_case = functools.partial(_flag, flags[0])
    else:
        lower_case = functools.partial(casing.lower_case, path, assets / google.VOCABULARY)
    return Checkpoint(config, *arranged(stored, config), assets, lower_case)


def _flag(tensor: LazyTensor) -> bool:
    return bool(tensor.read())


def _config(path: pathlib.Path, stored: Mapping[str, LazyTensor]) -> EncoderConfig:
    missing = sorted({name for name, _ in _SIZES.values()} - stored.keys())
    if missing or len(stored[_LAYER.format(0)].shape) != 3:
        raise CheckpointError(
            f"{path} is no encoder of TF Hub: it lacks {missing}, or has no axis for the heads of "
            f"the attention. It holds {sorted(stored)[:5]}, …"
        )
    sizes = {key: stored[name].shape[axis] for key, (name, axis) in _SIZES.items()}
    layers = [name for name in stored if re.fullmatch(_LAYER.format(r"\d+"), name)]
    return EncoderConfig.from_dict(
        {
            **sizes,
            "num_hidden_layers": len(layers),
            "hidden_act": _activation(path / _GRAPH),
            "architectures": ["BertModel"],
        }
    )


def _activation(path: pathlib.Path) -> str:
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    try:
        graph = SavedModel.FromString(path.read_bytes()).meta_graphs[0].graph_def
    except (DecodeError, IndexError) as error:
        raise CheckpointError(f"{path} is damaged: {error}. Fetch it again.") from error
    nodes = [graph.node, *(function.node_def for function in graph.library.function)]
    operators = {node.op for each in nodes for node in each}
    return next((act for op, act in _ACTIVATIONS.items() if op in operators), "gelu_new")

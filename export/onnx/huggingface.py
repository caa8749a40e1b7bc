"""What Hugging Face's clients read beside an ONNX file to load it without arguments."""

from __future__ import annotations

import pathlib
from collections.abc import Iterable
from typing import Any

from ..signature import Signature


def data_path(model: pathlib.Path) -> pathlib.Path:
    """Where the weights of a model too large for one file lie: all clients look there."""
    return model.with_name(f"{model.name}_data")


def companions(
    config: dict[str, Any], model: pathlib.Path, dtype: str, signatures: Iterable[Signature]
) -> dict[str, Any]:
    """Returns the content of JSON files by name, relative to the artifact.

    Args:
        config: of the bundle, as ``to_dict`` gives it.
        model: the ONNX file, as it was written.
        dtype: what transformers.js calls the precision, and finds the file by.
        signatures: of the model.
    """
    found = {"dtype": dtype, "use_external_data_format": data_path(model).exists()}
    files = {"config.json": {**config, "transformers.js_config": found}}
    outputs = {spec.name for signature in signatures for spec in signature.outputs}
    if "last_hidden_state" in outputs:
        files |= _sentence_transformers(model.name, config["hidden_size"])
    return files


def _sentence_transformers(name: str, size: int) -> dict[str, Any]:
    """Which file it loads, and that an embedding is the mean of the last hidden states."""
    modules = [("", "Transformer"), ("1_Pooling", "Pooling")]
    return {
        "modules.json": [
            {
                "idx": index,
                "name": str(index),
                "path": path,
                "type": f"sentence_transformers.models.{kind}",
            }
            for index, (path, kind) in enumerate(modules)
        ],
        "sentence_bert_config.json": {"model_args": {"file_name": name}},
        "1_Pooling/config.json": {
            "word_embedding_dimension": size,
            "pooling_mode_mean_tokens": True,
        },
    }

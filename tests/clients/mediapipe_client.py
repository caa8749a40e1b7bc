"""Runs in an environment that has MediaPipe and nothing of this project.

Reads a request from standard input, ``{"task": …, "model": path, "texts": […]}``, and writes
the answer to standard output, both JSON.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from mediapipe.tasks.python import BaseOptions, text


def classify(model: str, texts: list[str]) -> list[dict[str, float]]:
    """Scores by label, for each text."""
    options = text.TextClassifierOptions(base_options=BaseOptions(model_asset_path=model))
    with text.TextClassifier.create_from_options(options) as classifier:
        results = [classifier.classify(each).classifications for each in texts]
    return [{c.category_name: c.score for c in result.categories} for (result,) in results]


def embed(model: str, texts: list[str]) -> list[list[float]]:
    """The vector of each text."""
    options = text.TextEmbedderOptions(base_options=BaseOptions(model_asset_path=model))
    with text.TextEmbedder.create_from_options(options) as embedder:
        results = [embedder.embed(each).embeddings for each in texts]
    return [result.embedding.tolist() for (result,) in results]


def display(model: str, texts: list[str]) -> dict[str, Any]:
    """What MediaPipe's own reader of metadata says about a file."""
    _stand_in_for_the_missing_module()
    from mediapipe.tasks.python.metadata import metadata

    displayer = metadata.MetadataDisplayer.with_model_file(model)
    files = displayer.get_packed_associated_file_list()
    contents = {name: displayer.get_associated_file_buffer(name).decode() for name in files}
    return {"metadata": json.loads(displayer.get_metadata_json()), "files": contents}


def _stand_in_for_the_missing_module() -> None:
    """The wheel lacks one module that only its writer calls, but its reader imports."""
    import types

    name = "mediapipe.tasks.cc.metadata.python._pywrap_metadata_version"
    parents = name.split(".")[2:-1]
    for depth in range(1, len(parents) + 1):
        parent = types.ModuleType(".".join(["mediapipe.tasks", *parents[:depth]]))
        parent.__path__ = []
        sys.modules[parent.__name__] = parent
    sys.modules[name] = types.ModuleType(name)
    setattr(sys.modules[name.rpartition(".")[0]], name.rpartition(".")[2], sys.modules[name])


TASKS = {"classify": classify, "embed": embed, "display": display}

if __name__ == "__main__":
    request = json.load(sys.stdin)
    answer = TASKS[request["task"]](request["model"], request["texts"])
    json.dump(answer, sys.stdout)

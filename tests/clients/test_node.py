"""Node: onnxruntime-node with ids, transformers.js with text and nothing but the directory."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax

from .conftest import LABELS, ONNX, TEXTS

pytestmark = pytest.mark.clients


@pytest.mark.parametrize("name", ONNX)
@pytest.mark.parametrize("output", ["logits", "last_hidden_state"])
def test_onnxruntime_node(exports, ids, ask, agrees, output, name):
    file = str(exports[output, name].file)
    answer = ask("node", "onnxruntime_node_client.mjs", output, file, ids)
    agrees(output, name, np.reshape(answer["values"], answer["shape"]))


# A pipeline takes the texts one by one, without padding.
@pytest.mark.parametrize("name", ONNX)
def test_feature_extraction(exports, ask, agrees, name):
    output = "last_hidden_state"
    arguments = ("feature-extraction", str(exports[output, name].path), TEXTS)
    found = ask("node", "transformers_js_client.mjs", *arguments)
    agrees(output, name, found, lambda answers: answers.alone)


@pytest.mark.parametrize("name", ONNX)
def test_text_classification(exports, ask, agrees, name):
    arguments = ("text-classification", str(exports["logits", name].path), TEXTS)
    answer = ask("node", "transformers_js_client.mjs", *arguments)
    rows = [{entry["label"]: entry["score"] for entry in row} for row in answer]
    scores = [[row[label] for label in LABELS.values()] for row in rows]
    agrees("logits", name, scores, lambda answers: softmax(answers.alone, axis=-1))

"""Node: onnxruntime-node with ids, transformers.js with text."""

from __future__ import annotations

import numpy as np
import pytest

from keras_bert_zoo.export.formats import FORMATS

from .conftest import LABELS, TEXTS, TOLERANCES

pytestmark = pytest.mark.clients
# What a file is called decides which `dtype` finds it.
OPTIONS = {
    "onnx": {"dtype": "fp32"},
    "onnx-fused": {"dtype": "fp32"},
    "onnx-beside": {"dtype": "fp32", "use_external_data_format": True},
    "onnx-float16": {"dtype": "fp16"},
    "onnx-int8": {"dtype": "q8"},
    "onnx-int4": {"dtype": "q4"},
}


@pytest.mark.parametrize("name", TOLERANCES)
def test_onnxruntime_node(exports, ids, keras_outputs, ask, agrees, name):
    output = "last_hidden_state"
    file = exports[output, name] / FORMATS[name.replace("-beside", "")].file
    given = {key: value.tolist() for key, value in ids.items()}
    answer = ask("node", "onnxruntime_node_client.mjs", output, str(file), given)
    agrees(output, name, np.reshape(answer["values"], answer["shape"]))


@pytest.mark.parametrize("name", TOLERANCES)
def test_feature_extraction(exports, ids, keras_outputs, ask, name):
    output = "last_hidden_state"
    arguments = (str(exports[output, name]), TEXTS, OPTIONS[name])
    answer = ask("node", "transformers_js_client.mjs", "feature-extraction", *arguments)
    for found, expected, mask in zip(
        answer, keras_outputs[output], ids["attention_mask"], strict=True
    ):
        # Texts go through it one by one, without padding.
        wanted = expected[: mask.sum()]
        np.testing.assert_allclose(np.array(found), wanted, rtol=0, atol=TOLERANCES[name])


@pytest.mark.parametrize("name", TOLERANCES)
def test_text_classification(exports, keras_outputs, ask, agrees, name):
    arguments = (str(exports["logits", name]), TEXTS, OPTIONS[name])
    answer = ask("node", "transformers_js_client.mjs", "text-classification", *arguments)
    rows = [{entry["label"]: entry["score"] for entry in row} for row in answer]
    scores = [[row[label] for label in LABELS.values()] for row in rows]
    exponents = np.exp(keras_outputs["logits"])
    agrees("logits", name, scores, exponents / exponents.sum(axis=-1, keepdims=True))

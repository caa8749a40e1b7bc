"""sentence-transformers: embeddings of an encoder, the mean over a text's tokens."""

from __future__ import annotations

import pytest

from .conftest import TEXTS

pytestmark = pytest.mark.clients
# It looks for `model.onnx`; another file is named.
OPTIONS = {
    "onnx-int8": {"file_name": "onnx/model_quantized.onnx"},
    "onnx-int4": {"file_name": "onnx/model_q4.onnx"},
}


@pytest.mark.parametrize("name", ["onnx", "onnx-fused", "onnx-beside", "onnx-int8", "onnx-int4"])
def test_sentence_transformer(exports, ids, keras_outputs, ask, agrees, name):
    arguments = (str(exports["last_hidden_state", name]), TEXTS, OPTIONS.get(name, {}))
    found = ask("sentence_transformers", "sentence_transformers_client.py", *arguments)
    mask = ids["attention_mask"][:, :, None]
    mean = (keras_outputs["last_hidden_state"] * mask).sum(axis=1) / mask.sum(axis=1)
    agrees("last_hidden_state", name, found, mean)

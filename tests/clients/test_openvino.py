"""OpenVINO reads ONNX files as they are, onnxruntime's operators included."""

from __future__ import annotations

import pytest

from keras_bert_zoo.export.formats import FORMATS

pytestmark = pytest.mark.clients


@pytest.mark.parametrize(
    "name", ["onnx", "onnx-fused", "onnx-beside", "onnx-float16", "onnx-int8", "onnx-int4"]
)
@pytest.mark.parametrize("output", ["logits", "last_hidden_state"])
def test_compiled_model(exports, ids, ask, agrees, output, name):
    file = exports[output, name] / FORMATS[name.replace("-beside", "")].file
    given = {key: value.tolist() for key, value in ids.items()}
    agrees(output, name, ask("openvino", "openvino_client.py", output, str(file), given))

"""optimum-onnx: the classes that take a directory in place of a PyTorch model."""

from __future__ import annotations

import pytest

from .conftest import LABELS, TEXTS

pytestmark = pytest.mark.clients


@pytest.mark.parametrize("name", ["onnx", "onnx-fused", "onnx-beside", "onnx-int8", "onnx-int4"])
@pytest.mark.parametrize("output", ["logits", "last_hidden_state"])
def test_model_from_pretrained(exports, ids, keras_outputs, ask, agrees, output, name):
    answer = ask("optimum", "optimum_client.py", output, str(exports[output, name]), TEXTS)
    agrees(output, name, answer["values"])
    if output == "logits":
        assert answer["labels"] == {str(index): label for index, label in LABELS.items()}

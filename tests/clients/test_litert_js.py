"""LiteRT.js in headless Chromium returns what LiteRT for Python returns."""

from __future__ import annotations

import numpy as np
import pytest

from . import edge_clients as clients

pytestmark = pytest.mark.clients
# The kernels for int8 differ: up to 4e-3 was seen.
TOLERANCES = {"tflite": 1e-5, "tflite-float16": 1e-5, "tflite-int8": 0.01}
OPTIONS = {
    "classifier": {"metadata": "mediapipe"},
    "encoder": {"metadata": "mediapipe", "normalize": True},
}


@pytest.mark.parametrize("kind", OPTIONS)
@pytest.mark.parametrize("name", TOLERANCES)
def test_same_numbers_as_python(kind, name):
    artifact = clients.artifacts(kind, **OPTIONS[kind])[name]
    bundle = getattr(clients, kind)()
    runs = []
    for text in clients.ENGLISH[:3]:
        encoded = bundle.tokenizer(
            [text], truncation=True, max_length=clients.LENGTH, padding="max_length"
        )
        runs.append({key: tensor.numpy() for key, tensor in encoded.items()})
    request = [{key: row[0].tolist() for key, row in run.items()} for run in runs]
    seen = clients.node("browser.mjs", {"model": str(artifact.path), "runs": request})
    assert (seen["foreign"], seen["errors"]) == ([], [])
    (output,) = [spec.name for spec in artifact.signature.outputs]
    ours = np.array([each[output] for each in seen["answer"]])
    python = np.concatenate([artifact.run(run)[output] for run in runs])
    np.testing.assert_allclose(ours, python, atol=TOLERANCES[name])

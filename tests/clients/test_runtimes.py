"""The bare runtimes, in an environment that has nothing of this project."""

from __future__ import annotations

import numpy as np
import pytest

from . import edge_clients
from .conftest import BESIDE, ONNX, TFLITE

pytestmark = pytest.mark.clients
OUTPUTS = ("logits", "last_hidden_state")
# How far OpenVINO is from onnxruntime: 1.5 times the largest measured on eight random encoders,
# 0.0026, 0.013 and 0.05. Of int8 seven were within 2e-6; in the eighth an activation was rounded
# to the other side.
OPENVINO = {
    "onnx": 1e-5,
    "onnx-fused": 1e-5,
    BESIDE: 1e-5,
    "onnx-float16": 0.004,
    "onnx-int8": 0.02,
    "onnx-int4": 0.075,
}
# The least cosine of two embeddings of MiniLM, one by onnxruntime, one by OpenVINO; 1.000000,
# 0.9963 and 0.9998 were measured on 20 tweets.
COSINES = {"onnx-float16": 0.9999, "onnx-int8": 0.99, "onnx-int4": 0.999}


@pytest.mark.parametrize("name", ONNX)
@pytest.mark.parametrize("output", OUTPUTS)
def test_onnxruntime(exports, ids, ask, agrees, output, name):
    file = str(exports[output, name].file)
    agrees(output, name, ask("runtimes", "onnxruntime_client.py", output, file, ids))


@pytest.mark.parametrize("name", ONNX)
@pytest.mark.parametrize("output", OUTPUTS)
def test_openvino(exports, ids, ask, agrees, output, name):
    file = str(exports[output, name].file)
    found = ask("runtimes", "openvino_client.py", output, file, ids)
    agrees(output, name, found, spread=OPENVINO[name])


@pytest.fixture(scope="module")
def minilm(tmp_path_factory):
    """Artifacts of real weights by format."""
    from keras_bert_zoo.export import export

    output = tmp_path_factory.mktemp("minilm")
    made = export(edge_clients.encoder(), output, COSINES, progress=False)
    return {artifact.format: artifact for artifact in made}


@pytest.mark.parametrize("name", COSINES)
def test_openvino_with_real_weights(minilm, ask, name):
    from keras_bert_zoo.data.tweets import load_tweets
    from keras_bert_zoo.export.scoring import mean_of_tokens, unit_vectors

    output, tweets = "last_hidden_state", next(iter(load_tweets().values()))[:20]
    encoded = edge_clients.encoder().tokenizer([tweet.text for tweet in tweets], padding=True)
    batch = {key: tensor.numpy() for key, tensor in encoded.items()}
    ids = {key: value.tolist() for key, value in batch.items()}
    found = ask("runtimes", "openvino_client.py", output, str(minilm[name].file), ids)
    states = np.array(found), minilm[name].run(batch)[output]
    theirs, ours = (unit_vectors(mean_of_tokens(batch, each)) for each in states)
    assert (theirs * ours).sum(axis=1).min() > COSINES[name]


@pytest.mark.parametrize("name", TFLITE)
@pytest.mark.parametrize("output", OUTPUTS)
def test_litert(exports, batches, ask, agrees, output, name):
    texts = [{key: row.tolist() for key, row in batch.items()} for batch in batches[1:]]
    file = str(exports[output, name].file)
    found = ask("runtimes", "litert_client.py", output, file, texts)
    agrees(output, name, [row[0] for row in found], lambda answers: answers.alone)

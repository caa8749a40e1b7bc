"""The clients of examples/serving against a real server on this machine."""

from __future__ import annotations

import base64
import json
import pathlib
import subprocess
import sys
import urllib.error
import urllib.request

import numpy as np
import pytest
import tensorflow as tf

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"
PAIRS = ("the fox", "", "no change at all; " * 40, "up", "shares fall", "the price of the dog")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(artifacts):
    """URL and gRPC target of examples/serve_savedmodel.py."""
    command = [sys.executable, str(EXAMPLES / "serve_savedmodel.py")]
    command += [str(artifacts["savedmodel"].file), "--port", "0", "--grpc_port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            url, target = (process.stdout.readline().strip() for _ in range(2))
            yield f"{url}/v1/models/bert", target
        finally:
            process.kill()


@pytest.fixture(scope="module")
def expected(keras_bundle, texts):
    """What Keras says: logits and scores, of texts and of pairs."""

    def outputs(*columns):
        options = {"truncation": True, "max_length": 80, "padding": True}
        inputs = keras_bundle.tokenizer(*(list(column) for column in columns), **options)
        logits = keras_bundle.model(inputs, training=False)["logits"].numpy()
        return {"logits": logits, "scores": tf.nn.softmax(logits).numpy()}

    return {"text": outputs(texts), "pair": outputs(texts, PAIRS)}


def run(script, *arguments):
    command = [sys.executable, str(EXAMPLES / "serving" / script), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def extra(kind, artifact, ids):
    words = [f"--pair={pair}" for pair in PAIRS] if kind == "pair" else []
    return words + ([f"--tokenizer={artifact.path / 'tokenizer.json'}"] if ids else [])


@pytest.mark.parametrize("ids", [False, True])
@pytest.mark.parametrize("kind", ["text", "pair"])
def test_rest_client(server, artifacts, texts, expected, kind, ids):
    arguments = extra(kind, artifacts["savedmodel"], ids)
    lines = run("rest_client.py", *texts, "--url", server[0], *arguments).splitlines()
    rows = [json.loads(line) for line in lines]
    if ids:
        np.testing.assert_allclose(rows, expected[kind]["logits"], atol=1e-5)
    else:
        scores = [row["scores"] for row in rows]
        np.testing.assert_allclose(scores, expected[kind]["scores"], atol=1e-5)
        best = [row["labels"][int(np.argmax(row["scores"]))] for row in rows]
        assert [row["label"] for row in rows] == best


@pytest.mark.parametrize("ids", [False, True])
@pytest.mark.parametrize("kind", ["text", "pair"])
def test_grpc_client(server, artifacts, texts, expected, kind, ids):
    arguments = extra(kind, artifacts["savedmodel"], ids)
    outputs = json.loads(run("grpc_client.py", *texts, "--target", server[1], *arguments))
    main = "logits" if ids else "scores"
    np.testing.assert_allclose(outputs[main], expected[kind][main], atol=1e-5)


def post(url, body):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    with urllib.request.urlopen(f"{url}:predict", content, timeout=60) as answer:
        return json.load(answer)


def test_examples_and_columns_over_rest(server, texts, expected):
    def example(text):
        value = tf.train.BytesList(value=[text.encode()])
        features = {"text": tf.train.Feature(bytes_list=value)}
        proto = tf.train.Example(features=tf.train.Features(feature=features))
        return {"b64": base64.b64encode(proto.SerializeToString()).decode()}

    rows = [example(text) for text in texts]
    bodies = [
        {"inputs": list(texts)},
        {"inputs": {"text": list(texts)}, "signature_name": "serving_default"},
        {"inputs": rows, "signature_name": "tf_examples"},
    ]
    for body in bodies:
        outputs = post(server[0], body)["outputs"]
        np.testing.assert_allclose(outputs["scores"], expected["text"]["scores"], atol=1e-5)
    predictions = post(server[0], {"instances": rows, "signature_name": "tf_examples"})
    scores = [row["scores"] for row in predictions["predictions"]]
    np.testing.assert_allclose(scores, expected["text"]["scores"], atol=1e-5)


def test_status_as_the_probes_ask_for_it(server):
    with urllib.request.urlopen(server[0], timeout=60) as answer:
        (version,) = json.load(answer)["model_version_status"]
    assert version["state"] == "AVAILABLE"


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b"no json", "Expecting value"),
        ([], "either"),
        ({"instances": []}, "not empty"),
        ({"instances": [1]}, "string"),
        ({"instances": ["a"], "signature_name": "none"}, "no signature"),
        ({"instances": [{"text": "a"}], "signature_name": "pairs"}, "text_pair"),
        ({"inputs": {"text": ["a"], "text_pair": []}, "signature_name": "pairs"}, "same number"),
    ],
)
def test_bad_requests_are_answered_with_the_reason(server, body, complaint):
    with pytest.raises(urllib.error.HTTPError) as refused:
        post(server[0], body)
    assert refused.value.code == 400
    assert complaint in json.load(refused.value)["error"]


def test_unknown_models(server):
    with pytest.raises(urllib.error.HTTPError, match="404"):
        post(server[0] + "x", {"instances": ["a"]})
    with pytest.raises(subprocess.CalledProcessError) as refused:
        run("grpc_client.py", "a", "--target", server[1], "--name", "other")
    assert "NOT_FOUND" in refused.value.stderr


def test_load_test_reports_every_cell(server, texts, tmp_path):
    (tmp_path / "texts.txt").write_text("\n".join(texts))
    cells = ["--concurrency=1,3", "--batch_sizes=1,4", "--requests=12"]
    json_file = tmp_path / "rows.json"
    shown = run("load_test.py", str(tmp_path / "texts.txt"), "--url", server[0], *cells,
                "--json", str(json_file))  # fmt: skip
    rows = json.loads(json_file.read_text())
    assert [(r["concurrency"], r["batch_size"]) for r in rows] == [(1, 1), (1, 4), (3, 1), (3, 4)]
    assert len(shown.splitlines()) == 5
    for row in rows:
        assert (row["answered"], row["errors"]) == (12, 0)
        assert 0 < row["p50_ms"] <= row["p95_ms"] <= row["p99_ms"]


def test_load_test_counts_errors_and_ends_with_1(server, tmp_path):
    (tmp_path / "texts.txt").write_text("up\n")
    command = [str(tmp_path / "texts.txt"), "--url", server[0] + "x", "--requests=2"]
    with pytest.raises(subprocess.CalledProcessError) as failed:
        run("load_test.py", *command, "--concurrency=1", "--batch_sizes=1")
    assert failed.value.returncode == 1
    assert "404" in failed.value.stdout


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--url=http://example.org/v1/models/bert"], "not this machine"),
        (["--requests=0"], "requests must be positive"),
        (["--seconds=9999"], "seconds must be positive and at most 600"),
        (["--concurrency=1000"], "at most 256"),
    ],
)
def test_load_test_is_bounded(tmp_path, arguments, complaint):
    (tmp_path / "texts.txt").write_text("up\n")
    with pytest.raises(subprocess.CalledProcessError) as refused:
        run("load_test.py", str(tmp_path / "texts.txt"), *arguments)
    assert refused.value.returncode == 2
    assert complaint in refused.value.stderr

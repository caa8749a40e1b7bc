"""Serve an exported SavedModel over HTTP with TensorFlow alone: no Keras, no keras-bert-zoo.

    keras-bert-zoo export my-bundle --output exports --formats savedmodel
    python examples/serve_savedmodel.py exports/savedmodel/model --port 8501
    curl -d '{"instances": ["What a lovely film."]}' localhost:8501

The request and the answer have the form of TensorFlow Serving's REST interface. This script
shows what a server needs; for real traffic use TensorFlow Serving itself.
"""

from __future__ import annotations

import argparse
import http.server
import importlib.util
import json
import pathlib
from typing import Any

import tensorflow as tf

# The operators of the tokenizer. `import tensorflow_text` would register them too, but it
# imports Keras.
TEXT_LIBRARIES = (
    "_fast_bert_normalizer.so",
    "_fast_wordpiece_tokenizer.so",
    "_whitespace_tokenizer_v2.so",
)


def load(path: str) -> Any:
    """Returns the function from strings to labels and scores."""
    package = importlib.util.find_spec("tensorflow_text")
    if package is None or package.origin is None:
        raise SystemExit("tensorflow-text is not installed: pip install tensorflow-text")
    for name in TEXT_LIBRARIES:
        tf.load_op_library(str(pathlib.Path(package.origin).parent / "python" / "ops" / name))
    model = tf.saved_model.load(path)
    signature = model.signatures["serving_default"]
    signature.model = model  # the function alone does not keep the variables alive
    return signature


def predict(signature: Any, texts: list[str]) -> list[dict[str, Any]]:
    """One dictionary for each text, e.g. its label, the labels and their scores."""
    outputs = {k: v.numpy() for k, v in signature(text=tf.constant(texts)).items()}
    return [{k: _plain(v[row]) for k, v in outputs.items()} for row in range(len(texts))]


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode()
    return [_plain(item) for item in value] if value.ndim else value.item()


def handler_of(signature: Any) -> type[http.server.BaseHTTPRequestHandler]:
    """The class that answers POST requests."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            try:
                texts = json.loads(content)["instances"]
                if not texts or not all(isinstance(text, str) for text in texts):
                    raise ValueError("instances must be a list of strings")
                self._answer(200, {"predictions": predict(signature, texts)})
            except (ValueError, KeyError, TypeError) as error:
                self._answer(400, {"error": f'expected {{"instances": ["a text"]}}: {error}'})

        def _answer(self, status: int, body: dict[str, Any]) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    return Handler


def main() -> None:
    """Serves until interrupted."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("path", help="directory of the SavedModel")
    parser.add_argument("--port", type=int, default=8501)
    arguments = parser.parse_args()
    handler = handler_of(load(arguments.path))
    with http.server.ThreadingHTTPServer(("localhost", arguments.port), handler) as server:
        print(f"http://localhost:{server.server_port}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()

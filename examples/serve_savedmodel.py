"""Serve an exported SavedModel over HTTP with TensorFlow alone: no Keras, no keras-bert-zoo.

    keras-bert-zoo export my-bundle --output exports --formats savedmodel
    python examples/serve_savedmodel.py exports/savedmodel/model --port 8501
    curl -d '{"instances": ["What a lovely film."]}' localhost:8501/v1/models/bert:predict

It answers as TensorFlow Serving's REST interface does (predict in row and column format,
status of the model), and with `--grpc_port`, which needs tensorflow-serving-api, as its gRPC
method Predict does, to this machine only. It shows what a server needs and lets clients be
tried; for real traffic use TensorFlow Serving itself.
"""

from __future__ import annotations

import argparse
import base64
import concurrent.futures
import contextlib
import http.server
import importlib.util
import json
import pathlib
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

# The operators of the tokenizer. `import tensorflow_text` would register them too, but it
# imports Keras.
TEXT_LIBRARIES = (
    "_fast_bert_normalizer.so",
    "_fast_wordpiece_tokenizer.so",
    "_whitespace_tokenizer_v2.so",
)
DEFAULT = "serving_default"
Arrays = dict[str, np.ndarray]


class Servable:
    """A loaded SavedModel: signatures by name, arrays in and arrays out.

    Args:
        path: directory of the SavedModel.
        name: what requests call it.
    """

    def __init__(self, path: str, name: str) -> None:
        package = importlib.util.find_spec("tensorflow_text")
        if package is None or package.origin is None:
            raise SystemExit("tensorflow-text is not installed: pip install tensorflow-text")
        for library in TEXT_LIBRARIES:
            tf.load_op_library(str(pathlib.Path(package.origin).parent / "python/ops" / library))
        self.name = name
        self.model = tf.saved_model.load(path)

    def inputs(self, signature: str) -> dict[str, tf.TensorSpec]:
        """Types and shapes by name; an unknown signature is an error that lists the known."""
        if signature not in self.model.signatures:
            known = sorted(self.model.signatures)
            raise ValueError(f"no signature {signature!r}; the model has {known}")
        return self.model.signatures[signature].structured_input_signature[1]

    def run(self, signature: str, inputs: dict[str, Any]) -> Arrays:
        """Calls a signature with anything that converts to its inputs."""
        specs = self.inputs(signature)
        if sorted(inputs) != sorted(specs):
            raise ValueError(f"the inputs of {signature} are {sorted(specs)}")
        tensors = {key: tf.constant(inputs[key], spec.dtype) for key, spec in specs.items()}
        outputs = self.model.signatures[signature](**tensors)
        return {key: value.numpy() for key, value in outputs.items()}


def answer(servable: Servable, body: Any) -> dict[str, Any]:
    """One REST request, `instances` (rows) or `inputs` (columns), and what it gets back."""
    if not isinstance(body, dict) or len({"instances", "inputs"} & set(body)) != 1:
        raise ValueError('expected a JSON object with either "instances" or "inputs"')
    signature = body.get("signature_name", DEFAULT)
    names = list(servable.inputs(signature))
    if "inputs" in body:
        outputs = servable.run(signature, _columns(body["inputs"], names))
        columns = {key: _plain(value) for key, value in outputs.items()}
        return {"outputs": columns if len(columns) > 1 else next(iter(columns.values()))}
    outputs = servable.run(signature, _transposed(body["instances"], names))
    keys, values = list(outputs), [_plain(value) for value in outputs.values()]
    rows = [dict(zip(keys, row, strict=True)) for row in zip(*values, strict=True)]
    # Of a single output TensorFlow Serving leaves the name out.
    return {"predictions": rows if len(keys) > 1 else values[0]}


def _columns(inputs: Any, names: list[str]) -> dict[str, Any]:
    """The value of a single input need not be named."""
    named = isinstance(inputs, dict) and set(inputs) != {"b64"}
    return _decoded(inputs if named else {names[0]: inputs})


def _transposed(rows: Any, names: list[str]) -> dict[str, Any]:
    if not isinstance(rows, list) or not rows:
        raise ValueError("instances must be a list that is not empty")
    columns = [_columns(row, names) for row in rows]
    if any(sorted(row) != sorted(names) for row in columns):
        raise ValueError(f"every instance must have the inputs {sorted(names)}")
    return {name: [row[name] for row in columns] for name in names}


def _decoded(value: Any) -> Any:
    """Bytes travel as {"b64": "..."}."""
    if isinstance(value, dict) and set(value) == {"b64"}:
        return base64.b64decode(value["b64"], validate=True)
    if isinstance(value, dict):
        return {key: _decoded(item) for key, item in value.items()}
    return [_decoded(item) for item in value] if isinstance(value, list) else value


def _plain(value: np.ndarray) -> Any:
    if value.dtype != object:
        return value.tolist()
    return np.array([text.decode() for text in value.flat], object).reshape(value.shape).tolist()


def handler_of(servable: Servable) -> type[http.server.BaseHTTPRequestHandler]:
    """The class that answers HTTP requests."""
    model = re.compile(rf"/v1/models/{re.escape(servable.name)}(/versions/1)?(:predict)?")
    status = {"version": "1", "state": "AVAILABLE", "status": {"error_code": "OK"}}

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # keeps connections open
        # Head and body are two writes: without this the second waits for the client.
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            found = model.fullmatch(self.path)
            if found is None or found[2]:
                self._reply(404, {"error": f"no model at {self.path}"})
            else:
                self._reply(200, {"model_version_status": [status]})

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            found = model.fullmatch(self.path)
            if found is None or not found[2]:
                self._reply(404, {"error": f"no method at {self.path}"})
                return
            try:
                self._reply(200, answer(servable, json.loads(content)))
            except (ValueError, TypeError, tf.errors.InvalidArgumentError) as error:
                self._reply(400, {"error": str(error)})

        def log_message(self, format: str, *arguments: Any) -> None:
            """Says nothing: a load test would drown in it."""

        def _reply(self, code: int, body: dict[str, Any]) -> None:
            content = json.dumps(body).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    return Handler


@contextlib.contextmanager
def grpc_server(servable: Servable, port: int) -> Iterator[int]:
    """Answers PredictionService/Predict on this machine; yields the port."""
    import grpc
    from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

    class Service(prediction_service_pb2_grpc.PredictionServiceServicer):
        def Predict(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
            if request.model_spec.name != servable.name:
                context.abort(grpc.StatusCode.NOT_FOUND, f"no model {request.model_spec.name!r}")
            signature = request.model_spec.signature_name or DEFAULT
            try:
                inputs = {key: tf.make_ndarray(value) for key, value in request.inputs.items()}
                outputs = servable.run(signature, inputs)
            except (ValueError, TypeError, tf.errors.InvalidArgumentError) as error:
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
            response = predict_pb2.PredictResponse(model_spec=request.model_spec)
            for key, value in outputs.items():
                response.outputs[key].CopyFrom(tf.make_tensor_proto(value))
            return response

    pool = concurrent.futures.ThreadPoolExecutor(4)
    server = grpc.server(pool)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(Service(), server)
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    try:
        yield bound
    finally:
        server.stop(None)


def main() -> None:
    """Serves until interrupted."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("path", help="directory of the SavedModel")
    parser.add_argument("--name", default="bert", help="of the model in requests")
    parser.add_argument("--port", type=int, default=8501, help="HTTP; 0 takes a free one")
    parser.add_argument("--grpc_port", type=int, help="gRPC; 0 takes a free one; off by default")
    arguments = parser.parse_args()
    servable = Servable(arguments.path, arguments.name)
    handler = handler_of(servable)
    with contextlib.ExitStack() as stack:
        address = ("localhost", arguments.port)
        server = stack.enter_context(http.server.ThreadingHTTPServer(address, handler))
        print(f"http://localhost:{server.server_port}", flush=True)
        if arguments.grpc_port is not None:
            port = stack.enter_context(grpc_server(servable, arguments.grpc_port))
            print(f"localhost:{port}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()

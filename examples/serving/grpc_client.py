"""Ask a TensorFlow Serving gRPC endpoint; needs tensorflow-serving-api.

python examples/serving/grpc_client.py "What a lovely film."
python examples/serving/grpc_client.py "A question?" --pair "An answer."
python examples/serving/grpc_client.py "As ids." --tokenizer exports/savedmodel/tokenizer.json
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from rest_client import encode
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc


def predict(
    target: str, name: str, signature: str, inputs: Mapping[str, Any], timeout: float = 60
) -> dict[str, np.ndarray]:
    """Returns the outputs as arrays by name; the first axis is the batch.

    Args:
        target: e.g. ``localhost:8500``.
        name: of the model.
        signature: e.g. ``serving_default``.
        inputs: arrays or lists by name; integers are sent as int32.
        timeout: seconds.

    Raises:
        grpc.RpcError: the server refused, or is not there.
    """
    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = name, signature
    for key, value in inputs.items():
        is_ids = np.asarray(value).dtype.kind == "i"
        dtype = tf.int32 if is_ids else tf.string
        request.inputs[key].CopyFrom(tf.make_tensor_proto(value, dtype))
    with grpc.insecure_channel(target) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        response = stub.Predict(request, timeout=timeout)
    return {key: tf.make_ndarray(value) for key, value in response.outputs.items()}


def inputs_of(
    texts: Sequence[str], pairs: Sequence[str] | None = None, tokenizer: str | None = None
) -> tuple[str, dict[str, Any]]:
    """Returns the signature to call, and the columns for it."""
    if tokenizer is not None:
        rows = encode(texts, pairs, tokenizer)
        return "ids", {key: [row[key] for row in rows] for key in rows[0]}
    if pairs is None:
        return "serving_default", {"text": list(texts)}
    return "pairs", {"text": list(texts), "text_pair": list(pairs)}


def main() -> None:
    """Prints the outputs as one JSON object."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("texts", nargs="+")
    parser.add_argument("--pair", action="append", help="second text, once for each text")
    parser.add_argument("--tokenizer", help="tokenizer.json of the artifact: send ids")
    parser.add_argument("--target", default="localhost:8500")
    parser.add_argument("--name", default="bert", help="of the model")
    arguments = parser.parse_args()
    signature, inputs = inputs_of(arguments.texts, arguments.pair, arguments.tokenizer)
    outputs = predict(arguments.target, arguments.name, signature, inputs)
    print(json.dumps({key: _plain(value) for key, value in outputs.items()}, ensure_ascii=False))


def _plain(value: np.ndarray) -> Any:
    if value.dtype.kind not in "OS":
        return value.tolist()
    return np.array([text.decode() for text in value.flat], object).reshape(value.shape).tolist()


if __name__ == "__main__":
    main()

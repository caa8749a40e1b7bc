"""Warm-up requests: real texts that a server runs before it takes traffic.

A file of ``PredictionLog`` protos, as TensorFlow Serving reads it at
``assets.extra/tf_serving_warmup_requests``. Needs tensorflow-serving-api.
"""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..errors import ExportError
from ..runtimes import RUNTIMES
from ..signature import Signature

FILE = "assets.extra/tf_serving_warmup_requests"
# TensorFlow Serving reads no more.
MOST = 1000
# From the shortest text to the longest, evenly over their ranks.
_LENGTHS = 4


class Request(NamedTuple):
    """One call of a signature.

    Attributes:
        signature: its name.
        inputs: arrays by name.
    """

    signature: str
    inputs: dict[str, np.ndarray]


def write_requests(
    model: pathlib.Path,
    directory: pathlib.Path,
    name: str,
    signatures: Sequence[Signature],
    texts: Sequence[str],
    text_pairs: Sequence[str] | None,
    batch_sizes: Sequence[int],
) -> None:
    """Writes the file into a SavedModel: every signature, size and several lengths.

    Args:
        model: directory of the SavedModel.
        directory: of the artifact, with the tokenizer and the config.
        name: of the model on the server.
        signatures: which to call.
        texts: real ones; a batch larger than their number repeats them.
        text_pairs: as many second texts; without them a pair is two texts that follow
            one another in length.
        batch_sizes: texts in a request.

    Raises:
        ExportError: there would be more requests than a server reads.
    """
    import tensorflow as tf

    rows = _Rows(directory, texts, text_pairs)
    batches = rows.batches(batch_sizes)
    count = len(batches) * len(signatures)
    if count > MOST:
        raise ExportError(f"batch_sizes make {count} requests, at most {MOST} are read.")
    (model / FILE).parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(model / FILE)) as writer:
        for signature in signatures:
            for batch in batches:
                inputs = signature.bind(_INPUTS[_names(signature)](rows, batch))
                writer.write(_log(name, signature, inputs).SerializeToString())


def read_requests(model: pathlib.Path) -> Iterator[Request]:
    """Reads what ``write_requests`` wrote."""
    import tensorflow as tf
    from tensorflow_serving.apis import prediction_log_pb2

    for record in tf.data.TFRecordDataset(str(model / FILE)).as_numpy_iterator():
        request = prediction_log_pb2.PredictionLog.FromString(record).predict_log.request
        inputs = {name: tf.make_ndarray(value) for name, value in request.inputs.items()}
        yield Request(request.model_spec.signature_name, inputs)


def replay(
    model: pathlib.Path, runtime: str, signatures: Sequence[Signature], threads: int
) -> list[dict[str, np.ndarray]]:
    """Runs every request of the file through the session loader, in this process.

    Args:
        model: directory of the SavedModel.
        runtime: key of ``RUNTIMES``.
        signatures: what the outputs must look like.
        threads: of the session.

    Returns:
        Outputs by name, for each request.

    Raises:
        ExportError: names or shapes of outputs are not the signature's, or one is not finite.
    """
    by_name = {signature.name: signature for signature in signatures}
    opened = RUNTIMES[runtime].open(str(model), signatures, threads)
    sessions = dict(zip(by_name, opened, strict=True))
    results = []
    for name, inputs in read_requests(model):
        outputs = sessions[name].run(inputs)
        problems = by_name[name].mismatches(inputs, outputs) + _not_finite(outputs)
        if problems:
            raise ExportError(f"A warm-up request of {name} failed: {problems}.")
        results.append(outputs)
    return results


class _Rows:
    """Texts by the number of their tokens, and requests of them."""

    def __init__(
        self, directory: pathlib.Path, texts: Sequence[str], text_pairs: Sequence[str] | None
    ) -> None:
        from keras_bert_zoo.config import EncoderConfig
        from keras_bert_zoo.tokenizers import load_tokenizer

        self.tokenizer = load_tokenizer(directory)
        config = EncoderConfig.from_file(directory / "config.json")
        self.limit = min(self.tokenizer.model_max_length, config.max_tokens)
        self.texts = np.array(texts, object)
        self.text_pairs = None if text_pairs is None else np.array(text_pairs, object)
        ids = self.tokenizer(self.texts, self.text_pairs)["input_ids"]
        self.order = np.argsort(ids.row_lengths().numpy(), kind="stable")

    def batches(self, sizes: Sequence[int]) -> list[np.ndarray]:
        """Rows of neighbours in length: short ones, long ones and between, in each size."""
        batches = []
        for size in sizes:
            last = max(len(self.order) - size, 0)
            for start in np.linspace(0, last, _LENGTHS).astype(int):
                batches.append(np.resize(self.order[start : start + size], size))
        return batches

    def ids(self, rows: np.ndarray) -> dict[str, Any]:
        pairs = None if self.text_pairs is None else self.text_pairs[rows]
        encoded = self.tokenizer(
            self.texts[rows], pairs, truncation=True, max_length=self.limit, padding=True
        )
        return {name: tensor.numpy() for name, tensor in encoded.items()}

    def text(self, rows: np.ndarray) -> dict[str, Any]:
        return {"text": self.texts[rows]}

    def sentences(self, rows: np.ndarray) -> dict[str, Any]:
        return {"sentences": self.texts[rows, np.newaxis]}

    def pairs(self, rows: np.ndarray) -> dict[str, Any]:
        seconds = np.roll(self.texts[rows], 1) if self.text_pairs is None else self.text_pairs[rows]
        return {"text": self.texts[rows], "text_pair": seconds}

    def examples(self, rows: np.ndarray) -> dict[str, Any]:
        named = self.text(rows) if self.text_pairs is None else self.pairs(rows)
        values = zip(*named.values(), strict=True)
        return {"examples": [_example(dict(zip(named, row, strict=True))) for row in values]}


# What a request is made of, by the inputs of its signature.
_INPUTS: Mapping[frozenset[str], Callable[[_Rows, np.ndarray], dict[str, Any]]] = {
    frozenset({"input_ids", "attention_mask", "token_type_ids"}): _Rows.ids,
    frozenset({"input_ids", "attention_mask"}): _Rows.ids,
    frozenset({"text"}): _Rows.text,
    frozenset({"sentences"}): _Rows.sentences,
    frozenset({"text", "text_pair"}): _Rows.pairs,
    frozenset({"examples"}): _Rows.examples,
}


def _names(signature: Signature) -> frozenset[str]:
    return frozenset(spec.name for spec in signature.inputs)


def _example(features: Mapping[str, str]) -> bytes:
    import tensorflow as tf

    named = {
        name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[text.encode()]))
        for name, text in features.items()
    }
    return tf.train.Example(features=tf.train.Features(feature=named)).SerializeToString()


def _log(name: str, signature: Signature, inputs: Mapping[str, np.ndarray]) -> Any:
    import tensorflow as tf
    from tensorflow_serving.apis import prediction_log_pb2

    log = prediction_log_pb2.PredictionLog()
    request = log.predict_log.request
    request.model_spec.name = name
    request.model_spec.signature_name = signature.name
    for spec in signature.inputs:
        request.inputs[spec.name].CopyFrom(tf.make_tensor_proto(inputs[spec.name], spec.dtype))
    return log


def _not_finite(outputs: Mapping[str, np.ndarray]) -> list[str]:
    return [
        f"{name} is not finite"
        for name, value in outputs.items()
        if value.dtype.kind == "f" and not np.isfinite(value).all()
    ]

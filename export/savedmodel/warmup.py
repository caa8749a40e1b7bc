"""Warm-up requests: real texts that a server runs before it takes traffic.

A file of ``PredictionLog`` protos, as TensorFlow Serving reads it at
``assets.extra/tf_serving_warmup_requests``. Needs tensorflow-serving-api.
"""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..errors import ExportError
from ..runtimes import RUNTIMES
from ..signature import Signature

if TYPE_CHECKING:
    from ..artifact import Artifact
    from ..verification.asked import Given

Names = Collection[str]
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
    file: pathlib.Path,
    artifact: Artifact,
    name: str,
    given: Given,
    settings: Mapping[str, Any],
    batch_sizes: Sequence[int],
) -> None:
    """Writes the requests: every signature, size and several lengths.

    Args:
        file: to be written.
        artifact: that is to be served, with the tokenizer and the config beside it.
        name: of the model on the server.
        given: real texts, see ``columns_of``; a batch larger than their number repeats them.
            Without second texts a pair is two texts that follow one another in length.
        settings: see ``columns_of``.
        batch_sizes: texts in a request.

    Raises:
        ExportError: there would be more requests than a server reads, or as ``columns_of``.
        ValueError: as ``columns_of``.
    """
    import tensorflow as tf

    from .warmup_texts import columns_of

    rows = _Rows(artifact, columns_of(artifact, given, settings))
    batches = rows.batches(batch_sizes)
    count = len(batches) * len(artifact.signatures)
    if count > MOST:
        raise ExportError(f"batch_sizes make {count} requests, at most {MOST} are read.")
    with tf.io.TFRecordWriter(str(file)) as writer:
        for signature in artifact.signatures:
            names = frozenset(spec.name for spec in signature.inputs)
            make = _MADE.get(names, _Rows.named)
            for batch in batches:
                inputs = signature.bind(make(rows, batch, names))
                writer.write(_log(name, signature, inputs).SerializeToString())


def read_requests(model: pathlib.Path) -> Iterator[Request]:
    """Reads what ``write_requests`` wrote, from where a server looks for it."""
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

    def __init__(self, artifact: Artifact, columns: Mapping[str, Sequence[Any]]) -> None:
        from keras_bert_zoo.tokenizers import load_tokenizer

        self.tokenizer = load_tokenizer(artifact.path)
        self.limit = min(self.tokenizer.model_max_length, artifact.config.max_tokens)
        if artifact.task == "causal_lm":  # what is written stands in the same row
            self.limit -= int(artifact.signature.outputs[0].axes[1])
        self.columns = {name: np.array(column, object) for name, column in columns.items()}
        first = next(iter(self.columns.values()))
        # Of several choices the first; a document's sentences are in its text already.
        pairs = [other for name, other in self.columns.items() if name in _SECOND]
        self.strings = [first, *(pair.reshape(len(first), -1)[:, 0] for pair in pairs)]
        ids = self.tokenizer(*self.strings)["input_ids"]
        self.order = np.argsort(ids.row_lengths().numpy(), kind="stable")

    def batches(self, sizes: Sequence[int]) -> list[np.ndarray]:
        """Rows of neighbours in length: short ones, long ones and between, in each size."""
        batches = []
        for size in sizes:
            last = max(len(self.order) - size, 0)
            for start in np.linspace(0, last, _LENGTHS).astype(int):
                batches.append(np.resize(self.order[start : start + size], size))
        return batches

    def ids(self, rows: np.ndarray, names: Names) -> dict[str, Any]:
        strings = [column[rows] for column in self.strings]
        encoded = self.tokenizer(*strings, truncation=True, max_length=self.limit, padding=True)
        return {name: tensor.numpy() for name, tensor in encoded.items()}

    def named(self, rows: np.ndarray, names: Names) -> dict[str, Any]:
        """The columns as they are."""
        return {name: self.columns[name][rows] for name in names}

    def pairs(self, rows: np.ndarray, names: Names) -> dict[str, Any]:
        text = self.columns["text"][rows]
        seconds = self.columns["text_pair"][rows] if len(self.strings) > 1 else np.roll(text, 1)
        return {"text": text, "text_pair": seconds}

    def examples(self, rows: np.ndarray, names: Names) -> dict[str, Any]:
        named = self.named(rows, self.columns.keys())
        values = zip(*named.values(), strict=True)
        return {"examples": [_example(dict(zip(named, row, strict=True))) for row in values]}


# Columns that share a row of ids with the text before them.
_SECOND = ("text_pair", "context", "choices")
# What a request is made of, by the inputs of its signature, where those are no columns.
_MADE: Mapping[frozenset[str], Callable[[_Rows, np.ndarray, Names], dict[str, Any]]] = {
    frozenset({"input_ids", "attention_mask", "token_type_ids"}): _Rows.ids,
    frozenset({"input_ids", "attention_mask"}): _Rows.ids,
    frozenset({"text", "text_pair"}): _Rows.pairs,
    frozenset({"examples"}): _Rows.examples,
}


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

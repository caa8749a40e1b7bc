"""The runtimes that clients use, each opened in a fresh process."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import importlib.util
import os
import pathlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from . import process
from .errors import MissingRuntime
from .formats import FORMATS
from .signature import Signature

if TYPE_CHECKING:
    from .artifact import Artifact

_KERAS = ("keras", "keras_hub", "tf_keras")
# What the tokenizer's graph needs beyond core TensorFlow; loading no more proves it.
TEXT_LIBRARIES = (
    "_fast_bert_normalizer.so",
    "_fast_wordpiece_tokenizer.so",
    "_whitespace_tokenizer_v2.so",
)
_WARM_UP = 3


class Session(NamedTuple):
    """An opened model: how to call it, and the types of the inputs it says it has."""

    run: Callable[[Mapping[str, np.ndarray]], dict[str, np.ndarray]]
    inputs: Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class Runtime:
    """One row of the table.

    Args:
        open: takes the model's path, a signature and a number of threads.
        package: whose version is reported.
        extra: of this project, that installs it; ``None`` when it always is.
        hide: packages that the process must not find, to prove that they are not needed.
    """

    open: Callable[[str, Signature, int], Session]
    package: str
    extra: str | None = None
    hide: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Measurement:
    """What came out of a model.

    Args:
        outputs: arrays by name, for each batch.
        seconds: wall time of each batch, after a short warm-up.
        runtime: package and version.
        inputs: names and types that the model itself declares.
    """

    outputs: list[dict[str, np.ndarray]]
    seconds: list[float]
    runtime: str
    inputs: Mapping[str, str]


def measure(
    artifact: Artifact,
    signature: Signature,
    batches: Sequence[Mapping[str, Any]],
    threads: int | None = None,
) -> Measurement:
    """Runs batches through an artifact, in its runtime and in a fresh process.

    Args:
        artifact: what to run.
        signature: its signature to call.
        batches: inputs by name.
        threads: how many the runtime may use; by default one per processor.

    Raises:
        MissingRuntime: the runtime is not installed.
        ValueError: inputs do not fit the signature.
    """
    name = FORMATS[artifact.format].runtime
    bound = [signature.bind(inputs) for inputs in batches]
    request = (name, str(artifact.file), signature, bound, threads or os.cpu_count() or 1)
    return process.call(_measure, *request, hide=RUNTIMES[name].hide)


def timed(
    run: Callable[[Any], Any], batches: Sequence[Any]
) -> tuple[list[dict[str, np.ndarray]], list[float]]:
    """Runs every batch once, after a short warm-up, and times each."""
    for batch in batches[:_WARM_UP]:
        run(batch)
    outputs, seconds = [], []
    for batch in batches:
        start = time.perf_counter()
        outputs.append(run(batch))
        seconds.append(time.perf_counter() - start)
    return outputs, seconds


def _measure(
    name: str, path: str, signature: Signature, batches: list[Any], threads: int
) -> Measurement:
    runtime = RUNTIMES[name]
    try:
        session = runtime.open(path, signature, threads)
    except ImportError as error:
        install = f"keras-bert-zoo[{runtime.extra}]" if runtime.extra else "keras-bert-zoo"
        raise MissingRuntime(
            f"Running {path} needs {runtime.package}, which cannot be imported ({error}). "
            f"Try: pip install {install}"
        ) from error
    version = importlib.metadata.version(runtime.package)
    outputs, seconds = timed(session.run, batches)
    return Measurement(outputs, seconds, f"{runtime.package} {version}", session.inputs)


def _open_tensorflow(path: str, signature: Signature, threads: int) -> Session:
    """The session loader: what TensorFlow Serving restores with, stricter than Python's."""
    import tensorflow as tf

    config = tf.compat.v1.ConfigProto(
        intra_op_parallelism_threads=threads, inter_op_parallelism_threads=1
    )
    session = tf.compat.v1.Session(graph=tf.Graph(), config=config)
    with session.graph.as_default():
        saved = tf.compat.v1.saved_model.load(session, ["serve"], path)
    definition = saved.signature_def[signature.name]
    fetches = {name: tensor.name for name, tensor in definition.outputs.items()}
    names = {name: tensor.name for name, tensor in definition.inputs.items()}

    def run(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        outputs = session.run(fetches, {names[name]: value for name, value in inputs.items()})
        return {name: _decoded(value) for name, value in outputs.items()}

    types = {n: tf.as_dtype(tensor.dtype).name for n, tensor in definition.inputs.items()}
    return Session(run, types)


def _open_tensorflow_text(path: str, signature: Signature, threads: int) -> Session:
    """The same with the tokenizer's operators, but without tensorflow-text's Python."""
    import tensorflow as tf

    found = importlib.util.find_spec("tensorflow_text")
    if found is None or found.origin is None:
        raise ImportError("No module named 'tensorflow_text'")
    for library in TEXT_LIBRARIES:
        tf.load_op_library(str(pathlib.Path(found.origin).parent / "python" / "ops" / library))
    return _open_tensorflow(path, signature, threads)


def _decoded(value: np.ndarray) -> np.ndarray:
    if value.dtype != object:
        return value
    return np.array([text.decode() for text in value.flat], object).reshape(value.shape)


def _open_tflite(path: str, signature: Signature, threads: int) -> Session:
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(model_path=path, num_threads=threads).get_signature_runner(signature.name)
    details = runner.get_input_details()
    types = {name: np.dtype(detail["dtype"]).name for name, detail in details.items()}
    return Session(lambda inputs: runner(**inputs), types)


def _open_onnx(path: str, signature: Signature, threads: int) -> Session:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    outputs = [output.name for output in session.get_outputs()]

    def run(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return dict(zip(outputs, session.run(outputs, inputs), strict=True))

    types = {i.name: i.type.removeprefix("tensor(").rstrip(")") for i in session.get_inputs()}
    return Session(run, types)


RUNTIMES: Mapping[str, Runtime] = {
    "tensorflow": Runtime(_open_tensorflow, "tensorflow", hide=_KERAS),
    "tensorflow-text": Runtime(_open_tensorflow_text, "tensorflow", hide=_KERAS),
    "tflite": Runtime(_open_tflite, "ai-edge-litert", "tflite"),
    "onnx": Runtime(_open_onnx, "onnxruntime", "onnx"),
}

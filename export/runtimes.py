"""The runtimes that clients use, each opened in a fresh process."""

from __future__ import annotations

import ctypes
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
from .signature import Signature, choose

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
    """One signature of an opened model: how to call it, and the types it says its inputs have."""

    run: Callable[[Mapping[str, np.ndarray]], dict[str, np.ndarray]]
    inputs: Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class Runtime:
    """One row of the table.

    Args:
        open: takes the model's path, signatures and a number of threads; returns a session
            for each signature, all on the same weights.
        package: whose version is reported.
        extra: of this project, that installs it; ``None`` when it always is.
        hide: packages that the process must not find, to prove that they are not needed.
    """

    open: Callable[[str, Sequence[Signature], int], list[Session]]
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
    signatures: Sequence[Signature],
    batches: Sequence[Mapping[str, Any]],
    threads: int | None = None,
) -> Measurement:
    """Runs batches through an artifact, in its runtime and in a fresh process.

    Args:
        artifact: what to run.
        signatures: those of its signatures to call, each batch by the first that it fits.
        batches: inputs by name.
        threads: how many the runtime may use; by default one per processor.

    Raises:
        MissingRuntime: the runtime is not installed.
        ValueError: inputs fit none of the signatures.
    """
    name = FORMATS[artifact.format].runtime
    chosen = [choose(signatures, inputs) for inputs in batches]
    calls = [
        (signatures.index(signature), signature.bind(inputs))
        for signature, inputs in zip(chosen, batches, strict=True)
    ]
    request = (name, str(artifact.file), signatures, calls, threads or os.cpu_count() or 1)
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
    name: str, path: str, signatures: Sequence[Signature], calls: list[Any], threads: int
) -> Measurement:
    sessions = open_sessions(name, path, signatures, threads)
    version = importlib.metadata.version(RUNTIMES[name].package)
    outputs, seconds = timed(lambda call: sessions[call[0]].run(call[1]), calls)
    return Measurement(outputs, seconds, f"{RUNTIMES[name].package} {version}", sessions[0].inputs)


def open_sessions(
    name: str, path: str, signatures: Sequence[Signature], threads: int
) -> list[Session]:
    """Opens a model in this process.

    Args:
        name: key of ``RUNTIMES``.
        path: of the model.
        signatures: what to open of it.
        threads: how many the runtime may use.

    Raises:
        MissingRuntime: the runtime is not installed.
    """
    runtime = RUNTIMES[name]
    try:
        return runtime.open(path, signatures, threads)
    except ImportError as error:
        install = f"keras-bert-zoo[{runtime.extra}]" if runtime.extra else "keras-bert-zoo"
        raise MissingRuntime(
            f"Running {path} needs {runtime.package}, which cannot be imported ({error}). "
            f"Try: pip install {install}"
        ) from error


def _open_tensorflow(path: str, signatures: Sequence[Signature], threads: int) -> list[Session]:
    """The session loader: what TensorFlow Serving restores with, stricter than Python's."""
    import tensorflow as tf

    config = tf.compat.v1.ConfigProto(
        intra_op_parallelism_threads=threads, inter_op_parallelism_threads=1
    )
    session = tf.compat.v1.Session(graph=tf.Graph(), config=config)
    with session.graph.as_default():
        saved = tf.compat.v1.saved_model.load(session, ["serve"], path)
    return [_tensorflow_session(session, saved.signature_def[s.name]) for s in signatures]


def _tensorflow_session(session: Any, definition: Any) -> Session:
    import tensorflow as tf

    fetches = {name: tensor.name for name, tensor in definition.outputs.items()}
    names = {name: tensor.name for name, tensor in definition.inputs.items()}

    def run(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        outputs = session.run(fetches, {names[name]: value for name, value in inputs.items()})
        return {name: _decoded(value) for name, value in outputs.items()}

    types = {n: tf.as_dtype(tensor.dtype).name for n, tensor in definition.inputs.items()}
    return Session(run, types)


def _open_tensorflow_text(
    path: str, signatures: Sequence[Signature], threads: int
) -> list[Session]:
    """The same with the tokenizer's operators, but without tensorflow-text's Python."""
    import tensorflow as tf

    libraries = _package_directory("tensorflow_text") / "python" / "ops"
    for library in TEXT_LIBRARIES:
        tf.load_op_library(str(libraries / library))
    return _open_tensorflow(path, signatures, threads)


def _decoded(value: np.ndarray) -> np.ndarray:
    if value.dtype != object:
        return value
    return np.array([text.decode() for text in value.flat], object).reshape(value.shape)


def _open_tflite(path: str, signatures: Sequence[Signature], threads: int) -> list[Session]:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=path, num_threads=threads)
    return [_tflite_session(interpreter.get_signature_runner(s.name)) for s in signatures]


def _open_tflite_text(path: str, signatures: Sequence[Signature], threads: int) -> list[Session]:
    from ai_edge_litert.interpreter import InterpreterWithCustomOps

    interpreter = InterpreterWithCustomOps(
        custom_op_registerers=text_registerers(), model_path=path, num_threads=threads
    )
    return [_tflite_session(interpreter.get_signature_runner(s.name)) for s in signatures]


def text_registerers() -> list[Any]:
    """tensorflow-text's functions that make its operators known to LiteRT.

    Their library needs one of TensorFlow's; neither package's Python is imported.

    Raises:
        ImportError: one of the packages is not installed.
    """
    framework = _package_directory("tensorflow") / "libtensorflow_framework.so.2"
    ctypes.CDLL(str(framework), ctypes.RTLD_GLOBAL)
    path = _package_directory("tensorflow_text") / "core" / "pybinds" / "tflite_registrar.so"
    spec = importlib.util.spec_from_file_location("tflite_registrar", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no module")
    registrar = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(registrar)
    return [
        registrar.AddFastBertNormalize,
        registrar.AddFastWordpieceTokenize,
        registrar.AddWhitespaceTokenize,
    ]


def _package_directory(name: str) -> pathlib.Path:
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise ImportError(f"No module named {name!r}")
    return pathlib.Path(found.origin).parent


def _tflite_session(runner: Any) -> Session:
    details = runner.get_input_details()
    types = {name: np.dtype(detail["dtype"]).name for name, detail in details.items()}
    types = {name: "string" if kind == "bytes" else kind for name, kind in types.items()}
    return Session(lambda inputs: runner(**inputs), types)


def _open_onnx(path: str, signatures: Sequence[Signature], threads: int) -> list[Session]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    outputs = [output.name for output in session.get_outputs()]

    def run(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return dict(zip(outputs, session.run(outputs, inputs), strict=True))

    types = {i.name: i.type.removeprefix("tensor(").rstrip(")") for i in session.get_inputs()}
    return [Session(run, types)] * len(signatures)


RUNTIMES: Mapping[str, Runtime] = {
    "tensorflow": Runtime(_open_tensorflow, "tensorflow", hide=_KERAS),
    "tensorflow-text": Runtime(_open_tensorflow_text, "tensorflow", hide=_KERAS),
    "tflite": Runtime(_open_tflite, "ai-edge-litert", "tflite"),
    "tflite-text": Runtime(_open_tflite_text, "ai-edge-litert", "tflite", hide=_KERAS),
    "onnx": Runtime(_open_onnx, "onnxruntime", "onnx"),
}

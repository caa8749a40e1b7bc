"""The runtimes that clients use."""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import importlib
import importlib.util
import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from .errors import MissingRuntime
from .signature import Signature

# What comes out of every model that writes.
IDS = "ids"
_KERAS = ("keras", "keras_hub", "tf_keras")
# What the tokenizer's graph needs beyond core TensorFlow; loading no more proves it.
TEXT_LIBRARIES = (
    "_fast_bert_normalizer.so",
    "_fast_wordpiece_tokenizer.so",
    "_whitespace_tokenizer_v2.so",
)
# What the graph of a byte-level tokenizer needs that normalises.
_NORMALIZING_LIBRARY = "_normalize_ops.so"


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
        module: that it uses.
        package: whose version is reported.
        extra: of this project, that installs it; ``None`` when it always is.
        hide: packages that the process must not find, to prove that they are not needed.
        loops: whether it writes: the first signature is called, and it calls the others.
        side_by_side: whether several that are opened are faster than one with all threads.
    """

    open: Callable[[str, Sequence[Signature], int], list[Session]]
    module: str
    package: str
    extra: str | None = None
    hide: tuple[str, ...] = ()
    loops: bool = False
    side_by_side: bool = False


def load_runtime(name: str, path: str) -> None:
    """Imports what a runtime needs; ``open_sessions`` would do it, and take the longer.

    Raises:
        MissingRuntime: the runtime is not installed.
    """
    with _explained(RUNTIMES[name], path):
        importlib.import_module(RUNTIMES[name].module)


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
    with _explained(RUNTIMES[name], path):
        return RUNTIMES[name].open(path, signatures, threads)


@contextlib.contextmanager
def _explained(runtime: Runtime, path: str) -> Iterator[None]:
    """Tells the user of a package that is not installed how to install it."""
    try:
        yield
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
    for library in (*TEXT_LIBRARIES, _NORMALIZING_LIBRARY):
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

    return [Session(run, _onnx_inputs(session))] * len(signatures)


def _onnx_inputs(session: Any) -> dict[str, str]:
    return {i.name: i.type.removeprefix("tensor(").rstrip(")") for i in session.get_inputs()}


def _open_tflite_loop(path: str, signatures: Sequence[Signature], threads: int) -> list[Session]:
    from .writing.litert import LiteRtWriter

    writer = LiteRtWriter(path, threads)
    return [Session(lambda inputs: {IDS: writer(inputs)}, _tflite_session(writer.encode).inputs)]


def _open_onnx_loop(path: str, signatures: Sequence[Signature], threads: int) -> list[Session]:
    from .writing.ort import ENCODER, OrtWriter

    writer = OrtWriter(path, threads)
    inputs = _onnx_inputs(writer.sessions[ENCODER])
    return [Session(lambda inputs: {IDS: writer(inputs)}, inputs)]


_LITERT = ("ai_edge_litert.interpreter", "ai-edge-litert", "tflite")
_ORT = ("onnxruntime", "onnxruntime", "onnx")

RUNTIMES: Mapping[str, Runtime] = {
    "tensorflow": Runtime(_open_tensorflow, "tensorflow", "tensorflow", hide=_KERAS),
    "tensorflow-text": Runtime(_open_tensorflow_text, "tensorflow", "tensorflow", hide=_KERAS),
    "tflite": Runtime(_open_tflite, *_LITERT, side_by_side=True),
    "tflite-text": Runtime(_open_tflite_text, *_LITERT, hide=_KERAS),
    "tflite-loop": Runtime(_open_tflite_loop, *_LITERT, loops=True),
    "onnx": Runtime(_open_onnx, *_ORT, side_by_side=True),
    "onnx-loop": Runtime(_open_onnx_loop, *_ORT, loops=True),
}

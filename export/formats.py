"""The table of formats: which module writes each, and what runs it."""

from __future__ import annotations

import dataclasses
import difflib
import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from .errors import ExportError


@dataclasses.dataclass(frozen=True)
class Format:
    """One row of the table.

    Args:
        module: of this package; its ``export(bundle, path, **arguments)`` writes the format.
        file: the path written, inside the artifact's directory.
        runtime: key of ``runtimes.RUNTIMES``.
        tolerance: how far a float32 number may be from Keras'; 0 where ids are compared; ``None``
            for quantised formats, whose report states the metric and its drop instead.
        arguments: what this format passes to ``export``.
        options: names of the user's options that ``export`` takes as well.
        dtype: what transformers.js calls the precision; formats that have one are laid out for
            Hugging Face's clients.
        length: tokens in a row where the user names none and the format takes no open length.
        packages: whose versions the manifest states, beside TensorFlow's and Keras'.
    """

    module: str
    file: str
    runtime: str
    tolerance: float | None
    arguments: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    options: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    dtype: str | None = None
    length: int | None = None

    @property
    def whole_texts(self) -> bool:
        """Whether it is made for one answer to a text: see ``WHOLE_TEXTS``."""
        return self.runtime == "tflite-text" or "examples" in self.options

    @property
    def export(self) -> Callable[..., Any]:
        """The function; importing it loads TensorFlow."""
        return importlib.import_module(f".{self.module}", __package__).export


# Tasks whose answer is one row of numbers for a text: classes, or an embedding.
WHOLE_TEXTS = (None, "sequence_classification", "sentence_embedding")
# Float32 arithmetic in another order moves a BERT's numbers by some 1e-6; 1e-4 leaves room
# for larger models and still catches any wrong operator.
_FLOAT = 1e-4
# Half precision has 11 bits: some thousandths of a logit, some hundredths of a hidden state.
_HALF = 0.05
_TFLITE = ("lengths", "metadata", "normalize")


def _tflite(recipe: str, tolerance: float | None = None, *more: str) -> Format:
    options = (*_TFLITE, *more)
    return Format("tflite.writer", "model.tflite", "tflite", tolerance, {"recipe": recipe}, options)


def _tflite_static(activations: str) -> Format:
    arguments = {"recipe": "int8", "activations": activations}
    options, packages = (*_TFLITE, "examples"), ("ai-edge-litert",)
    return Format("tflite.writer", "model.tflite", "tflite", None, arguments, options, packages)


def _tflite_text(recipe: str, tolerance: float | None = None) -> Format:
    return Format(
        "tflite.writer",
        "model.tflite",
        "tflite-text",
        tolerance,
        {"recipe": recipe, "text": True},
        ("lengths",),
        ("tensorflow-text",),
        length=128,
    )


def _onnx(name: str, dtype: str, tolerance: float | None = None, **arguments: Any) -> Format:
    packages = ("onnx", "onnxruntime", "tf2onnx")
    file = f"onnx/{name}.onnx"
    return Format("onnx.writer", file, "onnx", tolerance, arguments, packages=packages, dtype=dtype)


FORMATS: Mapping[str, Format] = {
    "savedmodel": Format(
        "savedmodel.writer", "model", "tensorflow-text", _FLOAT, packages=("tensorflow-text",)
    ),
    "savedmodel-ids": Format("savedmodel.writer", "model", "tensorflow", _FLOAT, {"text": False}),
    "tflite": _tflite("float32", _FLOAT),
    "tflite-float16": _tflite("float16", _HALF),
    "tflite-weight-int8": _tflite("weight-int8"),
    "tflite-int8": _tflite("int8"),
    "tflite-int8-words-int4": _tflite("int8-words-int4"),
    "tflite-mixed": _tflite("mixed", None, "storage"),
    "tflite-int4": _tflite("int4"),
    "tflite-static-int8": _tflite_static("int8"),
    "tflite-static-int16x8": _tflite_static("int16"),
    "tflite-text": _tflite_text("float32", _FLOAT),
    "tflite-text-int8": _tflite_text("int8"),
    # The places where optimum, sentence-transformers and transformers.js look for them.
    "onnx": _onnx("model", "fp32", _FLOAT),
    "onnx-float16": _onnx("model_fp16", "fp16", _HALF, precision="float16"),
    "onnx-int8": _onnx("model_quantized", "q8", precision="int8"),
    "onnx-int4": _onnx("model_q4", "q4", precision="int4"),
    "onnx-fused": _onnx("model", "fp32", _FLOAT, fused=True),
}


def _writes(module: str, file: str, runtime: str, *packages: str, **arguments: Any) -> Format:
    return Format(f"writing.{module}", file, runtime, 0.0, arguments, ("generation",), packages)


def _writes_tflite(recipe: str, tolerance: float | None) -> Format:
    options = ("generation", "lengths")
    return Format(
        "writing.tflite", "model.tflite", "tflite-loop", tolerance, {"recipe": recipe}, options
    )


WRITER_FORMATS: Mapping[str, Format] = {
    "writer-savedmodel": _writes("savedmodel", "model", "tensorflow-text", "tensorflow-text"),
    "writer-savedmodel-ids": _writes("savedmodel", "model", "tensorflow", text=False),
    "writer-tflite": _writes_tflite("float32", 0.0),
    "writer-tflite-int8": _writes_tflite("int8", None),
    "writer-onnx": _writes("onnx", "onnx", "onnx-loop", "onnx", "onnxruntime", "tf2onnx"),
}
KNOWN_FORMATS: Mapping[str, Format] = {**FORMATS, **WRITER_FORMATS}
DEFAULT_FORMATS = ("savedmodel", "tflite", "tflite-int8", "onnx")


@dataclasses.dataclass(frozen=True)
class Kind:
    """Which formats a kind of model goes to.

    Args:
        name: in messages, of several such models.
        formats: all of them.
        defaults: those that are written where none are named.
        module: of this package; its ``convert`` is the child's part of an export.
    """

    name: str
    formats: Sequence[str]
    defaults: Sequence[str]
    module: str

    @property
    def convert(self) -> Callable[..., None]:
        """The function."""
        return importlib.import_module(f".{self.module}", __package__).convert

    def check(self, names: Iterable[str]) -> None:
        """Refuses formats of other kinds.

        Raises:
            ExportError: there are some; the message names those of this kind.
        """
        others = [name for name in names if name not in self.formats]
        if others:
            owners = [
                kind.name for kind in (ENCODERS, *WRITERS.values()) if others[0] in kind.formats
            ]
            raise ExportError(
                f"{others} are for {' and '.join(owners)}; {self.name} go to {list(self.formats)}."
            )


ENCODERS = Kind("encoders", [*FORMATS], DEFAULT_FORMATS, "conversion")
_WHOLE_LOOP = ("writer-savedmodel", "writer-savedmodel-ids")
# By task.
WRITERS: Mapping[str, Kind] = {
    "seq2seq": Kind(
        "models that write (encoder and decoder)",
        [*WRITER_FORMATS],
        ("writer-savedmodel", "writer-tflite", "writer-tflite-int8", "writer-onnx"),
        "writing.conversion",
    ),
    "causal_lm": Kind(
        "models that write (decoder alone)",
        _WHOLE_LOOP,
        _WHOLE_LOOP[:1],
        "writing.conversion",
    ),
}


# What is looked for, and why there is none.
_MISSING = {"onnx-text": " ONNX files take ids alone: the tokenizer is beside them."}


def checked_formats(names: Iterable[str], kind: Kind) -> tuple[str, ...]:
    """Returns the names, each once.

    Raises:
        ExportError: there is none, or one is unknown or of another kind of model; the message
            suggests the nearest of this kind.
    """
    unique = tuple(dict.fromkeys([names] if isinstance(names, str) else names))
    for name in unique:
        if name not in KNOWN_FORMATS:
            near = difflib.get_close_matches(str(name), kind.formats, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            hint = _MISSING.get(name, hint)
            raise ExportError(f"formats must be of {list(kind.formats)}, received {name!r}.{hint}")
    if not unique:
        raise ExportError(f"formats is empty. Name at least one of {list(kind.formats)}.")
    kind.check(unique)
    return unique

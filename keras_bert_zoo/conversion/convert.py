"""A checkpoint of any format becomes one of another."""

from __future__ import annotations

import dataclasses
import difflib
import functools
import json
import logging
import pathlib
from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np

from keras_bert_zoo.atomic import atomic_directory, check_switch
from keras_bert_zoo.bundle.target import MANIFEST, check_target
from keras_bert_zoo.checkpoints.memory import give_back
from keras_bert_zoo.checkpoints.sentence_transformers import is_sentence_directory
from keras_bert_zoo.checkpoints.tensors import nbytes
from keras_bert_zoo.conversion.content import Content, open_content
from keras_bert_zoo.conversion.place import Place, Written
from keras_bert_zoo.conversion.targets import TARGETS, WRITTEN, Target
from keras_bert_zoo.conversion.verification import (
    TOLERANCES,
    Difference,
    compare,
    inputs_for,
    numbered,
    seen_through,
)

_log = logging.getLogger(__name__)

Report = Callable[[int, int], Any]


class ConversionError(ValueError):
    """What was written does not answer as the source does."""


@dataclasses.dataclass(frozen=True)
class Conversion:
    """What was done.

    Args:
        directory: that was written.
        tensors: source, target, shape and types of each.
        skipped: what the source has besides, and why it was left behind.
        differences: between the answers of both sides; none if they were not compared.
        approximation: how far the answers are from those of the source, where the target computes
            the approximation of GELU by tanh; of ``differences`` both sides are with it.
        vocabulary: tokens ``before`` and ``after``, and ``rows`` of the tables, if it is another.
    """

    directory: pathlib.Path
    tensors: tuple[Mapping[str, Any], ...]
    skipped: Mapping[str, str]
    differences: tuple[Difference, ...]
    approximation: tuple[Difference, ...] = ()
    vocabulary: Mapping[str, int] | None = None


def convert(
    source: str | pathlib.Path,
    directory: str | pathlib.Path,
    to: str,
    *,
    dtype: str | None = None,
    do_lower_case: bool | None = None,
    allow_tanh_gelu: bool = False,
    verify: bool = True,
    overwrite: bool = False,
    report: Report = lambda done, total: None,
) -> Conversion:
    """Converts a checkpoint, tensor by tensor.

    All files are written beside ``directory`` and take its place in one step, after both sides
    were loaded and run. ``conversion.json`` among them says which tensor became which.

    Args:
        source: what ``load`` takes, a ``.keras`` file, a directory with ``model.keras``, or a
            ``.weights.h5`` file beside a checkpoint of the same model, whatever its numbers.
        directory: where to; parents are created.
        to: ``"hf"``, ``"google"``, ``"keras"`` or ``"keras-hub"``.
        dtype: ``"float32"``, ``"float16"`` or ``"bfloat16"``, to which weights are rounded; by
            default they stay as they are.
        do_lower_case: whether the tokenizer lowers the case, see ``load``.
        allow_tanh_gelu: whether keras-hub may compute the approximation by tanh where the model
            has exact GELU, with answers that differ in the third decimal. Compared are both sides
            with the approximation.
        verify: whether both sides are loaded, run and compared.
        overwrite: whether an older checkpoint in ``directory`` may be replaced.
        report: is told how many bytes are done, and of how many.

    Raises:
        ConversionError: the answers differ by more than the rounding explains.
        ValueError: an argument is unknown, or the target cannot hold such a model.
        FileExistsError: the directory is in use, or holds other files than a checkpoint's.
        FileNotFoundError, CheckpointError, ConfigError: the source cannot be read.
        OSError: the target cannot be written.
    """
    _check_choice("to", to, TARGETS)
    _check_choice("dtype", dtype, (None, *TOLERANCES))
    check_switch("allow_tanh_gelu", allow_tanh_gelu)
    check_switch("verify", verify)
    target = checked_directory(directory, overwrite)
    content = TARGETS[to].fitted(open_content(source, do_lower_case), allow_tanh_gelu)
    said = {"source": str(source), "layout": content.layout, "target": to, "dtype": dtype}
    return write(content, target, TARGETS[to], said, verify, report)


def _check_choice(name: str, value: object, valid: Collection[object]) -> None:
    if value not in valid:
        # Near enough is fp16 to float16.
        names = [each for each in valid if isinstance(each, str)]
        near = difflib.get_close_matches(str(value)[:20].lower(), names, n=1, cutoff=0.54)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"{name} must be one of {list(valid)}, received {value!r}.{hint}")


def checked_directory(directory: str | pathlib.Path, overwrite: bool) -> pathlib.Path:
    """The path of a directory that may be written; raises as ``convert``."""
    check_switch("overwrite", overwrite)
    target = pathlib.Path(directory)
    check_target(target, overwrite, also=WRITTEN)
    return target


def write(
    content: Content,
    directory: pathlib.Path,
    target: Target,
    said: Mapping[str, Any],
    verify: bool,
    report: Report,
) -> Conversion:
    """Writes a content that fits the target, and says what was done; raises as ``convert``."""
    dtype = said["dtype"]
    rounded = None if dtype is None else np.dtype(dtype)
    with atomic_directory(directory) as temporary:
        place = Place(temporary, directory.resolve().name, rounded, _counter(content, report))
        give_back()
        written = target.write(content, place)
        found = _compared(content, target, temporary, dtype) if verify else ([], [])
        differences, approximation = map(tuple, found)
        skipped = _skipped(content, written, temporary)
        tensors = _listed(content, written)
        sizes = said.get("vocabulary")
        done = Conversion(directory, tensors, skipped, differences, approximation, sizes)
        values = {**said, **dataclasses.asdict(done)}
        del values["directory"]
        text = json.dumps(values, indent=2, ensure_ascii=False) + "\n"
        (temporary / MANIFEST).write_text(text, encoding="utf-8")
    return done


def _counter(content: Content, report: Report) -> Callable[[int], None]:
    tensors, done = content.weights.tensors, 0
    total = sum(nbytes(tensors[row.tensor]) for row in content.weights.rows)

    def count(size: int) -> None:
        nonlocal done
        done += size
        report(done, total)

    return count


def _compared(
    content: Content, target: Target, directory: pathlib.Path, dtype: str | None
) -> tuple[list[Difference], list[Difference]]:
    config, same = content.weights.config, content.renumbered
    load: Callable[[], Any] = functools.partial(content.load, "float32")
    exact = content.load_exact and functools.partial(content.load_exact, "float32")
    load_other: Callable[[], Any] = functools.partial(target.load, directory, content.weights.task)
    inputs = inputs_for(config, content.tokenizer)
    if same is not None:
        load, load_other = seen_through(load, same.old), seen_through(load_other, same.new)
        inputs = numbered(inputs, same.new)
    found, approximation = compare(load, load_other, inputs, dtype or "float32", exact)
    if wrong := [str(each) for each in found if not each.passed]:
        _check_finite(content)
        raise ConversionError(
            f"What was written answers differently, and was not kept: {'; '.join(wrong)}."
        )
    return found, approximation


def _check_finite(content: Content) -> None:
    for row in content.weights.rows:
        if not np.isfinite(content.weights.tensors[row.tensor].read()).all():
            raise ConversionError(
                f"The source holds NaN or infinity, first in {content.names[row.tensor]}: there "
                "are no answers to compare. If its training diverged, take an earlier checkpoint, "
                "else fetch the file again; verify=False (--verify false) converts it as it is."
            )


def _skipped(
    content: Content, written: Mapping[str, Written], directory: pathlib.Path
) -> dict[str, str]:
    skipped = dict(content.skipped)
    for row in content.weights.rows:
        if row.tensor not in written:
            task = content.weights.task or "an encoder"
            skipped[content.names[row.tensor]] = f"no part of a model for {task}"
    if content.modules is not None and not is_sentence_directory(directory):
        skipped["modules.json"] = "what sentence-transformers does behind the encoder"
        _log.warning(
            "Left behind: modules.json, what sentence-transformers does behind the encoder "
            "(pooling, normalisation). No conversion of what is written brings it back."
        )
    return skipped


def _listed(content: Content, written: Mapping[str, Written]) -> tuple[Mapping[str, Any], ...]:
    tensors = content.weights.tensors
    return tuple(
        {
            "source": content.names[row],
            "target": became.name,
            "shape": list(tensors[row].shape),
            "from": str(tensors[row].dtype),
            "to": became.dtype,
        }
        for row, became in written.items()
    )

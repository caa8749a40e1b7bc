"""The smallest or fastest TFLite file whose quality stays within a budget. TensorFlow only.

The recipes are tried first. Then each weight alone goes from 8 bits to 4, which shows what it
does to the outputs; and the weights that do least for each byte they save go to 4 bits
together, as many of them as the budget allows.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np

from keras_bert_zoo.data.examples import Examples

from .. import process
from ..row_lengths import checked_lengths
from ..tflite.lengths import give_lengths
from ..tflite.model import Graph, read, write
from ..tflite.recipes import RECIPES
from ..tflite.weights import store_weights, weights_of
from .quality import Quality
from .trials import Search, Trial, check_arguments

# Texts that a weight alone is tried on: its effect on the outputs, not on a score, is measured.
_SAMPLE = 64
_BASE, _SMALLER = "int8", "int4-blocks"
# By the names that `export` knows them by.
_TRIED = {f"tflite-{name}": recipe for name, recipe in RECIPES.items() if name != "float32"}


def search(
    bundle: Any,
    examples: Examples,
    *,
    max_drop: float,
    goal: str = "size",
    lengths: Sequence[int] | None = None,
    threads: int = 1,
) -> Search:
    """Tries files on the user's texts, in this process.

    Args:
        bundle: a classifier with labelled texts, or an encoder with any.
        examples: the texts; encoders are judged by the cosine of their embeddings.
        max_drop: hundredths of the metric that may be lost, e.g. 0.5.
        goal: ``"size"`` or ``"speed"``.
        lengths: of the files, see ``tflite.export``.
        threads: of the runtime.

    Raises:
        ExportError: an argument is out of range, or there are no texts.
    """
    check_arguments(examples, max_drop, goal)
    lengths = checked_lengths(lengths, bundle.model.config.max_tokens)
    trials = _Trials(bundle, examples, lengths, threads)
    floating = trials.run("tflite", RECIPES["float32"].storage_of)
    found = [floating, *(trials.run(name, each.storage_of) for name, each in _TRIED.items())]
    sensitivity = trials.sensitivity()
    order = trials.cheapest_first(sensitivity)
    found += _mixtures(trials, order, lambda trial: trial.drop <= max_drop)
    allowed = [trial for trial in found if trial.drop <= max_drop]
    best = min(allowed, key=lambda t: t.size if goal == "size" else t.milliseconds)
    metric, count = trials.quality.name, len(examples)
    return Search(metric, count, max_drop, goal, tuple(found), sensitivity, best)


def _smaller(chosen: Collection[str]) -> Callable[[str], str]:
    """4 bits for some weights, 8 for the others."""
    return lambda name: _SMALLER if name in chosen else _BASE


def _mixtures(
    trials: _Trials, order: Sequence[str], allowed: Callable[[Trial], bool]
) -> list[Trial]:
    """Bisects how many weights can be in 4 bits."""
    found, least, most = [], 0, len(order)
    while least < most:
        count = (least + most + 1) // 2
        chosen = set(order[:count])
        process.emit(f"{count} of {len(order)} weights in 4 bits")
        trial = trials.run(
            f"{count} of {len(order)} weights in 4 bits",
            _smaller(chosen),
        )
        found.append(trial)
        least, most = (count, most) if allowed(trial) else (least, count - 1)
    return found


class _Trials:
    """Makes files of one converted model and runs the same texts through them."""

    def __init__(
        self, bundle: Any, examples: Examples, lengths: Sequence[int] | None, threads: int
    ) -> None:
        from ..signature import Signature
        from ..tflite.writer import converted

        self.content = converted(bundle.model)
        self.signature = Signature.of(bundle.model).fix(batch=1)
        self.lengths, self.threads = lengths, threads
        self.quality = Quality(bundle, examples, lengths)
        self.kept: dict[tuple[str, str], Any] = {}
        self.sizes = _weight_sizes(self.content)

    def build(self, storage_of: Callable[[str], str]) -> tuple[bytes, dict[str, str]]:
        model = read(self.content)
        stored = store_weights(model, storage_of, self.kept)
        give_lengths(model, self.signature, self.lengths)
        return write(model), stored

    def run(self, name: str, storage_of: Callable[[str], str]) -> Trial:
        """Judges a file by all texts."""
        process.emit(name)
        content, stored = self.build(storage_of)
        outputs, seconds = self.quality.run(content, self.threads)
        value = self.quality.score(outputs)
        # Rounded, for a budget that is met exactly is met.
        drop = round(100 * (self.quality.best - value), 6)
        return Trial(name, stored, len(content), value, drop, 1e3 * float(np.median(seconds)))

    def sensitivity(self) -> dict[str, float]:
        """How far the outputs move when one weight alone goes from 8 bits to 4."""
        reference, _ = self.quality.run(self.build(lambda name: _BASE)[0], self.threads, _SAMPLE)
        found = {}
        for one in self.sizes:
            process.emit(f"4 bits: {one}")
            content, _ = self.build(_smaller({one}))
            outputs, _ = self.quality.run(content, self.threads, _SAMPLE)
            found[one] = self.quality.distance(outputs, reference)
        return found

    def cheapest_first(self, sensitivity: Mapping[str, float]) -> list[str]:
        """Weights by the squared distance that each byte saved costs."""
        return sorted(self.sizes, key=lambda name: sensitivity[name] ** 2 / self.sizes[name])


def _weight_sizes(content: bytes) -> dict[str, int]:
    graph = Graph(read(content))
    return {name: int(np.prod(graph.shape(t))) for name, t in weights_of(graph).items()}

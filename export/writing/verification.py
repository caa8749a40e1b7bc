"""Artifacts that write against ``generate``: the same ids, each in its own runtime."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from keras_bert_zoo.checkpoints.writer_configs import GENERATION

from .. import process
from ..artifact import Artifact
from ..digest import digest_of
from ..formats import KNOWN_FORMATS
from ..measurement import measure, timed
from ..runtimes import IDS, RUNTIMES
from ..verification.asked import Given, check_kind
from ..verification.comparison import percentiles
from ..verification.report import Row

Rows = Sequence[Mapping[str, np.ndarray]]


class WritingJudge:
    """Compares artifacts with what the Keras model writes.

    Args:
        source: directory of the bundle.
        given: texts, see ``verify``.
        artifacts: those that are to be compared.
        columns: of what is given.
        threads: of each runtime.
    """

    def __init__(
        self,
        source: str,
        given: Given,
        artifacts: Sequence[Artifact],
        columns: Mapping[str, Any],
        threads: int,
    ) -> None:
        from .questions import WritingQuestions

        self.threads = threads
        self.questions = WritingQuestions(given, artifacts, columns)
        self.count, self.metric = len(self.questions.rows), self.questions.metric
        options = [_options(artifact) for artifact in artifacts]
        request = (source, artifacts, options, self.questions.rows, threads)
        self.keras: _Keras = process.call(_write_all, *request)
        self._first = options[0]

    def keras_row(self, source: str) -> Row:
        """That of the Keras model, which writes as the first artifact does."""
        ids, seconds = self.keras.of(self._first)
        return Row(
            format="keras",
            path=source,
            size=self.keras.size,
            runtime=self.keras.runtime,
            batch_sizes=(1,),
            lengths=self.questions.lengths,
            max_difference=None,
            **self.questions.scores(ids),
            **percentiles(seconds),
        )

    def row(self, artifact: Artifact) -> Row:
        """What was found of an artifact."""
        expected, _ = self.keras.of(_options(artifact))
        rows = self.questions.rows_of(artifact)
        found = measure(artifact, artifact.id_signatures, rows, self.threads)
        ids = np.concatenate([output[IDS] for output in found.outputs])
        same = (ids == expected).all(axis=1)
        return Row(
            format=artifact.format,
            path=str(artifact.path),
            size=artifact.size,
            runtime=found.opened.runtime,
            load=1e3 * found.opened.load,
            memory=found.opened.memory,
            signatures=artifact.signatures,
            batch_sizes=(1,),
            lengths=self.questions.lengths,
            max_difference=None,
            agreement=float(same.mean()),
            equal_tokens=_equal_tokens(ids, expected, _end(artifact)),
            **self.questions.scores(ids, expected),
            **percentiles(found.seconds),
            problems=(
                *self._of_other_weights(artifact),
                *_others(artifact, same),
                *self._other_strings(artifact, expected),
            ),
        )

    def _of_other_weights(self, artifact: Artifact) -> list[str]:
        same = artifact.weights == self.keras.weights
        return [] if same else ["it was made from other weights than the bundle's"]

    def _other_strings(self, artifact: Artifact, expected: np.ndarray) -> list[str]:
        """Whether strings become what the ids of them become, where a signature takes some."""
        signature, texts = artifact.text_signature, self.questions.whole_texts
        if signature is None or not texts:
            return []
        calls = [{"text": [text]} for text in texts.values()]
        found = measure(artifact, [signature], calls, self.threads).outputs
        everything = self.questions.written(expected)
        wanted = [everything[row] for row in texts]
        others = sum(out["text"][0] != text for out, text in zip(found, wanted, strict=True))
        message = f"{signature.name} writes {others} of {len(texts)} texts otherwise than Keras"
        return [message] if others else []


@dataclasses.dataclass(frozen=True)
class _Keras:
    """What the Keras model wrote.

    Args:
        written: by options, as JSON.
        runtime: package and version.
        size: bytes of the weights.
        weights: their digest.
    """

    written: Mapping[str, _Written]
    runtime: str
    size: int
    weights: str

    def of(self, options: Mapping[str, Any]) -> _Written:
        """What it wrote with some options."""
        return self.written[_key(options)]


class _Written(NamedTuple):
    """Texts ``(rows, T)``, and seconds of each."""

    ids: np.ndarray
    seconds: list[float]


def _key(options: Mapping[str, Any]) -> str:
    return json.dumps(options, sort_keys=True)


def _options(artifact: Artifact) -> dict[str, Any]:
    """How an artifact writes: a loop around a file takes the likeliest token."""
    given = dict(artifact.options["generation"])
    if RUNTIMES[KNOWN_FORMATS[artifact.format].runtime].loops:
        given = {key: value for key, value in given.items() if key == "max_new_tokens"}
    return given


def _write_all(
    source: str,
    artifacts: Sequence[Artifact],
    options: Sequence[Mapping[str, Any]],
    rows: Rows,
    threads: int,
) -> _Keras:
    """What ``generate`` writes with each set of options; the child's part."""
    import tensorflow as tf

    from keras_bert_zoo.bundle import load
    from keras_bert_zoo.generation import generate

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    model: Any = load(source, dtype="float32").model
    check_kind(model.task, artifacts)

    def written(given: Mapping[str, Any]) -> _Written:
        def write(row: Any) -> Any:
            return generate(model, row, jit_compile=False, **given)

        texts: Any
        texts, seconds = timed(write, rows)
        return _Written(np.concatenate(texts), seconds)

    distinct = {_key(given): given for given in options}
    return _Keras(
        {key: written(given) for key, given in distinct.items()},
        f"keras {importlib.metadata.version('keras')}",
        sum(weight.numpy().nbytes for weight in model.weights),
        digest_of(model),
    )


def _end(artifact: Artifact) -> int:
    config = json.loads((artifact.path / GENERATION).read_text(encoding="utf-8"))
    return int(config["eos_token_id"])


def _others(artifact: Artifact, same: np.ndarray) -> list[str]:
    """Whether all texts are the same, in formats of which they must be."""
    if KNOWN_FORMATS[artifact.format].tolerance is None or same.all():
        return []
    return [f"{(~same).sum()} of {len(same)} texts are not those that Keras writes"]


def _equal_tokens(ids: np.ndarray, expected: np.ndarray, end: int) -> float:
    longest = np.maximum(_lengths(ids, end), _lengths(expected, end))
    within = np.arange(ids.shape[1]) < longest[:, None]
    return float((ids == expected)[within].mean())


def _lengths(ids: np.ndarray, end: int) -> np.ndarray:
    """Tokens of each text ``(rows, T)``, its end included."""
    ended = ids == end
    return np.where(ended.any(axis=1), ended.argmax(axis=1) + 1, ids.shape[1])

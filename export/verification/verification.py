"""Every artifact against Keras: the same real texts, each model in its own runtime."""

from __future__ import annotations

import dataclasses
import os
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .. import process
from ..artifact import Artifact
from ..conversion import as_directory
from ..errors import ExportError
from ..formats import WRITERS
from ..measurement import Opened, measure
from ..progress import Steps
from ..signature import BATCH
from ..writing.verification import WritingJudge
from .asked import Given, check_source
from .comparison import joined, largest_difference, percentiles, problems_of
from .otherwise import notes_of, spelling_tokens
from .reference import Case, Reference, all_cases, run_reference, single_texts, text_cases
from .report import Report, Row

if TYPE_CHECKING:
    from keras_bert_zoo.bundle import Bundle

# Texts in one request to a text signature.
_CHUNK = 32


def verify(
    source: str | pathlib.Path | Bundle,
    artifacts: Iterable[Artifact | str | pathlib.Path],
    examples: Given = None,
    *,
    threads: int | None = None,
    record: bool = True,
    progress: bool = True,
    **columns: Any,
) -> Report:
    """Re-runs artifacts in their own runtimes and compares them with the Keras model.

    Every text is run alone at its own length (or the artifact's, if that is fixed): from
    this come agreement, metric and latency. Where the format allows, batches of several
    texts and a second padded length are run too, and all outputs are compared.

    Args:
        source: the bundle that was exported, as ``bundle.load`` takes it, or in memory.
        artifacts: artifacts or their directories; checked against their manifests.
        examples: real texts or pairs of the kind the model is for; with labels the metric is
            computed too. For tasks whose answer is no class and no embedding: a file with the
            right answers as the task reads it, or a list of questions. For models that write some
            texts are at hand.
        threads: of each runtime; by default one per processor.
        record: whether the result is written into the manifest of each artifact.
        progress: whether to show it on the terminal.
        **columns: of ``tasks.task.Settings``, where such a file has what it holds; and ``limit``,
            how many examples are read.

    Returns:
        The report; whether everything passed is ``report.passed``.

    Raises:
        CorruptArtifact: an artifact is not what was exported.
        ExportError: there are no texts or no artifacts, labels for a model that has none, or an
            artifact of another kind of model.
        MissingRuntime: a runtime is not installed.
    """
    opened = [Artifact.load(a.path if isinstance(a, Artifact) else a) for a in artifacts]
    if not opened:
        raise ExportError("There are no artifacts to verify.")
    if isinstance(source, str | pathlib.Path):
        check_source(source, opened)
    threads = threads or os.cpu_count() or 1
    names = [f"verify {artifact.format}" for artifact in opened]
    with Steps(["run keras", *names], visible=progress) as steps:
        steps.start("run keras")
        judges = WritingJudge if opened[0].task in WRITERS else _Judge
        with as_directory(source) as directory:
            judge = judges(directory, examples, opened, columns, threads)
        rows = []
        for name, artifact in zip(names, opened, strict=True):
            steps.start(name)
            rows.append(judge.row(artifact))
    name = str(source) if isinstance(source, str | pathlib.Path) else "in memory"
    report = Report(judge.keras_row(name), tuple(rows), judge.count, judge.metric, threads)
    return _recorded(report, opened) if record else report


def _recorded(report: Report, artifacts: list[Artifact]) -> Report:
    """Writes each artifact's row into its manifest; notes where that cannot be done."""
    rows = []
    for artifact, row in zip(artifacts, report.rows, strict=True):
        try:
            artifact.record(report.record_of(row))
        except OSError as error:
            note = f"the result is not in the manifest: {error}"
            row = dataclasses.replace(row, notes=(*row.notes, note))
        rows.append(row)
    return dataclasses.replace(report, rows=tuple(rows))


class _Judge:
    """Compares artifacts with one run of the Keras model."""

    def __init__(
        self,
        source: str,
        given: Given,
        artifacts: Sequence[Artifact],
        columns: Mapping[str, Any],
        threads: int,
    ) -> None:
        request = (source, given, artifacts, columns, threads)
        self.reference: Reference = process.call(run_reference, *request)
        self.threads, self.subject = threads, self.reference.subject
        self.count, self.metric = self.subject.count, self.subject.metric

    def keras_row(self, source: str) -> Row:
        singles = single_texts(self.subject.count)
        return Row(
            format="keras",
            path=source,
            size=self.reference.size,
            runtime=self.reference.runtime,
            **self._sizes(self.reference.outputs),
            max_difference=0.0,
            **self.subject.scores(self._inputs(singles), self._keras(singles)),
            **percentiles([self.reference.seconds[case] for case in singles]),
        )

    def row(self, artifact: Artifact) -> Row:
        ids = self._ids(artifact) if artifact.id_signatures else None
        text = self._text(artifact)
        main = ids or text
        if main is None:
            raise ExportError(f"{artifact.path} takes single texts, and pairs were given.")
        inputs, keras = self._inputs(main.singles), self._keras(main.singles)
        return Row(
            format=artifact.format,
            path=str(artifact.path),
            size=artifact.size,
            runtime=main.opened.runtime,
            load=1e3 * main.opened.load,
            memory=main.opened.memory,
            signatures=artifact.signatures,
            **self._sizes(main.cases),
            max_difference=main.difference,
            text_difference=text and text.difference,
            agreement=self.subject.agreement(main.outputs, keras),
            cosine=self.subject.cosine(inputs, main.outputs, keras),
            **self.subject.scores(inputs, main.outputs, keras),
            **percentiles(main.seconds),
            problems=(
                *self._of_another_bundle(artifact),
                *(artifact.fidelity.problems if artifact.fidelity else ()),
                *(problem for run in (ids, text) if run for problem in run.problems),
            ),
            notes=(
                *notes_of(artifact, self.subject.strings(), inputs, self.reference.literals),
                *(artifact.fidelity.notes if artifact.fidelity else ()),
            ),
        )

    def _of_another_bundle(self, artifact: Artifact) -> list[str]:
        """Whether weights and labels are those of the bundle it is compared with."""
        labels, ours = artifact.config.labels, self.reference.config.labels
        checks = {
            "it was made from other weights than the bundle's": (
                artifact.weights == self.reference.weights
            ),
            f"its labels are {list(labels)}, the bundle's {list(ours)}": labels == ours,
        }
        return [problem for problem, right in checks.items() if not right]

    def _ids(self, artifact: Artifact) -> _Run:
        """All cases as ids; the single texts come first."""
        count, signatures = self.subject.count, artifact.id_signatures
        cases = all_cases(signatures, count)
        inputs = self._inputs(cases)
        measured = measure(artifact, signatures, inputs, self.threads)
        expected = self.subject.expected_of_ids(artifact, inputs, self._keras(cases))
        difference = largest_difference(measured.outputs, expected)
        return _Run(
            measured.opened,
            cases,
            cases[:count],
            measured.outputs[:count],
            measured.seconds[:count],
            difference,
            problems_of(artifact.format, signatures, inputs, measured, difference),
        )

    def _text(self, artifact: Artifact) -> _Run | None:
        """The same texts as strings, where a signature takes such."""
        given = self.subject.strings()
        fitting = [s for s in artifact.signatures if {i.name for i in s.inputs} == set(given)]
        if not fitting or not all(given.values()):
            return None
        signature, cases = fitting[-1], text_cases(artifact, self.subject.count)
        # Texts of a call are padded to the longest: where that shows, one by one as for Keras.
        apart = self.reference.config.choices.sees_padding
        step = signature.size(BATCH) or (1 if apart else _CHUNK)
        count = len(next(iter(given.values())))
        inputs = [
            {name: column[start : start + step] for name, column in given.items()}
            for start in range(0, count, step)
        ]
        measured = measure(artifact, [signature], inputs, self.threads)
        outputs = {k: joined([o[k] for o in measured.outputs]) for k in measured.outputs[0]}
        known, made = self._inputs(cases), self._keras(cases)
        expected = self.subject.expected_of_text(known, made)
        # Other tokens, other numbers: those of these texts count in agreement and metric alone.
        others = spelling_tokens(artifact, given, self.reference.literals)
        numbers = {k: np.delete(outputs[k], others, axis=0) for k in expected if k in outputs}
        wanted = {name: np.delete(values, others, axis=0) for name, values in expected.items()}
        difference = largest_difference([numbers], [wanted])
        problems = problems_of(artifact.format, [signature], inputs, measured, difference)
        problems += self.subject.wrong_strings(outputs, made)
        alone = [{k: v[row : row + 1] for k, v in outputs.items()} for row in range(count)]
        return _Run(measured.opened, cases, cases, alone, measured.seconds, difference, problems)

    def _inputs(self, cases: Iterable[Case]) -> list[dict[str, np.ndarray]]:
        return [self.reference.inputs[case] for case in cases]

    def _keras(self, cases: Iterable[Case]) -> list[dict[str, np.ndarray]]:
        return [self.reference.outputs[case] for case in cases]

    def _sizes(self, cases: Iterable[Case]) -> dict[str, Any]:
        shapes = [self.reference.inputs[case]["input_ids"].shape for case in cases]
        batches, lengths = (tuple(sorted(set(sizes))) for sizes in zip(*shapes, strict=True))
        return {"batch_sizes": batches, "lengths": lengths}


class _Run(NamedTuple):
    """What came out of one way to call an artifact.

    Attributes:
        opened: the model in its runtime.
        cases: what was run.
        singles: those of them that are single texts.
        outputs: for the single texts.
        seconds: for the single texts.
        difference: the largest to Keras.
        problems: what is wrong.
    """

    opened: Opened
    cases: list[Case]
    singles: list[Case]
    outputs: list[Any]
    seconds: list[float]
    difference: float
    problems: list[str]

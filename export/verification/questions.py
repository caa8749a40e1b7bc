"""What a task is asked: rows of ids, of whose outputs the task makes answers."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..runner import padded, widened
from ..signature import Signature
from .metrics import Judged, scores_between
from .texts import Arrays, Encode

if TYPE_CHECKING:
    from keras_bert_zoo.bundle import Bundle

    from ..artifact import Artifact
    from .asked import Asked
    from .reference import Case

Runner = Callable[[Arrays], Arrays]


class Questions:
    """What a task is asked: rows of ids, of whose outputs the task makes answers.

    Args:
        asked: the task, and what was read.
        bundle: with the graph that is exported.
        run: runs one row through that graph.
    """

    def __init__(self, asked: Asked, bundle: Bundle, run: Any) -> None:
        self.task, self.examples, labelled = asked
        self.config = bundle.config
        self.kind, self.labels = bundle.model.task, bundle.config.labels
        self.metric = self.task.monitored(self.labels) if labelled else None
        self.rows = self.task.rows(self.examples, bundle.tokenizer, self.labels)
        outputs = Signature.of(bundle.model).outputs
        self.of_tokens = {spec.name for spec in outputs if spec.of_tokens}
        self.inputs: list[Arrays] = []

        def recorded(row: Arrays) -> Arrays:
            self.inputs.append(row)
            return run(row)

        self._answered(recorded)
        self.count = len(self.inputs)

    def encoder(self, bundle: Bundle) -> Encode:
        """Pads the rows of cases."""
        limit, pad = bundle.config.max_tokens, bundle.config.pad_token_id

        def encode(case: Case) -> dict[str, np.ndarray]:
            rows = [self.inputs[row] for row in case.rows]
            width = max(row["input_ids"].shape[1] for row in rows)
            wide = [padded(row, width, pad) for row in rows]
            joined = {name: np.concatenate([row[name] for row in wide]) for name in rows[0]}
            lengths = [min(length, limit) for length in case.lengths or ()]
            return widened(joined, lengths, pad)

        return encode

    def expected_of_ids(
        self, artifact: Artifact, inputs: Sequence[Arrays], keras: Sequence[Arrays]
    ) -> list[Arrays]:
        """Keras' own outputs."""
        return list(keras)

    def strings(self) -> dict[str, list[Any]]:
        """The same questions for a signature that takes strings; tasks of your own have none."""
        if not self._signatures:
            return {}
        given, whole = self._signature.given(self.examples), self._whole(self._signature)
        return {name: list(itertools.compress(column, whole)) for name, column in given.items()}

    def expected_of_text(
        self, inputs: Sequence[Arrays], keras: Sequence[Arrays]
    ) -> dict[str, np.ndarray]:
        """The numbers that such a signature should return."""
        found = self._expected(keras)
        return {name: values for name, values in found.items() if values.dtype != object}

    def wrong_strings(self, outputs: Arrays, keras: Sequence[Arrays]) -> list[str]:
        """What is wrong with the strings that it returned."""
        found = self._expected(keras)
        others = [
            name
            for name, values in found.items()
            if values.dtype == object and not np.array_equal(values, outputs[name])
        ]
        return [f"texts get other {others} than from the Keras model"] if others else []

    @property
    def _signatures(self) -> tuple[Any, ...]:
        from ..savedmodel.task_signatures import SIGNATURES

        return SIGNATURES.get(str(self.kind), ())

    @property
    def _signature(self) -> Any:
        """That which answers most of the questions as the task does."""
        return max(self._signatures, key=lambda each: self._whole(each).sum())

    def _whole(self, signature: Any) -> np.ndarray:
        return signature.whole(self.examples, self.rows)

    def _expected(self, keras: Sequence[Arrays]) -> dict[str, np.ndarray]:
        answers = itertools.compress(self._answers(keras), self._whole(self._signature))
        return self._signature.arrays(list(answers))

    def agreement(self, ours: Sequence[Arrays], keras: Sequence[Arrays]) -> float:
        """Share of the questions with the same answer."""
        pairs = zip(self._decisions(ours), self._decisions(keras), strict=True)
        return float(np.mean([mine == theirs for mine, theirs in pairs]))

    def cosine(self, *_: Any) -> None:
        """None: the answers are what is compared."""

    def scores(
        self,
        inputs: Sequence[Arrays],
        ours: Sequence[Arrays],
        keras: Sequence[Arrays] | None = None,
    ) -> dict[str, Any]:
        """The fields of a report's row that need labels."""
        if self.metric is None:
            return {}
        before = None if keras is None else self._score(keras)
        return scores_between(self._score(ours), before)._asdict()

    def _score(self, made: Sequence[Arrays]) -> Judged:
        """The metric, and what it is the ratio of."""
        judged = self.examples, self.rows, self._answered(_replay(made)), self.labels
        # Of a file without entities there is no F1.
        metric = self.task.score(*judged).get(str(self.metric), float("nan"))
        return metric, self.task.tally(*judged)

    def _decisions(self, made: Sequence[Arrays]) -> list[Any]:
        return [self.task.decision(answer) for answer in self._answers(made)]

    def _answers(self, made: Sequence[Arrays]) -> list[dict[str, Any]]:
        outputs = self._answered(_replay(made))
        return self.task.answers(self.examples, self.rows, outputs, self.labels)

    def _answered(self, run: Runner) -> dict[str, np.ndarray]:
        """Outputs of the task, its rows run one by one and always in the same order."""
        from keras_bert_zoo.evaluation.prediction import outputs_of

        from ..graphs import asked

        # Signatures pad the choices of a question to the longest: where that shows, here too.
        together = self.rows.members if self.config.choices.sees_padding else 1
        return outputs_of(
            asked(self.kind, self.config, _one_by_one(run, self.of_tokens, together)),
            self.rows,
            max_length=self.task.settings.max_length,
            sequences=self.task.sequences,
        )


def _replay(made: Sequence[Arrays]) -> Runner:
    """Outputs that were made before, in the order of the rows."""
    remaining = iter(made)
    return lambda row: next(remaining)


def _one_by_one(run: Runner, of_tokens: Collection[str], together: int) -> Runner:
    """Runs the rows of a batch apart, each as long as the longest of so many ``together``."""

    def run_all(inputs: Arrays) -> Arrays:
        width = inputs["input_ids"].shape[1]
        parts: dict[int, dict[str, np.ndarray]] = {}
        counts = inputs["attention_mask"].sum(axis=1)
        longest = counts.reshape(-1, together).max(axis=1).repeat(together)
        # A row without tokens is a choice that a question has not: nobody reads its number.
        for row in np.flatnonzero(counts).tolist():
            tokens = longest[row]
            outputs = run({name: value[row : row + 1, :tokens] for name, value in inputs.items()})
            parts[row] = {
                name: _fitted(value, tokens, width) if name in of_tokens else value
                for name, value in outputs.items()
            }
        blank = {name: np.zeros_like(value) for name, value in next(iter(parts.values())).items()}
        rows = [parts.get(row, blank) for row in range(len(counts))]
        return {name: np.concatenate([each[name] for each in rows]) for name in blank}

    return run_all


def _fitted(values: np.ndarray, tokens: int, width: int) -> np.ndarray:
    """What belongs to the tokens ``(1, S, …)``, filled up with zeros."""
    missing = [(0, 0), (0, width - tokens), *[(0, 0)] * (values.ndim - 2)]
    return np.pad(values[:, :tokens], missing)

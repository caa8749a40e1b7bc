"""How good a TFLite file is on the user's texts. TensorFlow only."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_bert_zoo.data.examples import Examples
from keras_bert_zoo.evaluation.classification import score

from ..encoding import encoded
from ..runner import padded
from ..scoring import mean_of_tokens, problem_of


class Quality:
    """Runs texts through files and scores the answers.

    Args:
        bundle: the model, with a tokenizer.
        examples: texts; with labels for a model that has some.
        lengths: of the files, or ``None``.

    Attributes:
        name: of the score: that of the problem, or ``"cosine"`` for an encoder.
        best: the score of Keras' own outputs.
    """

    def __init__(self, bundle: Any, examples: Examples, lengths: Sequence[int] | None) -> None:
        self.config, self.labels = bundle.config, examples.labels
        self.problem = problem_of(bundle.config) if examples.labels is not None else None
        self.name = self.problem.metric if self.problem else "cosine"
        rows = encoded(bundle, examples, max(lengths) if lengths else None)
        self.inputs = [_fitted(row, lengths, bundle.tokenizer.pad_token_id) for row in rows]
        # Of equal length one after the other: an open length is prepared anew for each.
        self.order = np.argsort([i["input_ids"].shape[1] for i in self.inputs], kind="stable")
        self.main = next(iter(bundle.model.output))
        self.expected = self._vectors(
            [bundle.model(inputs, training=False)[self.main] for inputs in self.inputs]
        )
        self.best = self.score(self.expected)

    def run(
        self, content: bytes, threads: int, count: int | None = None
    ) -> tuple[np.ndarray, list[float]]:
        """Runs all texts, or the first ``count``, one by one.

        Returns:
            One vector for each text, and the seconds each took.
        """
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(model_content=content, num_threads=threads)
        runners = _runners(interpreter)
        outputs, seconds, planned = {}, [], 0
        for row in [row for row in self.order if count is None or row < count]:
            inputs = self.inputs[row]
            width = inputs["input_ids"].shape[1]
            run = runners.get(width, runners[None])
            if width != planned:  # memory is planned when a length is new
                run(**inputs)
                planned = width
            start = time.perf_counter()
            outputs[row] = run(**inputs)[self.main]
            seconds.append(time.perf_counter() - start)
        return self._vectors([outputs[row] for row in sorted(outputs)]), seconds

    def _vectors(self, outputs: Sequence[Any]) -> np.ndarray:
        arrays = [np.asarray(output) for output in outputs]
        if self.main != "last_hidden_state":
            return np.concatenate(arrays)
        pairs = zip(self.inputs, arrays, strict=False)
        return np.concatenate([mean_of_tokens(inputs, hidden) for inputs, hidden in pairs])

    def score(self, vectors: np.ndarray) -> float:
        """The score of all texts, or the mean cosine to Keras' vectors."""
        if self.problem is not None:
            return score(str(self.config.problem_type), self.labels, vectors)[self.problem.metric]
        norms = np.linalg.norm(vectors, axis=1) * np.linalg.norm(self.expected, axis=1)
        return float((np.sum(vectors * self.expected, axis=1) / norms).mean())

    def distance(self, vectors: np.ndarray, reference: np.ndarray) -> float:
        """Root of the mean squared difference, in standard deviations of the reference."""
        return float(np.sqrt(np.mean(np.square(vectors - reference))) / reference.std())


def _fitted(
    row: dict[str, np.ndarray], lengths: Sequence[int] | None, pad_token_id: int
) -> dict[str, np.ndarray]:
    """A row of ids padded to the shortest length that holds it."""
    tokens = row["input_ids"].shape[1]
    width = min((n for n in lengths or () if n >= tokens), default=tokens)
    return padded(row, width, pad_token_id)


def _runners(interpreter: Any) -> dict[int | None, Any]:
    """The signature of each length; of an open one, or a single one, under ``None``."""
    names = interpreter.get_signature_list()
    runners = {name: interpreter.get_signature_runner(name) for name in names}
    by_length: dict[int | None, Any] = {
        int(r.get_input_details()["input_ids"]["shape"][1]): r for r in runners.values()
    }
    return {**by_length, None: next(iter(runners.values()))}

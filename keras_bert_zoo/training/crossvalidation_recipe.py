"""What a cross-validation is, as typed values; loads no TensorFlow."""

from __future__ import annotations

import dataclasses
import pathlib
from typing import Any

from keras_bert_zoo.training.recipe import FinetuneRecipe


@dataclasses.dataclass(frozen=True, kw_only=True)
class CrossvalidationRecipe(FinetuneRecipe):
    """One fine-tuning run for each fold or seed, with the keys of ``FinetuneRecipe``.

    Args:
        folds: parts of the training examples, each of which validates one run.
        seeds: of one run each, on the same data.
        output: directory; each run has its own in it, and metrics.json has what all of them
            say together.

    Raises:
        ConfigError: values are out of range or contradict each other; all are named.
    """

    folds: int | None = None
    seeds: list[int] | None = None

    def _contradictions(self) -> list[tuple[bool, str]]:
        given = {"folds": self.folds, "seeds": self.seeds}
        seeds = [1, 2] if self.seeds is None else self.seeds
        folds = 2 if self.folds is None else self.folds
        return [
            *super()._contradictions(),
            (
                None not in given.values(),
                f"folds and seeds exclude each other, leave one out: {given}",
            ),
            (
                self.folds is None and self.seeds is None,
                "give folds, e.g. 5, or seeds, e.g. [1, 2, 3]",
            ),
            (folds < 2, f"folds must be at least 2: {folds}"),
            (
                len(set(seeds)) != len(seeds) or len(seeds) < 2,
                f"seeds must be two numbers or more, all different: {seeds}",
            ),
            (self.fold is not None, "fold is for a single run: leave it out"),
            (bool(self.folds and self.validation), "folds validate: leave validation out"),
        ]

    @property
    def validates(self) -> bool:
        """Whether the runs have validation examples."""
        return self.folds is not None or super().validates

    def members(self) -> dict[str, FinetuneRecipe]:
        """The runs, by the names of their directories."""
        folds = range(1, (self.folds or 0) + 1)
        changes: dict[str, dict[str, Any]] = {
            **{f"fold_{number}": {"fold": [number, self.folds]} for number in folds},
            **{f"seed_{seed}": {"seed": seed} for seed in self.seeds or ()},
        }
        fields = [field.name for field in dataclasses.fields(FinetuneRecipe)]
        shared = {name: getattr(self, name) for name in fields}
        output = pathlib.Path(self.output)
        return {
            name: FinetuneRecipe(**{**shared, **change, "output": str(output / name)})
            for name, change in changes.items()
        }

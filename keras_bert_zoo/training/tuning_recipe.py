"""What a search for a recipe is, as typed values; loads no TensorFlow."""

from __future__ import annotations

import dataclasses
import pathlib
from typing import Any

from keras_bert_zoo.data.spelling import spelling_hint
from keras_bert_zoo.training.recipe import FinetuneRecipe

_RANGE = {"min", "max", "sampling"}
_SAMPLINGS = ("linear", "log")
# What the names of a task's options begin with.
_OPTION = "options."


@dataclasses.dataclass(frozen=True, kw_only=True)
class TuningRecipe(FinetuneRecipe):
    """A search among recipes, with the keys of ``FinetuneRecipe`` for what stays the same.

    Args:
        search: field of the recipe, or ``options.`` and one of the task's: a list of values,
            whatever they are, or ``{min: …, max: …, sampling: log}`` with whole numbers or
            others; ``sampling`` is ``linear`` by default.
        trials: recipes that are run.
        output: directory; each trial has its own in it, and ``best.yaml`` is the best recipe.

    Raises:
        ConfigError: values are out of range or contradict each other; all are named.
    """

    search: dict[str, Any]
    trials: int = 10

    def _contradictions(self) -> list[tuple[bool, str]]:
        fields = {field.name for field in dataclasses.fields(FinetuneRecipe)} - {"output"}
        unknown = sorted(
            name for name in self.search if name not in fields and not name.startswith(_OPTION)
        )
        odd = {name: space for name, space in self.search.items() if not _is_space(space)}
        return [
            *super()._contradictions(),
            (self.trials < 1, f"trials must be at least 1: {self.trials}"),
            (not self.search, "search must name at least one field of the recipe"),
            (
                bool(unknown),
                f"search has {unknown}, which are no fields of a recipe."
                f"{spelling_hint(self.search, fields)}",
            ),
            (
                bool(odd),
                f"search takes lists, or min, max and sampling ({_SAMPLINGS}), received {odd}",
            ),
            (not self.validates, "a search needs validation data, or a fold"),
            (self.monitor is None, "a search needs monitor, e.g. val_accuracy"),
        ]

    def trial(self, name: str, chosen: dict[str, Any]) -> FinetuneRecipe:
        """The recipe of one trial.

        Raises:
            ConfigError: the values chosen contradict each other.
        """
        shared = {f.name: getattr(self, f.name) for f in dataclasses.fields(FinetuneRecipe)}
        options = dict(chosen.get("options", self.options))
        fields: dict[str, Any] = {}
        for key, value in chosen.items():
            owner = options if key.startswith(_OPTION) else fields
            owner[key.removeprefix(_OPTION)] = value
        output = str(pathlib.Path(self.output, name))
        return FinetuneRecipe(**{**shared, **fields, "options": options, "output": output})


def _is_space(space: Any) -> bool:
    if isinstance(space, list):
        return len(space) > 0
    if not isinstance(space, dict) or not {"min", "max"} <= space.keys() <= _RANGE:
        return False
    low, high = space["min"], space["max"]
    numbers = all(isinstance(each, int | float) for each in (low, high))
    sampling = space.get("sampling", "linear")
    return numbers and low < high and sampling in _SAMPLINGS and (sampling != "log" or low > 0)

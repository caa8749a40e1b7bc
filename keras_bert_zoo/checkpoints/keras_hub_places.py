"""How an architecture of keras-hub is described: sizes, places of variables, heads."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from keras_bert_zoo.checkpoints.tensors import CheckpointError
from keras_bert_zoo.config import ConfigError, EncoderConfig
from keras_bert_zoo.families import family

# Files of weights, by what they hold.
BACKBONE, TASK = "model", "task"
# A file numbers the variables of a layer.
_NUMBERS = {"": 0, "kernel": 0, "bias": 1, "gamma": 0, "beta": 1}
# What a field means, where it may be left open or is said in more than one way.
_MEANT = {
    "max_position_embeddings": "max_tokens",
    "embedding_size": "table_width",
    "num_hidden_groups": "groups",
    "pos_att_type": "kinds",
}
POSITIONS, SEGMENTS = "embeddings/position_embeddings", "embeddings/token_type_embeddings"


class Address(NamedTuple):
    """Where keras-hub keeps a variable.

    Args:
        live: its path in a model.
        stored: its file and its path there.
    """

    live: str
    stored: str


@dataclasses.dataclass(frozen=True)
class Place:
    """One variable, or the variables of one layer.

    Args:
        ours: our path of the variable, or of the layer with a slash at its end.
        live: the same in a model of keras-hub.
        layer: the layer in a file of weights, which counts layers of a class.
        file: the file.
    """

    ours: str
    live: str
    layer: str
    file: str = BACKBONE

    def of_block(self, index: int) -> Place:
        """The place in one block. A file gives the first of a class no number."""
        count = f"_{index}" if index else ""
        ours, live = self.ours.format(index=index), self.live.format(index=index)
        return Place(ours, live, self.layer.format(count=count), self.file)

    def address(self, path: str) -> Address:
        """Where a variable of ours, at this place, is kept."""
        leaf = path.removeprefix(self.ours)
        stored = f"{self.file}/layers/{self.layer}/vars/{_NUMBERS[leaf]}"
        return Address(self.live + leaf, stored)


@dataclasses.dataclass(frozen=True)
class Spare:
    """Variables of keras-hub's that ours lacks: unread, and zeros where they are written.

    Args:
        live: pattern of their paths in a model.
        stored: of those in a file.
        reason: what they are.
    """

    live: str
    stored: str
    reason: str


@dataclasses.dataclass(frozen=True)
class Preset:
    """One architecture of keras-hub.

    Args:
        model_type: ours.
        prefix: what the names of its classes begin with.
        places: of its variables, heads included. Where the only row of segments is at the place
            of positions, it is added to each of these.
        sizes: keys of our config, and the argument of the backbone for each.
        fixed: what keras-hub's code does not let a config state.
        heads: kinds of task models, and our task for each.
        unlike: further kinds, and why no model of ours computes what they do.
        alone: arguments of the backbone that ours computes with these values alone.
        dropout: key of our config for a classifier's argument of that name.
        spare: variables that ours lacks.
    """

    model_type: str
    prefix: str
    places: tuple[Place, ...]
    sizes: Mapping[str, str]
    fixed: Mapping[str, Any]
    heads: Mapping[str, str]
    unlike: Mapping[str, str] = dataclasses.field(default_factory=dict)
    alone: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    dropout: str = "classifier_dropout"
    spare: tuple[Spare, ...] = ()

    @property
    def has_pooler(self) -> bool:
        """Whether a backbone has a pooler that ours has too."""
        return any(place.ours == "pooler/dense/" for place in self.places)

    @property
    def adds_segment(self) -> bool:
        """Whether positions hold the only row of segments."""
        live = {place.ours: place.live for place in self.places}
        return SEGMENTS in live and live[SEGMENTS] == live[POSITIONS]

    @property
    def offset(self) -> int:
        """Rows of our position table before that of the first token, which theirs lacks."""
        counts = family(self.model_type).counts_tokens
        return self.fixed["pad_token_id"] + 1 if counts else 0

    def config(self, arguments: Mapping[str, Any], **further: Any) -> EncoderConfig:
        """Returns the config of a backbone with these arguments.

        Args:
            arguments: of the backbone, by their names.
            **further: keys of ours that a head adds.

        Raises:
            ConfigError: one is missing or not what ours can do, or they contradict each other.
        """
        if missing := sorted(name for name in self.sizes.values() if arguments.get(name) is None):
            raise ConfigError(f"{self.prefix}Backbone lacks {missing}")
        for name, value in self.alone.items():
            if arguments.get(name, value) != value:
                raise ConfigError(f"{name} must be {value}, received {arguments[name]!r}")
        values = {ours: arguments[theirs] for ours, theirs in self.sizes.items()}
        if isinstance(values["max_position_embeddings"], int):  # else refused as what it is
            values["max_position_embeddings"] += self.offset
        values["attention_probs_dropout_prob"] = values["hidden_dropout_prob"]
        values["model_type"] = self.model_type
        return EncoderConfig.from_dict({**values, **self.fixed, **further})

    def arguments(self, config: EncoderConfig) -> dict[str, Any]:
        """The arguments of a backbone, by their names."""
        return {theirs: meant(config, ours) for ours, theirs in self.sizes.items()}

    def as_theirs(self, ours: Mapping[str, Any]) -> dict[str, Any]:
        """What is written of variables of ours, by our paths: as positions begin there.

        A pooler that theirs lacks is left out.
        """
        kept = {
            path: values
            for path, values in ours.items()
            if self.has_pooler or not path.startswith("pooler/")
        }
        if self.adds_segment:
            kept[POSITIONS] = kept[POSITIONS][self.offset :] + kept.pop(SEGMENTS)[0]
        return kept

    def as_ours(self, path: str, theirs: np.ndarray) -> np.ndarray:
        """The values of a variable of ours, by its path, that theirs become."""
        if path == SEGMENTS and self.adds_segment:
            return np.zeros_like(theirs[:1])
        return np.pad(theirs, ((self.offset, 0), (0, 0))) if path == POSITIONS else theirs

    def addresses(self, paths: Iterable[str], config: EncoderConfig) -> dict[str, Address]:
        """Returns where keras-hub keeps variables, by our paths.

        Raises:
            CheckpointError: there is no place for some; the message lists all of them.
        """
        places = {place.ours: place for place in self._expanded(config.groups)}
        found = {path: places.get(path) or places.get(_folder(path)) for path in paths}
        if odd := sorted(path for path, place in found.items() if place is None):
            raise CheckpointError(f"keras-hub's {self.prefix} has no place for {odd}.")
        return {path: place.address(path) for path, place in found.items() if place}

    def _expanded(self, blocks: int) -> Iterator[Place]:
        for place in self.places:
            for index in range(blocks if "{index}" in place.ours else 1):
                yield place.of_block(index)

    def why_spare(self, name: str) -> str | None:
        """Says what a variable of theirs is, by either of its names, that ours lacks."""
        found = (each for each in self.spare if re.fullmatch(f"{each.live}|{each.stored}", name))
        return next((each.reason for each in found), None)


def meant(config: EncoderConfig, key: str) -> Any:
    """What a config says by a key of its own or of its family's."""
    name = _MEANT.get(key, key)
    return getattr(config if hasattr(config, name) else config.choices, name)


def _folder(path: str) -> str:
    return path[: path.rfind("/") + 1]

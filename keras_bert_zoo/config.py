"""The description of an encoder, with the keys of Hugging Face's ``config.json``."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from collections.abc import Mapping
from typing import Any

# Upper bounds refuse an absurd file before anything is allocated for it. They are
# several times the largest published encoder of the family.
_LIMITS = {
    "vocab_size": 10_000_000,
    "hidden_size": 65_536,
    "num_hidden_layers": 1_024,
    "num_attention_heads": 1_024,
    "intermediate_size": 1_048_576,
    "max_position_embeddings": 1_048_576,
    "type_vocab_size": 65_536,
}
_PROBABILITIES = ("hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout")
POSITION_EMBEDDING_TYPES = ("absolute", "sinusoidal")
PROBLEM_TYPES = (
    "single_label_classification",
    "multi_label_classification",
    "regression",
)


class ConfigError(ValueError):
    """A configuration that is incomplete or contradicts itself."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class EncoderConfig:
    """Sizes and choices of one encoder; every field is a key of ``config.json``.

    Keys this project does not know are kept in ``extra`` and written back, so a
    file that was read and saved loses nothing.

    Args:
        vocab_size: rows of the word-embedding table.
        hidden_size: width of the hidden states; a multiple of ``num_attention_heads``.
        num_hidden_layers: Transformer blocks.
        num_attention_heads: attention heads of each block.
        intermediate_size: width of the feed-forward layer.
        max_position_embeddings: the longest sequence, in tokens.
        type_vocab_size: number of segments (``token_type_ids`` below it).
        model_type: architecture; ``"bert"``.
        hidden_act: activation of the feed-forward layer, see ``layers.activations``.
        hidden_dropout_prob: dropout after embeddings and each sub-layer.
        attention_probs_dropout_prob: dropout of the attention probabilities.
        classifier_dropout: dropout before a task head; ``None`` means
            ``hidden_dropout_prob``.
        initializer_range: standard deviation of the truncated normal initialiser.
        layer_norm_eps: epsilon inside the square root of layer normalisation.
        pad_token_id: id of ``[PAD]``.
        position_embedding_type: ``"absolute"`` (learned, BERT) or ``"sinusoidal"``
            (fixed, Vaswani et al. 2017, section 3.5).
        id2label: class index to class name, for task heads.
        problem_type: one of ``PROBLEM_TYPES`` for sequence classification, or ``None``.
        extra: every other key of the file, kept as it was.

    Raises:
        ConfigError: a size is not a positive integer, is beyond any published model,
            or two fields contradict each other.
    """

    vocab_size: int
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    max_position_embeddings: int
    type_vocab_size: int = 2
    model_type: str = "bert"
    hidden_act: str = "gelu"
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.1
    classifier_dropout: float | None = None
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-12
    pad_token_id: int = 0
    position_embedding_type: str = "absolute"
    id2label: Mapping[int, str] | None = None
    problem_type: str | None = None
    extra: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuses sizes that cannot be built, all complaints in one error."""
        problems = [*self._size_problems(), *self._choice_problems()]
        if problems:
            raise ConfigError("The encoder configuration cannot be built: " + "; ".join(problems))

    def _size_problems(self) -> list[str]:
        problems = []
        for key, limit in _LIMITS.items():
            value = getattr(self, key)
            if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= limit:
                problems.append(f"{key} must be an integer from 1 to {limit}, received {value!r}")
        for key in _PROBABILITIES:
            value = getattr(self, key)
            if value is not None and not (_is_number(value) and 0 <= value < 1):
                problems.append(f"{key} must be in [0, 1), received {value!r}")
        for key in ("layer_norm_eps", "initializer_range"):
            value = getattr(self, key)
            if not (_is_number(value) and value > 0):
                problems.append(f"{key} must be a positive number, received {value!r}")
        return problems

    def _choice_problems(self) -> list[str]:
        problems = []
        sizes = (self.hidden_size, self.num_attention_heads)
        if all(isinstance(size, int) and size > 0 for size in sizes) and sizes[0] % sizes[1]:
            problems.append(
                f"hidden_size ({sizes[0]}) must be a multiple of num_attention_heads ({sizes[1]})"
            )
        if isinstance(self.vocab_size, int) and not (
            isinstance(self.pad_token_id, int) and 0 <= self.pad_token_id < self.vocab_size
        ):
            problems.append(
                f"pad_token_id must be in [0, vocab_size={self.vocab_size}), "
                f"received {self.pad_token_id!r}"
            )
        choices = {
            "position_embedding_type": POSITION_EMBEDDING_TYPES,
            "problem_type": (None, *PROBLEM_TYPES),
        }
        for key, valid in choices.items():
            if getattr(self, key) not in valid:
                problems.append(f"{key} must be one of {valid}, received {getattr(self, key)!r}")
        if self.id2label is not None and sorted(self.id2label) != list(range(len(self.id2label))):
            problems.append(f"id2label must number the classes from 0, received {self.id2label!r}")
        return problems

    @property
    def head_size(self) -> int:
        """Width of one attention head."""
        return self.hidden_size // self.num_attention_heads

    @property
    def num_labels(self) -> int | None:
        """Number of classes, or ``None`` when the config names none."""
        return None if self.id2label is None else len(self.id2label)

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names in the order of their index; empty when the config names none."""
        return tuple(self.id2label[i] for i in range(len(self.id2label))) if self.id2label else ()

    def replace(self, **changes: Any) -> EncoderConfig:
        """Returns a copy with some fields changed."""
        return dataclasses.replace(self, **changes)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> EncoderConfig:
        """Builds a config from the content of a ``config.json``.

        Raises:
            ConfigError: keys without which no encoder can be built are missing (all are
                listed), or the values contradict each other.
        """
        fields = {field.name: field for field in dataclasses.fields(cls) if field.name != "extra"}
        missing = [
            name
            for name, field in fields.items()
            if field.default is dataclasses.MISSING and name not in values
        ]
        if missing:
            raise ConfigError(
                f"The configuration lacks {missing}. Received the keys {sorted(values)}. "
                "Is this the config.json of an encoder?"
            )
        known = {name: values[name] for name in fields if name in values}
        extra = {name: value for name, value in values.items() if name not in fields}
        known["id2label"] = _labels_from(known.get("id2label"), extra)
        # transformers writes `null` for a choice that was left open.
        known = {k: v for k, v in known.items() if v is not None or fields[k].default is None}
        return cls(**known, extra=extra)

    def to_dict(self) -> dict[str, Any]:
        """Returns the content of ``config.json``: known keys, then the kept ones."""
        values = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.name not in ("extra", "id2label")
        }
        if self.id2label is not None:
            values["id2label"] = {str(index): name for index, name in self.id2label.items()}
            values["label2id"] = {name: index for index, name in self.id2label.items()}
        kept = {name: value for name, value in self.extra.items() if name not in values}
        return {**values, **kept}

    @classmethod
    def from_file(cls, path: str | pathlib.Path) -> EncoderConfig:
        """Reads a ``config.json``.

        Raises:
            FileNotFoundError: there is no such file.
            ConfigError: the file is not a JSON object, or see ``from_dict``.
        """
        path = pathlib.Path(path)
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ConfigError(f"{path} is not valid JSON: {error}") from error
        if not isinstance(values, dict):
            raise ConfigError(f"{path} must hold a JSON object, received {type(values).__name__}")
        try:
            return cls.from_dict(values)
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from error


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _labels_from(id2label: Any, extra: dict[str, Any]) -> dict[int, str] | None:
    """Normalises the three ways in which files state their classes."""
    extra.pop("label2id", None)
    count = extra.pop("num_labels", None)
    if id2label:
        try:
            return {int(index): str(name) for index, name in dict(id2label).items()}
        except (TypeError, ValueError) as error:
            raise ConfigError(f"id2label must map indices to names: {id2label!r}") from error
    return {index: f"LABEL_{index}" for index in range(count)} if count else None

"""The description of an encoder, with the keys of Hugging Face's ``config.json``."""

from __future__ import annotations

import dataclasses
import pathlib
import reprlib
from collections.abc import Callable, Mapping
from typing import Any

from keras_bert_zoo.families import family
from keras_bert_zoo.foreign import read_json
from keras_bert_zoo.rules import (
    INTEGER,
    PART,
    POSITIVE,
    TEXT,
    Rule,
    at_most,
    choice,
    is_integer,
    or_none,
    problems_of,
    size,
)

# Upper bounds refuse an absurd file before anything is allocated for it. They are
# several times the largest published encoders (XLM-R XXL has 10.7 billion parameters).
_MAX_PARAMETERS = 100_000_000_000
MAX_LABELS = 200_000
# Each layer of a group is built, with the weights of one: ALBERT has up to 24.
_MOST_SHARED = 64
# Sinusoidal positions are computed, whatever the file of weights holds: 256 MB in float32.
_MAX_COMPUTED = 2**26
MAX_SIZES = {
    "vocab_size": 10_000_000,
    "hidden_size": 65_536,
    "num_hidden_layers": 1_024,
    "num_attention_heads": 1_024,
    "intermediate_size": 1_048_576,
    "max_position_embeddings": 1_048_576,
}
_MAX_SEGMENTS = 65_536
_MAX_BUCKETS = 65_536
# Names of activations; `layers.activations` holds the functions.
HIDDEN_ACTS = ("gelu", "gelu_new", "gelu_pytorch_tanh", "relu", "silu", "swish", "tanh")
# Names of poolings as sentence-transformers gives them; `layers.pooling` holds the functions.
POOLINGS = ("cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean")
POSITION_EMBEDDING_TYPES = ("absolute", "sinusoidal", "halved_sinusoidal")
# A label that says nothing, as `transformers` writes it: it counts in no loss.
IGNORED = -100
PROBLEM_TYPES = ("single_label_classification", "multi_label_classification", "regression")
# Keys that the fields imply: read from a file, checked, and written from the fields.
_DERIVED = {"label2id", "num_labels"}


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
        max_position_embeddings: rows of the position table; ``max_tokens`` is the longest
            sequence.
        type_vocab_size: number of segments (``token_type_ids`` below it); with one there is
            nothing to say, and without any no table.
        embedding_size: width of the tables; by default ``hidden_size``. Narrower ones are
            projected (Lan et al. 2019, arXiv:1909.11942, section 3.1).
        num_hidden_groups: how many blocks have weights of their own, for as many layers each;
            by default every layer is a group (same place).
        relative_attention_num_buckets: how many learned numbers a head adds for distances, see
            ``layers.RelativePositions``; by default none.
        model_type: architecture, a key of ``families.FAMILIES``.
        hidden_act: activation of the feed-forward layer, one of ``HIDDEN_ACTS``.
        hidden_dropout_prob: dropout after embeddings and each sub-layer.
        attention_probs_dropout_prob: dropout of the attention probabilities.
        classifier_dropout: dropout before a task head; ``None`` means
            ``hidden_dropout_prob``.
        initializer_range: standard deviation of the truncated normal initialiser.
        layer_norm_eps: epsilon inside the square root of layer normalisation.
        pad_token_id: id of ``[PAD]``.
        position_embedding_type: ``"absolute"`` (learned, BERT), or fixed (Vaswani et al. 2017,
            section 3.5) ``"sinusoidal"`` or, with the sines first, ``"halved_sinusoidal"``.
        id2label: class index to class name, for task heads.
        problem_type: one of ``PROBLEM_TYPES`` for sequence classification, or ``None``.
        extra: every other key of the file, kept as it was; ``choices`` reads those that the
            architecture knows.

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
    embedding_size: int | None = None
    num_hidden_groups: int | None = None
    relative_attention_num_buckets: int | None = None
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
        """Refuses what cannot be built, all complaints in one error."""
        # Relations between fields are only worth stating once each field is sound.
        problems = problems_of(self, _RULES) or problems_of(self.choices, self.choices.rules)
        problems = problems or self._relation_problems() + self.choices.problems(self)
        if problems:
            raise ConfigError("The configuration cannot be built: " + "; ".join(problems))

    def _relation_problems(self) -> list[str]:
        rows, pad, groups = self.vocab_size, self.pad_token_id, self.groups
        holds = {
            f"num_hidden_layers ({self.num_hidden_layers}) must be a multiple of "
            f"num_hidden_groups ({groups})": self.num_hidden_layers % groups == 0,
            f"num_hidden_layers ({self.num_hidden_layers}) may be at most {_MOST_SHARED} times "
            f"num_hidden_groups ({groups})": self.num_hidden_layers <= _MOST_SHARED * groups,
            f"max_position_embeddings must be more than the {self.position_offset} rows that no "
            "token has": self.max_position_embeddings > self.position_offset,
            f"hidden_size ({self.hidden_size}) must be a multiple of num_attention_heads "
            f"({self.num_attention_heads})": self.hidden_size % self.num_attention_heads == 0,
            f"pad_token_id must be an integer from 0 to vocab_size - 1 = {rows - 1}, received "
            f"{pad}": 0 <= pad < rows,
            **self._direction(),
            f"sinusoidal positions may be {_MAX_COMPUTED:,} numbers, max_position_embeddings "
            f"({self.max_position_embeddings}) times hidden_size": (
                self.position_embedding_type == "absolute"
                or self.max_position_embeddings * self.hidden_size <= _MAX_COMPUTED
            ),
            f"the sizes make {self.parameters:,} parameters, at most {_MAX_PARAMETERS:,} are "
            "accepted": self.parameters <= _MAX_PARAMETERS,
        }
        return [rule for rule, kept in holds.items() if not kept]

    def _direction(self) -> dict[str, bool]:
        # Tokens of an encoder see both sides: other weights, other numbers.
        return {
            "is_decoder and add_cross_attention must be false, this is an encoder": not (
                self.extra.get("is_decoder") or self.extra.get("add_cross_attention")
            ),
        }

    @property
    def choices(self) -> Any:
        """What ``extra`` says that this ``model_type`` knows: its class of ``families``."""
        return family(self.model_type).choices.read(self.extra)

    @property
    def parameters(self) -> int:
        """Number of weights of the encoder with learned positions and a pooler."""
        return self.choices.parameters(self)

    @property
    def table_width(self) -> int:
        """Width of the embedding tables."""
        return self.hidden_size if self.embedding_size is None else self.embedding_size

    @property
    def groups(self) -> int:
        """Blocks with weights of their own."""
        return self.num_hidden_groups or self.num_hidden_layers

    @property
    def position_offset(self) -> int:
        """Rows of the position table before that of the first token."""
        return self.pad_token_id + 1 if family(self.model_type).counts_tokens else 0

    @property
    def max_tokens(self) -> int:
        """The longest sequence."""
        return self.max_position_embeddings - self.position_offset

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
        row = family(values.get("model_type"))
        # Some files have a choice by both names: the family's own is the one that holds.
        own = {ours: values[key] for key, ours in row.keys.items() if key in values}
        values = {**{k: v for k, v in values.items() if k not in row.keys}, **own}
        # transformers writes `null` for a choice that was left open: the default holds.
        known = {name: values[name] for name in _FIELDS if values.get(name) is not None}
        known = {**row.defaults, **known}
        if row.widening and is_integer(known.get("hidden_size")):
            known.setdefault("intermediate_size", row.widening * known["hidden_size"])
        required = [n for n, field in _FIELDS.items() if field.default is dataclasses.MISSING]
        missing = [name for name in required if name not in known]
        if missing:
            raise ConfigError(
                f"The configuration lacks {missing}. Received the keys {sorted(values)}. "
                "Is this the config.json of an encoder?"
            )
        known["id2label"] = _labels_from(values)
        extra = {k: v for k, v in values.items() if k not in {*_FIELDS, *_DERIVED}}
        return cls(**known, extra=extra)

    def to_dict(self) -> dict[str, Any]:
        """Returns the content of ``config.json``: known keys, then the kept ones."""
        theirs = {ours: key for key, ours in family(self.model_type).keys.items()}
        values = {
            theirs.get(name, name): getattr(self, name)
            for name in _FIELDS
            if name != "id2label"
            and not (getattr(self, name) is None and (name in _UNSAID or name in theirs))
        }
        if self.id2label is not None:
            values["id2label"] = {str(index): name for index, name in self.id2label.items()}
            values["label2id"] = {name: index for index, name in self.id2label.items()}
        return {**values, **self.extra}

    @classmethod
    def from_file(
        cls,
        path: str | pathlib.Path,
        completed: Callable[[dict[str, Any]], dict[str, Any]] = dict,
    ) -> EncoderConfig:
        """Reads a ``config.json``.

        Args:
            path: of the file.
            completed: adds to its content what the file takes for granted.

        Raises:
            FileNotFoundError: there is no such file.
            ConfigError: the file is not a JSON object, or see ``from_dict``.
        """
        path = pathlib.Path(path)
        values = completed(read_json(path, ConfigError))
        try:
            return cls.from_dict(values)
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from error


def _are_labels(labels: Any) -> bool:
    if not isinstance(labels, Mapping) or not 0 < len(labels) <= MAX_LABELS:
        return False
    numbered = set(labels) == set(range(len(labels)))
    names = set(labels.values())
    return numbered and len(names) == len(labels) and all(isinstance(name, str) for name in names)


_FIELDS = {field.name: field for field in dataclasses.fields(EncoderConfig)}
del _FIELDS["extra"]
# Fields that files of most families do not have.
_UNSAID = ("embedding_size", "num_hidden_groups", "relative_attention_num_buckets")
_RULES = {
    **{key: size(limit) for key, limit in MAX_SIZES.items()},
    "type_vocab_size": at_most(_MAX_SEGMENTS),
    "embedding_size": or_none(size(MAX_SIZES["hidden_size"])),
    "num_hidden_groups": or_none(size(MAX_SIZES["num_hidden_layers"])),
    "relative_attention_num_buckets": or_none(size(_MAX_BUCKETS)),
    "model_type": TEXT,
    "hidden_act": choice(*HIDDEN_ACTS),
    "hidden_dropout_prob": PART,
    "attention_probs_dropout_prob": PART,
    "classifier_dropout": or_none(PART),
    "initializer_range": POSITIVE,
    "layer_norm_eps": POSITIVE,
    "pad_token_id": INTEGER,
    "position_embedding_type": choice(*POSITION_EMBEDDING_TYPES),
    "id2label": or_none(Rule("class names numbered from 0, all different", _are_labels)),
    "problem_type": or_none(choice(*PROBLEM_TYPES)),
    "extra": Rule(
        "a mapping without the keys of other fields",
        lambda extra: isinstance(extra, Mapping) and not extra.keys() & {*_FIELDS, *_DERIVED},
    ),
}


def _labels_from(values: Mapping[str, Any]) -> dict[int, str] | None:
    """The classes of a file, which may state them as a table, its inverse, or a number."""
    stated = {key: _read_labels(key, values[key]) for key in _LABEL_FORMS if values.get(key)}
    if not stated:
        return None
    first, labels = next(iter(stated.items()))
    for key, others in stated.items():
        # A bare number says nothing about the names.
        if len(others) != len(labels) or (key != "num_labels" and others != labels):
            raise ConfigError(
                f"{first} and {key} disagree, keep one: received {reprlib.repr(values[first])} "
                f"and {reprlib.repr(values[key])}"
            )
    return labels


def _read_labels(key: str, value: Any) -> dict[int, str]:
    try:
        return _LABEL_FORMS[key](value)
    except (AttributeError, OverflowError, TypeError, ValueError) as error:
        raise ConfigError(
            f"{key} must state the classes, as in id2label {{'0': 'negative'}}, label2id "
            f"{{'negative': 0}} or num_labels 1, received {reprlib.repr(value)}"
        ) from error


def _index(value: Any) -> int:
    index = int(value)
    # Of larger integers as many as one likes have one hash.
    if not 0 <= index < MAX_LABELS:
        raise ValueError(f"no index of a class: {reprlib.repr(value)}")
    return index


_LABEL_FORMS: dict[str, Callable[[Any], dict[int, str]]] = {
    "id2label": lambda names: {_index(index): str(name) for index, name in names.items()},
    "label2id": lambda indices: {_index(index): str(name) for name, index in indices.items()},
    # One more than the limit, which is then refused as any long list.
    "num_labels": lambda n: {index: f"LABEL_{index}" for index in range(min(n, MAX_LABELS + 1))},
}

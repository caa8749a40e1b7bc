"""The descriptions of models that write: decoders, and encoders with a decoder."""

from __future__ import annotations

import dataclasses
import pathlib
import reprlib
from collections.abc import Mapping
from typing import Any

from keras_bert_zoo.config import ConfigError, EncoderConfig
from keras_bert_zoo.families import family
from keras_bert_zoo.foreign import read_json
from keras_bert_zoo.rules import is_integer

# Of a model whose config states both sides in one.
_SIDES = ("encoder", "decoder")
_OF_A_SIDE = {
    "layers": "num_hidden_layers",
    "attention_heads": "num_attention_heads",
    "ffn_dim": "intermediate_size",
}
# What no side says for itself.
_OF_BOTH = ("vocab_size", "max_position_embeddings", "pad_token_id", "type_vocab_size")
# What may differ between sides that share their weights.
_OF_NO_WEIGHT = ("pad_token_id", "classifier_dropout", "id2label", "problem_type", "extra")
NESTED = "encoder-decoder"
# The key that says whether a decoder has the weights of its encoder.
TIES = "tie_encoder_decoder"


@dataclasses.dataclass(frozen=True, kw_only=True)
class DecoderConfig(EncoderConfig):
    """Sizes and choices of one decoder: the same fields, and ``is_decoder`` in ``extra``."""

    def _direction(self) -> dict[str, bool]:
        writes = self.extra.get("is_decoder") or family(self.model_type).writes
        end = self.extra.get("eos_token_id")
        return {
            f"eos_token_id must be one id, an integer, or null, received {reprlib.repr(end)}": (
                end is None or is_integer(end)
            ),
            "is_decoder must be true, this is a decoder": bool(writes),
            "prefix_lm needs two segments (type_vocab_size 2) and no add_cross_attention": (
                not self.prefix or (self.type_vocab_size > 1 and not self.cross_attention)
            ),
        }

    @property
    def cross_attention(self) -> bool:
        """Whether it attends to an encoder."""
        return bool(self.extra.get("add_cross_attention"))

    @property
    def prefix(self) -> bool:
        """Whether tokens of the first segment see all of it (``prefix_lm`` in ``extra``)."""
        return bool(self.extra.get("prefix_lm"))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> DecoderConfig:
        """Builds a config from the content of a ``config.json``, see ``EncoderConfig``."""
        if "eos_token_id" in values:
            values = {**values, "eos_token_id": _one(values["eos_token_id"])}
        # A model that was trained without padding may name none: what follows its end is that.
        end = values.get("eos_token_id")
        if values.get("pad_token_id") is None and is_integer(end):
            values = {**values, "pad_token_id": end}
        config = super().from_dict(values)
        assert isinstance(config, DecoderConfig)
        return config


@dataclasses.dataclass(frozen=True, kw_only=True)
class Seq2SeqConfig:
    """An encoder and a decoder that attends to it.

    Args:
        encoder: of the encoder.
        decoder: of the decoder.
        model_type: ``"encoder-decoder"`` for two stacks with a config each, or a family of
            which one file describes both (``"marian"``, ``"pegasus"``): they share a word table.
        decoder_start_token_id: what a text to be written begins with.
        eos_token_id: what it ends with.
        pad_token_id: what follows its end.
        extra: every other key of the file.

    Raises:
        ConfigError: the sides do not fit each other, or an id is no row of the word table.
    """

    encoder: EncoderConfig
    decoder: DecoderConfig
    model_type: str = NESTED
    decoder_start_token_id: int
    eos_token_id: int
    pad_token_id: int
    extra: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuses what cannot be built, all complaints in one error."""
        rows = self.decoder.vocab_size
        holds = {
            f"{name} must be an integer from 0 to {rows - 1} (vocab_size of the decoder), received "
            f"{reprlib.repr(value)}": is_integer(value) and 0 <= value < rows
            for name, value in self.token_ids.items()
        }
        widths = self.encoder.hidden_size, self.decoder.hidden_size
        holds |= {
            f"hidden_size must be that of both sides, received {widths[0]} and {widths[1]}": (
                widths[0] == widths[1]
            ),
            "add_cross_attention of the decoder must be true": self.decoder.cross_attention,
            f"{TIES} needs two sides of model_type 'bert' with the same sizes": (
                not self.tied or self._can_be_tied()
            ),
        }
        if self.one_table:
            same = [getattr(self.encoder, name) == getattr(self.decoder, name) for name in _OF_BOTH]
            holds[f"{_OF_BOTH} must be those of both sides"] = all(same)
        problems = [rule for rule, kept in holds.items() if not kept]
        if problems:
            raise ConfigError("The configuration cannot be built: " + "; ".join(problems))

    def _can_be_tied(self) -> bool:
        names = [field.name for field in dataclasses.fields(EncoderConfig)]
        return self.encoder.model_type == "bert" and all(
            getattr(self.encoder, name) == getattr(self.decoder, name)
            for name in names
            if name not in _OF_NO_WEIGHT
        )

    @property
    def token_ids(self) -> dict[str, int]:
        """The three ids, by name."""
        return {
            "decoder_start_token_id": self.decoder_start_token_id,
            "eos_token_id": self.eos_token_id,
            "pad_token_id": self.pad_token_id,
        }

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of classes, of which there are none."""
        return ()

    @property
    def problem_type(self) -> None:
        """Of classes."""
        return None

    @property
    def max_tokens(self) -> int:
        """Tokens of the longest text that can be read."""
        return self.encoder.max_tokens

    @property
    def one_table(self) -> bool:
        """Whether both sides share the word table."""
        return self.model_type != NESTED

    @property
    def tied(self) -> bool:
        """Whether the decoder has the weights of the encoder (``tie_encoder_decoder``)."""
        return bool(self.extra.get(TIES))

    def replace(self, **changes: Any) -> Seq2SeqConfig:
        """Returns a copy with some fields changed."""
        return dataclasses.replace(self, **changes)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Seq2SeqConfig:
        """Builds a config from the content of a ``config.json``.

        Raises:
            ConfigError: keys are missing, or contradict each other.
        """
        model_type = values.get("model_type")
        split = _nested if model_type == NESTED else _flat
        encoder, decoder, extra = split(values)
        ids = {name: _one(values.get(name)) for name in cls.__dataclass_fields__ if "_id" in name}
        known = {*ids, "model_type", "is_encoder_decoder"}
        return cls(
            encoder=EncoderConfig.from_dict(encoder),
            decoder=DecoderConfig.from_dict({"pad_token_id": ids["pad_token_id"], **decoder}),
            model_type=str(model_type),
            extra={key: value for key, value in extra.items() if key not in known},
            **ids,
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns the content of ``config.json``."""
        head = {"model_type": self.model_type, "is_encoder_decoder": True, **self.token_ids}
        sides = {"encoder": self.encoder.to_dict(), "decoder": self.decoder.to_dict()}
        if not self.one_table:
            return {**head, **sides, **self.extra}
        flat = {
            f"{side}_{theirs}": getattr(config, ours)
            for side, config in (("encoder", self.encoder), ("decoder", self.decoder))
            for theirs, ours in _OF_A_SIDE.items()
        }
        shared = {k: v for k, v in sides["encoder"].items() if k not in _OF_A_SIDE.values()}
        return {**shared, **flat, **head, **self.extra}

    @classmethod
    def from_file(cls, path: str | pathlib.Path) -> Seq2SeqConfig:
        """Reads a ``config.json``.

        Raises:
            FileNotFoundError: there is no such file.
            ConfigError: the file is not a JSON object, or see ``from_dict``.
        """
        path = pathlib.Path(path)
        try:
            return cls.from_dict(read_json(path, ConfigError))
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from error


def _one(value: Any) -> Any:
    """An id that some files give as a list of one."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _nested(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    missing = [side for side in _SIDES if not isinstance(values.get(side), Mapping)]
    if missing:
        raise ConfigError(f"The configuration lacks {missing}: the configs of the two sides.")
    extra = {key: value for key, value in values.items() if key not in _SIDES}
    return dict(values["encoder"]), dict(values["decoder"]), extra


def _flat(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    of_sides = {f"{side}_{theirs}": None for side in _SIDES for theirs in _OF_A_SIDE}
    stacks = [_stack(side, values) for side in _SIDES]
    used = {*of_sides, *stacks[0]}
    extra = {key: value for key, value in values.items() if key not in used}
    return stacks[0], {**stacks[1], "is_decoder": True, "add_cross_attention": True}, extra


def _stack(side: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """What a file that describes both sides in one says of a side."""
    row = family(values.get("model_type"))
    fields = {field.name for field in dataclasses.fields(EncoderConfig)}
    choices = {field.name for field in dataclasses.fields(row.choices)}
    known = (fields | choices | row.keys.keys()) - {"extra", "id2label"}
    shared = {key: value for key, value in values.items() if key in known}
    own = {
        ours: values[f"{side}_{theirs}"]
        for theirs, ours in _OF_A_SIDE.items()
        if f"{side}_{theirs}" in values
    }
    return {**shared, **own}

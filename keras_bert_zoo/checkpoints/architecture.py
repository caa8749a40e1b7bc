"""Which tensor of a Hugging Face checkpoint is which variable: one table, read both ways."""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Callable, Collection, Iterator, Mapping

from keras_bert_zoo.config import EncoderConfig

Parts = Mapping[str, Callable[[EncoderConfig], bool]]
# What not every encoder has, as patterns of variables.
_PARTS: Parts = {
    "embeddings/position_embeddings": lambda config: config.position_embedding_type == "absolute",
    "embeddings/token_type_embeddings": lambda config: config.type_vocab_size > 0,
    "embeddings_project/.*": lambda config: config.table_width != config.hidden_size,
}

# What Hugging Face calls a model for a task, behind the name of the architecture.
_CLASSES: Mapping[str | None, str] = {
    None: "Model",
    "sequence_classification": "ForSequenceClassification",
    "token_classification": "ForTokenClassification",
    "multiple_choice": "ForMultipleChoice",
    "extractive_summarization": "ForExtractiveSummarization",
    "question_answering": "ForQuestionAnswering",
    "masked_lm": "ForMaskedLM",
    "next_sentence": "ForNextSentencePrediction",
    "pretraining": "ForPreTraining",
    "replaced_tokens": "ForPreTraining",
}


@dataclasses.dataclass(frozen=True)
class Row:
    """One tensor and its variable.

    Args:
        tensor: Hugging Face's name, without the prefix of the encoder.
        variable: path of our variable.
        transposed: whether the tensor is the variable's transpose. PyTorch's linear
            layers hold ``(out, in)``, Keras' ``(in, out)``.
        in_encoder: whether the tensor takes the encoder's prefix in a model with a head.
    """

    tensor: str
    variable: str
    transposed: bool = False
    in_encoder: bool = True


@dataclasses.dataclass(frozen=True)
class Architecture:
    """The tables of one ``model_type``.

    Args:
        name: what Hugging Face's classes begin with.
        prefix: of the encoder's tensors in a model with a head.
        body: rows of every checkpoint; ``{layer}`` stands for each block's index, ``{network}``
            for that of each feed-forward layer before its last.
        heads: rows of each task, first the one that has a row for each class; none where what
            follows the encoder is in other files.
        skippable: tensors that may be left unread, as patterns, and what they are.
        pooler: rows that a checkpoint may lack altogether.
        additions: what heads of a task may have besides, by the argument of the model; no class
            of Hugging Face has it.
        copies: tensors that some checkpoints store a second time, and of which.
        aliases: old parts of names, and what they are called now.
        on_request: tasks whose heads are loaded only when they are asked for: what a checkpoint
            was pretrained with is seldom what it is used for.
        without_labels: tasks whose answers are no classes of the user's.
        pooled: tasks that make use of the pooler, where there is one.
        published: classes of further tasks.
        parts: what not every model has, as patterns of tensors, and which configs have it.
    """

    name: str
    prefix: str
    body: tuple[Row, ...]
    heads: Mapping[str, tuple[Row, ...]]
    skippable: Mapping[str, str]
    pooler: tuple[Row, ...] = ()
    additions: Mapping[str, Mapping[str, tuple[Row, ...]]] = dataclasses.field(default_factory=dict)
    copies: Mapping[str, str] = dataclasses.field(default_factory=dict)
    aliases: Mapping[str, str] = dataclasses.field(default_factory=dict)
    on_request: tuple[str, ...] = ("masked_lm", "next_sentence", "pretraining", "replaced_tokens")
    without_labels: tuple[str, ...] = (
        "multiple_choice",
        "extractive_summarization",
        "question_answering",
        "masked_lm",
        "next_sentence",
        "pretraining",
        "replaced_tokens",
    )
    pooled: tuple[str, ...] = (
        "sequence_classification",
        "multiple_choice",
        "next_sentence",
        "pretraining",
    )
    published: Mapping[str | None, str] = dataclasses.field(default_factory=dict)
    parts: Parts = dataclasses.field(default_factory=dict)

    @property
    def classes(self) -> dict[str | None, str]:
        """Hugging Face's class for each task; ``None`` is the bare encoder."""
        tasks = (task for task in (None, *self.heads) if task in _CLASSES)
        return {**{task: self.name + _CLASSES[task] for task in tasks}, **self.published}

    def has_pooler(self, task: str) -> bool:
        """Whether a model for a task has the pooler."""
        return bool(self.pooler) and task in self.pooled

    def rows(self, config: EncoderConfig, *, pooler: bool, task: str | None) -> tuple[Row, ...]:
        """Returns the rows of a model, in the order in which Hugging Face lists them."""
        encoder = (*self._expanded(config), *(self.pooler if pooler else ()))
        return self._present((*encoder, *(self.heads[task] if task else ())), config)

    def head(self, config: EncoderConfig, task: str) -> tuple[Row, ...]:
        """Returns the rows of the head of a task."""
        return self._present(self.heads[task], config)

    def stores_pooler(self, config: EncoderConfig, tensors: Collection[str]) -> bool:
        """Whether a checkpoint has all of a pooler: one without weights is always there."""
        rows = self._present(self.pooler, config)
        return bool(self.pooler) and (not rows or any(row.tensor in tensors for row in rows))

    def _present(self, rows: tuple[Row, ...], config: EncoderConfig) -> tuple[Row, ...]:
        """Leaves out what a model of the config does not have."""
        variables, tensors = (
            [pattern for pattern, has in parts.items() if not has(config)]
            for parts in (_PARTS, self.parts)
        )
        return tuple(
            row
            for row in rows
            if not any(re.fullmatch(pattern, row.variable) for pattern in variables)
            and not any(re.fullmatch(pattern, row.tensor) for pattern in tensors)
        )

    def every_row(self, config: EncoderConfig) -> tuple[Row, ...]:
        """Returns the rows of every part that a checkpoint may have, each tensor once."""
        additions = [rows for added in self.additions.values() for rows in added.values()]
        heads = itertools.chain(*self.heads.values(), *additions)
        rows = (*self.rows(config, pooler=True, task=None), *self._present(tuple(heads), config))
        return tuple({row.tensor: row for row in rows}.values())

    def added(self, task: str | None, present: Collection[str]) -> dict[str, tuple[Row, ...]]:
        """Returns the additions of which the first tensor or variable is among those given."""
        return {
            argument: rows
            for argument, rows in self.additions.get(task or "", {}).items()
            if rows[0].tensor in present or rows[0].variable in present
        }

    def _expanded(self, config: EncoderConfig) -> Iterator[Row]:
        yield from (row for row in self.body if "{layer}" not in row.tensor)
        for index in range(config.groups):
            for row in self.body:
                if "{layer}" in row.tensor:
                    yield from _numbered(row, index, config.choices.networks)

    def canonical(self, tensor: str) -> str:
        """Returns a tensor's name as the table has it: no prefix, today's parts."""
        tensor = tensor.removeprefix(self.prefix)
        for old, new in self.aliases.items():
            tensor = tensor.replace(old, new)
        return tensor

    def stored(self, row: Row, task: str | None) -> str:
        """Returns the name under which Hugging Face stores a row of a model for ``task``."""
        return self.prefix + row.tensor if task and row.in_encoder else row.tensor

    def why_skippable(self, tensor: str) -> str | None:
        """Says what an unwanted tensor is, or returns ``None`` if it may not be dropped."""
        for pattern, reason in self.skippable.items():
            if re.fullmatch(pattern, tensor):
                return reason
        return None


def _numbered(row: Row, layer: int, networks: int) -> Iterator[Row]:
    """The rows of one layer that a row of the body stands for."""
    for network in range(networks if "{network}" in row.tensor else 1):
        tensor, variable = (
            name.format(layer=layer, network=network) for name in (row.tensor, row.variable)
        )
        yield dataclasses.replace(row, tensor=tensor, variable=variable)

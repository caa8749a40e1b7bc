"""Which head a checkpoint is loaded with: its own, a fresh one, or none."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence

from keras_bert_zoo.checkpoints.tables import Architecture, Row
from keras_bert_zoo.checkpoints.tensors import Tensor
from keras_bert_zoo.config import MAX_LABELS, EncoderConfig

# What learns from text alone is trained by a command of its own.
_TRAINED_BY = dict.fromkeys(("masked_lm", "pretraining", "replaced_tokens"), "pretrain")


@dataclasses.dataclass(frozen=True)
class Head:
    """The choice made.

    Args:
        task: key of the architecture's heads, or ``None`` for the bare encoder.
        config: the checkpoint's, with the labels and problem type of the head.
        fresh: whether the head's weights are not in the checkpoint.
    """

    task: str | None
    config: EncoderConfig
    fresh: bool = False


def choose_head(
    architecture: Architecture,
    config: EncoderConfig,
    tensors: Mapping[str, Tensor],
    *,
    task: str | None,
    labels: Sequence[str] | None,
    problem_type: str | None,
) -> Head:
    """Chooses the head from what the caller asks and what the checkpoint holds.

    Args:
        architecture: tables of the checkpoint's ``model_type``.
        config: the checkpoint's.
        tensors: the checkpoint's, by the names of the table.
        task: the head asked for; ``None`` for what ``architectures`` in the config says.
        labels: class names asked for.
        problem_type: meaning of the logits asked for.

    Raises:
        ValueError: an unknown task; labels without a task, or none where they are needed;
            labels or a problem type that contradict the checkpoint's own head.
    """
    if task is not None and task not in architecture.heads:
        raise ValueError(
            f"task must be one of {sorted(architecture.heads)} or None, received {task!r}."
        )
    stated, own = stated_class(config), _own_task(architecture, config)
    task = task or (None if own in architecture.on_request else own)
    if task is None:
        if labels is not None or problem_type is not None:
            raise ValueError(
                f"The checkpoint ({stated}) is loaded as a bare encoder, so labels={labels} and "
                f"problem_type={problem_type!r} have no place. Pass task=, one of "
                f"{sorted(architecture.heads)}."
            )
        return Head(None, config)
    rows = architecture.head(config, task)
    if not rows:  # nothing of it is with the encoder
        return _head_without_labels(architecture, task, config, True, labels or problem_type)
    weight = rows[0].tensor
    stored = weight in tensors and _means_the_same(weight, task, own, architecture)
    if task in architecture.without_labels:
        return _head_without_labels(architecture, task, config, stored, labels or problem_type)
    if problem_type is not None and task != "sequence_classification":
        raise ValueError(f"task={task!r} has no problem_type, received {problem_type!r}.")
    if own == task or stored:
        return _stored_head(task, config, tensors.get(weight), _checked(labels), problem_type)
    # A head of another kind has labels of its own, which mean something else.
    known = config.labels if stated in (None, architecture.classes[None]) else ()
    names = _checked(labels) or known
    if not names:
        raise ValueError(
            f"The checkpoint has no head for task={task!r} and names no classes for it. "
            f"{what_it_is_for(architecture, config, tensors)} Or fine-tune it, or pass labels for "
            "a new head, e.g. labels=['negative', 'positive']."
        )
    return Head(task, _with_labels(task, config, names, problem_type), fresh=True)


def fullest_task(
    architecture: Architecture, config: EncoderConfig, tensors: Collection[str]
) -> str | None:
    """The task with the most rows of which every tensor is there; the first of several."""
    heads = {task: architecture.head(config, task) for task in architecture.heads}
    tasks = [
        task for task, rows in heads.items() if rows and all(row.tensor in tensors for row in rows)
    ]
    return max(tasks, key=lambda task: len(heads[task]), default=None)


def what_it_is_for(
    architecture: Architecture, config: EncoderConfig, tensors: Mapping[str, Tensor]
) -> str:
    """A sentence for messages: the tasks that a checkpoint has heads for, and how to ask them."""
    own = _own_task(architecture, config)
    tasks = [
        task
        for task, rows in architecture.heads.items()
        if rows
        and rows[0].tensor in tensors
        and _means_the_same(rows[0].tensor, task, own, architecture)
    ]
    if not tasks:
        return "It is an encoder without a head: ask task='sentence_embedding' for vectors."
    return f"It is for {' or '.join(tasks)}: load or ask it with task={tasks[0]!r}."


def training_of(task: str | None) -> str:
    """The command that trains a head, with its option, for messages."""
    return _TRAINED_BY.get(str(task), f"finetune --task {task}")


def _means_the_same(tensor: str, task: str, own: str | None, architecture: Architecture) -> bool:
    """Whether a tensor of a checkpoint for ``own`` is that of ``task``.

    Heads of several tasks have tensors of one name, which mean the same only where they come
    from pretraining.
    """
    shared = own is not None and tensor in {row.tensor for row in architecture.heads[own]}
    pretrained = {task, own} <= set(architecture.on_request)
    return own == task or pretrained or not shared


def fresh_rows(
    architecture: Architecture, head: Head, tensors: Mapping[str, Tensor]
) -> tuple[Row, ...]:
    """The rows of a fresh head that start with random values: not what pretraining left of it."""
    rows = architecture.head(head.config, head.task) if head.task else ()
    own = _own_task(architecture, head.config)
    kept = tensors if own in architecture.on_request else ()
    return tuple(row for row in rows if row.tensor not in kept)


def _own_task(architecture: Architecture, config: EncoderConfig) -> str | None:
    """The task of the class that a config states."""
    return {name: task for task, name in architecture.classes.items()}.get(
        stated_class(config) or ""
    )


def _head_without_labels(
    architecture: Architecture, task: str, config: EncoderConfig, stored: bool, labelling: object
) -> Head:
    if labelling:
        raise ValueError(
            f"task={task!r} has no labels and no problem_type, received {labelling!r}."
        )
    tied = any(row.variable == "predictions/bias" for row in architecture.heads[task])
    if tied and config.extra.get("tie_word_embeddings") is False:
        raise ValueError(
            "tie_word_embeddings is false: the checkpoint's decoder is not its word table, and "
            f"task={task!r} is only known with one that is."
        )
    return Head(task, config, fresh=not stored)


def stated_class(config: EncoderConfig) -> str | None:
    """The class that ``architectures`` names: usually a list of one."""
    stated = config.extra.get("architectures")
    first = stated[0] if isinstance(stated, list) and stated else stated
    return first if isinstance(first, str) else None


def _checked(labels: Collection[str] | None) -> tuple[str, ...]:
    if labels is None:
        return ()
    names = tuple(labels)
    if isinstance(labels, str) or not names or not all(isinstance(name, str) for name in names):
        raise ValueError(f"labels must be a list of class names, received {labels!r}.")
    return names


def _stored_head(
    task: str,
    config: EncoderConfig,
    weight: Tensor | None,
    labels: tuple[str, ...],
    problem_type: str | None,
) -> Head:
    # `transformers` leaves out id2label when it is the default; the weights know the number.
    stored = config.labels or _numbered(weight.shape[0] if weight and weight.shape else 2)
    if labels and stored != labels:
        if len(stored) != len(labels) or stored != _numbered(len(stored)):
            raise ValueError(
                f"labels {list(labels)} contradict those of the checkpoint's head, "
                f"{list(stored)}. Leave labels out to use the head, or remove the head from the "
                "checkpoint (save its encoder alone) to train another."
            )
        stored = labels
    if problem_type and config.problem_type and problem_type != config.problem_type:
        raise ValueError(
            f"problem_type {problem_type!r} contradicts the checkpoint's {config.problem_type!r}."
        )
    return Head(task, _with_labels(task, config, stored, problem_type or config.problem_type))


def _numbered(count: int) -> tuple[str, ...]:
    """The names `transformers` gives to classes without any.

    A tensor without elements may have any number of rows: one more than the limit is refused
    as any long list.
    """
    return tuple(f"LABEL_{index}" for index in range(min(count, MAX_LABELS + 1)))


def _with_labels(
    task: str, config: EncoderConfig, labels: tuple[str, ...], problem_type: str | None
) -> EncoderConfig:
    if task != "sequence_classification":
        return config.replace(id2label=dict(enumerate(labels)), problem_type=None)
    # What `transformers` takes an open problem type to mean.
    default = "regression" if len(labels) == 1 else "single_label_classification"
    return config.replace(id2label=dict(enumerate(labels)), problem_type=problem_type or default)

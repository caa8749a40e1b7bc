"""A checkpoint's config, head and tensors to the Keras model they are of."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping
from typing import Any

import keras

from keras_bert_zoo.checkpoints import tables
from keras_bert_zoo.checkpoints.heads import Head, fresh_rows
from keras_bert_zoo.checkpoints.sentence_transformers import SentenceModules
from keras_bert_zoo.checkpoints.tensors import Tensor
from keras_bert_zoo.checkpoints.weights import build_from_tensors
from keras_bert_zoo.models import TASKS, encoder_of


def build(
    architecture: tables.Architecture,
    head: Head,
    tensors: Mapping[str, Tensor],
    options: dict[str, Any],
    modules: SentenceModules,
) -> keras.Model:
    """The model of a checkpoint, with its weights.

    Args:
        architecture: of the encoder.
        head: around it, and whether it starts with random values.
        tensors: by the checkpoint's names.
        options: of the encoder, see ``bundle.load``.
        modules: what sentence-transformers put behind the encoder.

    Raises:
        CheckpointError: a tensor is missing, left over, or of another shape.
    """
    has_pooler = architecture.stores_pooler(head.config, tensors)
    # A bare encoder has one if the checkpoint has; a head needs one, or would not train it.
    with_pooler = has_pooler if head.task is None else architecture.has_pooler(head.task)
    fresh = () if has_pooler or not with_pooler else architecture.pooler
    if head.task and head.fresh:
        fresh = (*fresh, *fresh_rows(architecture, head, tensors))
    added = {} if head.fresh else architecture.added(head.task, tensors)
    made_of = {**modules.head, **dict.fromkeys(added, True)}
    rows = architecture.rows(head.config, pooler=with_pooler, task=head.task)
    return build_from_tensors(
        functools.partial(_make_model, head, with_pooler, options, made_of),
        architecture,
        (*rows, *itertools.chain(*added.values()), *modules.rows),
        {**tensors, **modules.tensors},
        fresh=fresh,
    )


def _make_model(
    head: Head, with_pooler: bool, options: dict[str, Any], made_of: Mapping[str, Any]
) -> keras.Model:
    encoder = encoder_of(head.config, add_pooling_layer=with_pooler, **options)
    if head.task is None:
        return encoder
    return TASKS[head.task](encoder, dtype=options["dtype"], **made_of)

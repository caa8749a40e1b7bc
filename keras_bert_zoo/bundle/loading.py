"""A directory, a name or an address to a model with its tokenizer."""

from __future__ import annotations

import dataclasses
import logging
import pathlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import keras

from keras_bert_zoo import zoo
from keras_bert_zoo.bundle.tokenizer_files import (
    configs_of,
    has_tokenizer,
    read_tokenizer,
    tokenizer_in,
)
from keras_bert_zoo.checkpoints import (
    assembly,
    purpose,
    sources,
    tables,
    writer_configs,
    writers,
)
from keras_bert_zoo.checkpoints.checkpoint import Checkpoint
from keras_bert_zoo.checkpoints.heads import Head, choose_head, training_of, what_it_is_for
from keras_bert_zoo.checkpoints.layouts import layout_of
from keras_bert_zoo.checkpoints.sentence_transformers import (
    SentenceModules,
    encoder_folder,
    read_modules,
)
from keras_bert_zoo.checkpoints.tensors import CheckpointError
from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.models.warm_start import bert2bert, ids_of, prefix_ids_of, prefix_lm

if TYPE_CHECKING:
    # Loads tensorflow-text, which a bundle without a tokenizer does not need.
    from keras_bert_zoo.tokenizers import Tokenizer

_EMBEDDING = "sentence_embedding"
_WRITING, _CONTINUING = "seq2seq", "causal_lm"

_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Bundle:
    """What ``load`` returns.

    Args:
        model: an ``Encoder``, or a task model around one.
        tokenizer: ``None`` when the directory has no tokenizer files.
        config: the model's: an ``EncoderConfig``, or of what writes a ``DecoderConfig`` or
            ``Seq2SeqConfig``.
    """

    model: keras.Model
    tokenizer: Tokenizer | None
    config: Any


def load(
    source: str | pathlib.Path,
    *,
    task: str | None = None,
    labels: Sequence[str] | None = None,
    problem_type: str | None = None,
    dtype: Any = None,
    fresh_head: bool = True,
    output_hidden_states: bool = False,
    output_attentions: bool = False,
    packed: bool = False,
    recompute: bool = False,
    do_lower_case: bool | None = None,
    tie_encoder_decoder: bool = False,
    new_decoder: Mapping[str, Any] | None = None,
) -> Bundle:
    """Loads a published checkpoint or a saved bundle.

    Args:
        source: a directory, ``hf://org/name[@revision]``, ``package://name/folder``, or a
            short name of the zoo (``keras_bert_zoo.zoo.CHECKPOINTS``). The directory may be one
            of Hugging Face, of Google (TensorFlow 1; where it holds several checkpoints, the
            path of one without ``.index``), a SavedModel of TF Hub or a preset of keras-hub.
        task: ``"sequence_classification"`` for a classifier, ``"masked_lm"`` or
            ``"pretraining"`` (with next sentences) for a ``PretrainingModel``,
            ``"replaced_tokens"`` for ELECTRA's ``ReplacedTokenDetector``, ``"seq2seq"`` for an
            ``EncoderDecoder`` and ``"causal_lm"`` for a ``CausalLM``, which of an encoder are
            those of ``models.warm_start``,
            ``"sentence_embedding"`` for a ``SentenceEmbedder``, as the directory of
            sentence-transformers says or the mean of a bare encoder; by default the
            classifier that ``architectures`` in ``config.json`` names, else the bare
            encoder. A head the checkpoint does not have starts with random values, and a
            log message names its variables.
        labels: class names, needed for a head the checkpoint does not have.
        problem_type: one of ``config.PROBLEM_TYPES``; by default the checkpoint's, else
            regression for one label and single-label classification for more.
        dtype: dtype policy of the layers; the global one by default.
        fresh_head: whether a head that the checkpoint does not have may be made; ``False``
            for a model that is to answer, not to learn.
        output_hidden_states: whether the encoder also returns ``hidden_states``.
        output_attentions: whether the encoder also returns ``attentions``.
        packed: whether a row holds several documents, see ``Encoder``.
        recompute: whether training takes less memory and more time, see ``Encoder``.
        do_lower_case: whether the tokenizer lowers the case; by default what its files say,
            which those of Google do not: there the name of the directory and the vocabulary.
        tie_encoder_decoder: whether both sides of an ``EncoderDecoder`` that is made of an encoder
            share its weights, see ``models.warm_start``.
        new_decoder: how the layers of such a decoder differ from the encoder's, if they are to be
            new, see there.

    Raises:
        FileNotFoundError: the source or a file of it does not exist.
        ConfigError: ``config.json`` is incomplete or contradicts itself.
        CheckpointError: the weights are damaged or do not fit the config.
        TokenizerError: a file of the tokenizer is damaged, or it is of another kind.
        ValueError: an argument is unknown or contradicts the checkpoint, or there is no head
            and ``fresh_head`` is ``False``.
    """
    directory = sources.resolve(zoo.resolve(source))
    writes = writer_configs.holds(directory)
    sides = {"tied": tie_encoder_decoder, "new_decoder": new_decoder}
    if (tie_encoder_decoder or new_decoder is not None) and (writes or task != _WRITING):
        raise ValueError(
            "tie_encoder_decoder and new_decoder are for task='seq2seq' and a source that is an "
            f"encoder; received task={task!r} and {directory}. A model that writes has its sides "
            "in its config."
        )
    inside: dict[str, Any] = {"dtype": dtype, "packed": packed, "recompute": recompute}
    if writes:
        return _load_writer(directory, task, **inside)
    if task in (_WRITING, _CONTINUING):
        if not fresh_head:
            raise ValueError(
                f"{directory} holds an encoder alone, which writes nothing. Train it: "
                f"keras-bert-zoo finetune --task {task} --model {source} …"
            )
        return _written_by_encoder(source, task, sides, do_lower_case=do_lower_case, **inside)
    wanted = {"task": task, "labels": labels, "problem_type": problem_type}
    inside["output_hidden_states"] = output_hidden_states
    inside["output_attentions"] = output_attentions
    return _load_encoder(source, directory, wanted, inside, fresh_head, do_lower_case)


def _load_encoder(
    source: str | pathlib.Path,
    directory: pathlib.Path,
    wanted: Mapping[str, Any],
    inside: dict[str, Any],
    fresh_head: bool,
    do_lower_case: bool | None,
) -> Bundle:
    """An encoder with the head that is ``wanted``; ``inside`` are options of the model."""
    embeds = wanted["task"] == _EMBEDDING
    modules = read_modules(directory) if embeds else SentenceModules(encoder_folder(directory), {})
    directory = modules.encoder
    try:
        checkpoint = layout_of(directory).read(directory)
        config, tensors = checkpoint.config, checkpoint.tensors
        architecture = tables.architecture(config.model_type)
        head = choose_head(architecture, config, tensors, **wanted)
        if head.fresh and not fresh_head:
            raise ValueError(_untrained(source, directory, checkpoint, head))
        tokenizer = read_tokenizer(checkpoint, do_lower_case)
        for name, reason in checkpoint.skipped.items():
            _log.info("Left unread: %s (%s)", name, reason)
        model = assembly.build(architecture, head, tensors, inside, modules)
    except CheckpointError as error:
        raise CheckpointError(f"{directory}: {error}") from error
    return Bundle(model, tokenizer, head.config)


def _untrained(
    source: str | pathlib.Path, directory: pathlib.Path, checkpoint: Checkpoint, head: Head
) -> str:
    """Why a head that is to answer cannot, and what to do."""
    architecture = tables.architecture(checkpoint.config.model_type)
    purpose_of = what_it_is_for(architecture, checkpoint.config, checkpoint.tensors)
    return (
        f"{directory} holds no trained head for {head.task!r}: its answers would be random. "
        f"{purpose_of} Or train it: keras-bert-zoo {training_of(head.task)} --model {source} …"
    )


def _written_by_encoder(
    source: str | pathlib.Path, task: str, sides: Mapping[str, Any], **options: Any
) -> Bundle:
    """The model that ``models.warm_start`` makes of an encoder."""
    loaded = load(source, task="masked_lm", **options)
    if loaded.tokenizer is None:
        raise ValueError(f"{source} has no tokenizer files: texts need them.")
    model: Any
    if task == _CONTINUING:
        model = prefix_lm(loaded.model, prefix_ids_of(loaded.tokenizer))
    else:
        model = bert2bert(loaded.model, ids_of(loaded.tokenizer), **sides)
        whole = sides["new_decoder"] is not None
        new = "Each layer of" if whole else "What attends to the encoder from"
        _log.warning("%s the decoder starts with random values.", new)
    return Bundle(model, loaded.tokenizer, model.config)


def _load_writer(directory: pathlib.Path, task: str | None, **options: Any) -> Bundle:
    try:
        model = writers.load(directory, options)
    except CheckpointError as error:
        raise CheckpointError(f"{directory}: {error}") from error
    if task not in (None, model.task):
        raise ValueError(f"{directory} holds a model for {model.task!r}, received task={task!r}.")
    words, has = configs_of(model), has_tokenizer(directory)
    return Bundle(model, tokenizer_in(directory, words, {}) if has else None, model.config)


def trained_for(source: str | pathlib.Path) -> str | None:
    """The task that a checkpoint says it is for, also where ``load`` wants to be asked for it."""
    return purpose.trained_for(sources.resolve(zoo.resolve(source)))


def config_of(source: str | pathlib.Path) -> EncoderConfig:
    """The config of what ``load`` takes, weights unread."""
    return purpose.config_of(sources.resolve(zoo.resolve(source)))

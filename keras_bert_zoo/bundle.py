"""Model, tokenizer and config as one directory in the Hugging Face layout."""

from __future__ import annotations

import dataclasses
import errno
import fnmatch
import functools
import itertools
import logging
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import keras

from keras_bert_zoo import zoo
from keras_bert_zoo.atomic import atomic_directory, check_switch
from keras_bert_zoo.checkpoints import (
    hugging_face,
    purpose,
    sources,
    tables,
    writer_configs,
    writers,
)
from keras_bert_zoo.checkpoints.checkpoint import Checkpoint
from keras_bert_zoo.checkpoints.heads import (
    Head,
    choose_head,
    fresh_rows,
    training_of,
    what_it_is_for,
)
from keras_bert_zoo.checkpoints.layouts import layout_of
from keras_bert_zoo.checkpoints.model_card import model_card
from keras_bert_zoo.checkpoints.sentence_transformers import (
    WRITTEN,
    SentenceModules,
    read_modules,
    write_modules,
)
from keras_bert_zoo.checkpoints.tensors import CheckpointError, Tensor
from keras_bert_zoo.checkpoints.weights import build_from_tensors, weights_of
from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.models import TASKS, WRITERS, Encoder, encoder_of
from keras_bert_zoo.models.warm_start import bert2bert, ids_of

if TYPE_CHECKING:
    # Loads tensorflow-text, which a bundle without a tokenizer does not need.
    from keras_bert_zoo.tokenizers import Tokenizer

# What `conversion` says it did, beside what it wrote.
MANIFEST = "conversion.json"
_WRITTEN = {
    hugging_face.CONFIG,
    hugging_face.WEIGHTS,
    "README.md",
    MANIFEST,
    *sources.TOKENIZER_FILES,
    *WRITTEN,
}
# Tables of words are often padded to a multiple of it, as by `resize --multiple 64`.
_ROUND = 64
_EMBEDDING = "sentence_embedding"
_WRITING = "seq2seq"

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
            ``EncoderDecoder``, which of an encoder is that of ``models.warm_start``,
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
    if tie_encoder_decoder and (writes or task != _WRITING):
        raise ValueError(
            "tie_encoder_decoder is for task='seq2seq' and a source that is an encoder; received "
            f"task={task!r} and {directory}. A model that writes has it in its config."
        )
    if writes:
        return _load_writer(directory, task, packed=packed, recompute=recompute, dtype=dtype)
    if task == _WRITING:
        if not fresh_head:
            raise ValueError(
                f"{directory} holds an encoder alone, which writes nothing. Train it: "
                f"keras-bert-zoo finetune --task {task} --model {source} …"
            )
        options = {"dtype": dtype, "packed": packed, "recompute": recompute}
        options["do_lower_case"] = do_lower_case
        return _written_by_encoder(source, tie_encoder_decoder, **options)
    modules = read_modules(directory) if task == _EMBEDDING else SentenceModules(directory, {})
    directory = modules.encoder
    try:
        checkpoint = layout_of(directory).read(directory)
        config, tensors = checkpoint.config, checkpoint.tensors
        architecture = tables.architecture(config.model_type)
        head = choose_head(
            architecture, config, tensors, task=task, labels=labels, problem_type=problem_type
        )
        if head.fresh and not fresh_head:
            raise ValueError(
                f"{directory} holds no trained head for {head.task!r}: its answers would be "
                f"random. {what_it_is_for(architecture, config, tensors)} Or train it: "
                f"keras-bert-zoo {training_of(head.task)} --model {source} …"
            )
        tokenizer = read_tokenizer(checkpoint, do_lower_case)
        options = {
            "output_hidden_states": output_hidden_states,
            "output_attentions": output_attentions,
            "packed": packed,
            "recompute": recompute,
            "dtype": dtype,
        }
        for name, reason in checkpoint.skipped.items():
            _log.info("Left unread: %s (%s)", name, reason)
        model = _build(architecture, head, tensors, options, modules)
    except CheckpointError as error:
        raise CheckpointError(f"{directory}: {error}") from error
    return Bundle(model, tokenizer, head.config)


def _written_by_encoder(source: str | pathlib.Path, tied: bool, **options: Any) -> Bundle:
    """The model that ``models.warm_start`` makes of an encoder."""
    loaded = load(source, task="masked_lm", **options)
    if loaded.tokenizer is None:
        raise ValueError(f"{source} has no tokenizer files: texts need them.")
    model = bert2bert(loaded.model, ids_of(loaded.tokenizer), tied=tied)
    _log.warning("What attends from the decoder to the encoder starts with random values.")
    return Bundle(model, loaded.tokenizer, model.config)


def _load_writer(directory: pathlib.Path, task: str | None, **options: Any) -> Bundle:
    try:
        model = writers.load(directory, options)
    except CheckpointError as error:
        raise CheckpointError(f"{directory}: {error}") from error
    if task not in (None, model.task):
        raise ValueError(f"{directory} holds a model for {model.task!r}, received task={task!r}.")
    words, has = model.decoder.config, _has_tokenizer(directory)
    return Bundle(model, _tokenizer_in(directory, words, {}) if has else None, model.config)


def trained_for(source: str | pathlib.Path) -> str | None:
    """The task that a checkpoint says it is for, also where ``load`` wants to be asked for it."""
    return purpose.trained_for(sources.resolve(zoo.resolve(source)))


def config_of(source: str | pathlib.Path) -> EncoderConfig:
    """The config of what ``load`` takes, weights unread."""
    return purpose.config_of(sources.resolve(zoo.resolve(source)))


def read_tokenizer(checkpoint: Checkpoint, do_lower_case: bool | None) -> Tokenizer | None:
    """Reads the tokenizer of a checkpoint, if it has one; see ``load``."""
    if not _has_tokenizer(checkpoint.tokenizer):
        return None
    if do_lower_case is None and checkpoint.lower_case is not None:
        do_lower_case = checkpoint.lower_case()
    options = {} if do_lower_case is None else {"do_lower_case": do_lower_case}
    return _tokenizer_in(checkpoint.tokenizer, checkpoint.config, options)


def _has_tokenizer(directory: pathlib.Path) -> bool:
    return any((directory / name).is_file() for name in sources.TOKENIZERS)


def _tokenizer_in(
    directory: pathlib.Path, config: EncoderConfig, options: dict[str, Any]
) -> Tokenizer:
    from keras_bert_zoo.tokenizers import load_tokenizer

    tokenizer = load_tokenizer(directory, **options)
    files = (directory / name for name in sources.TOKENIZERS)
    _check_vocabulary(tokenizer, config, str(next(file for file in files if file.is_file())))
    return tokenizer


def _check_vocabulary(tokenizer: Tokenizer, config: EncoderConfig, where: str) -> None:
    entries, rows = tokenizer.vocab_size, config.vocab_size
    if entries > rows:
        raise ValueError(
            f"{where} has {entries} entries, but the word table of the model only {rows} rows "
            "(vocab_size): they belong to different checkpoints."
        )
    if entries < rows:
        _note_further_rows(entries, rows)


@functools.cache  # a command may load and save a model several times
def _note_further_rows(entries: int, rows: int) -> None:
    """Warns once: a vocabulary that lost a line, and a table that was padded, look the same."""
    if rows % _ROUND or rows - entries >= _ROUND:
        _log.warning(
            "The tokenizer has %d entries, the word table of the model %d rows (vocab_size): right "
            "if the table was padded, wrong if the vocabulary is not that of the checkpoint.",
            entries,
            rows,
        )


def _build(
    architecture: tables.Architecture,
    head: Head,
    tensors: Mapping[str, Tensor],
    options: dict[str, Any],
    modules: SentenceModules,
) -> keras.Model:
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


def save(
    model: keras.Model,
    tokenizer: Tokenizer | None,
    directory: str | pathlib.Path,
    *,
    overwrite: bool = False,
    card: str | None = None,
) -> pathlib.Path:
    """Saves a bundle that ``load`` and ``transformers`` read.

    All files are written beside ``directory`` and take its place in one step: a save that
    fails or is killed leaves an older bundle as it was.

    Args:
        model: an ``Encoder``, or a task model; a ``SentenceEmbedder`` becomes a directory of
            sentence-transformers.
        tokenizer: its tokenizer; ``None`` saves none.
        directory: where to; parents are created.
        overwrite: whether an older bundle may be replaced.
        card: text of ``README.md``; by default one that states what the config knows.

    Returns:
        The directory.

    Raises:
        TypeError: the model is of no architecture this project writes, the tokenizer no
            ``Tokenizer``, or ``overwrite`` neither ``True`` nor ``False``.
        FileExistsError: the directory is in use, or holds files that no bundle has.
        OSError: the directory cannot be written, or the disk is full.
    """
    check_switch("overwrite", overwrite)
    task, config = task_of_model(model), model.config
    writes = task in WRITERS
    directory = pathlib.Path(directory)
    if tokenizer is not None:
        check_tokenizer(tokenizer, model.decoder.config if writes else config)
    check_target(directory, overwrite)
    try:
        with atomic_directory(directory) as temporary:
            # What follows the encoder of an embedder lies in folders beside it.
            stored = (model.encoder, None) if task == _EMBEDDING else (model, task)
            if writes:
                writers.write(model, temporary)
            else:
                hugging_face.write(weights_of(*stored), temporary)
            if task == _EMBEDDING:
                dense = model.get_layer("dense") if model.head["dense_units"] else None
                write_modules(model.head, config.hidden_size, temporary, dense)
            if tokenizer is not None:
                tokenizer.save(temporary)
            title, crf = directory.resolve().name, getattr(model, "crf", None) is not None
            text = model_card(config, task, title, crf=crf) if card is None else card
            (temporary / "README.md").write_text(text, encoding="utf-8")
    except OSError as error:
        # The errno picks the subclass: PermissionError, FileExistsError, …
        raise OSError(
            getattr(error, "errno", None) or errno.EIO,
            f"The bundle could not be saved to {directory}: {error}. What was there before is "
            "unchanged",
        ) from error
    return directory


def task_of_model(model: keras.Model) -> str | None:
    """What ``load`` calls a model.

    Raises:
        TypeError: it is none that a bundle can hold.
    """
    kinds: tuple[Any, ...] = (
        Encoder,
        *(kind for kind in TASKS.values() if isinstance(kind, type)),
        *WRITERS.values(),
    )
    if isinstance(model, kinds):
        return model.task
    raise TypeError(
        f"model must be one of {[kind.__name__ for kind in kinds]}, received "
        f"{type(model).__name__}. The order is save(model, tokenizer, directory); of a model you "
        "extended, save the encoder."
    )


def check_tokenizer(tokenizer: object, config: EncoderConfig) -> None:
    """Raises what ``save`` would raise of a tokenizer for a model of that config."""
    from keras_bert_zoo.tokenizers import Tokenizer

    if not isinstance(tokenizer, Tokenizer):
        raise TypeError(
            f"tokenizer must be a Tokenizer or None, received {tokenizer!r}. "
            "load_tokenizer reads one."
        )
    _check_vocabulary(tokenizer, config, "The tokenizer")


def check_target(directory: pathlib.Path, overwrite: bool, also: Iterable[str] = ()) -> None:
    """Raises what ``save`` would raise of a directory, before there is something to save.

    Args:
        directory: that is to be written.
        overwrite: whether a bundle in it may be replaced.
        also: patterns of further files that may be.
    """
    if not directory.exists():
        return
    if not directory.is_dir():
        raise FileExistsError(f"directory {str(directory)!r} is a file.")
    found = {path.name for path in directory.iterdir()}
    if found and not overwrite:
        raise FileExistsError(
            f"directory {str(directory)!r} exists and is not empty. Pass overwrite=True to "
            "replace the bundle in it, or another directory."
        )
    replaceable = (*_WRITTEN, *also)
    others = sorted(n for n in found if not any(fnmatch.fnmatch(n, p) for p in replaceable))
    if others:
        raise FileExistsError(
            f"directory {str(directory)!r} holds {others}, which replacing the bundle would "
            "delete. Move them, or pass another directory."
        )

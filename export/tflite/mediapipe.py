"""What MediaPipe Tasks want of a TFLite file: one output, a fixed length, metadata.

``TextClassifier`` and ``TextEmbedder`` tokenize a text themselves, with the vocabulary that
lies in the file, and hand on the one output as it is. So scores and embeddings are computed
inside the graph, and only models whose tokenizer is at least of the same kind are taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..answers import EMBEDDINGS, SCORES, answering
from ..errors import ExportError
from ..formats import FORMATS
from .metadata import TextModel, attach

METADATA = ("mediapipe",)
# Name in our signature: the name by which MediaPipe knows the tensor.
INPUTS: Mapping[str, str] = {
    "input_ids": "ids",
    "attention_mask": "mask",
    "token_type_ids": "segment_ids",
}
# These are names in MediaPipe's code; the padding token is no name but the id 0, under a mask.
_SPECIAL_TOKENS = {"unk_token": "[UNK]", "sep_token": "[SEP]", "cls_token": "[CLS]"}
# What a model returns for a whole text, and what it returns to be averaged.
_OUTPUT_RANKS = {"logits": 2, "last_hidden_state": 3}


def check_options(options: Mapping[str, Any], formats: Iterable[str]) -> None:
    """Refuses options that no file could be made with, before anything is loaded.

    Args:
        options: ``metadata``, ``lengths`` and ``normalize``, as ``conversion.export`` takes them.
        formats: keys of ``FORMATS``.

    Raises:
        ExportError: the metadata is unknown, no format takes it, there is not one fixed length, or
            ``normalize`` is set without metadata.
    """
    metadata = options["metadata"]
    if metadata is None:
        if options["normalize"]:
            raise ExportError(
                "normalize=True is for embeddings inside a TFLite file; pass "
                "metadata='mediapipe' (--metadata mediapipe) with it."
            )
        return
    if metadata not in METADATA:
        raise ExportError(f"metadata must be one of {list(METADATA)}, received {metadata!r}.")
    takers = [name for name, row in FORMATS.items() if "metadata" in row.options]
    if not set(takers) & set(formats):
        raise ExportError(
            f"metadata={metadata!r} is for the formats {takers}, received {list(formats)}. Add "
            "one of them."
        )
    if options["lengths"] is None or len(set(options["lengths"])) != 1:
        raise ExportError(
            f"metadata={metadata!r} needs one fixed length, received {options['lengths']}: with an "
            "open one MediaPipe does not truncate, and long texts fail on the device. Pass "
            "lengths=128 (--lengths 128), or what your longest texts need."
        )


def adapt(bundle: Any, normalize: bool) -> tuple[Any, Callable[[bytes], bytes]]:
    """Returns the model that goes into the file, and what to do with the file at last.

    Args:
        bundle: a classifier or an encoder with a lower-casing tokenizer.
        normalize: whether embeddings are divided by their length.

    Returns:
        A functional model with one output, ``scores`` ``(B, C)`` or ``embeddings`` ``(B, H)``,
        float32; and the function that adds the metadata.

    Raises:
        ExportError: the model or its tokenizer cannot be served by MediaPipe.
    """
    _check_bundle(bundle)
    classifies = "logits" in bundle.model.output
    if classifies and normalize:
        raise ExportError("normalize=True is for encoders, and the bundle is a classifier.")
    model = answering(bundle.model, normalize)
    description = TextModel(
        name=bundle.config.model_type,
        inputs=INPUTS,
        output=SCORES if classifies else EMBEDDINGS,
        vocabulary=bundle.tokenizer.vocabulary,
        labels=tuple(bundle.config.labels) if classifies else None,
    )
    return model, lambda content: attach(content, description)


def _check_bundle(bundle: Any) -> None:
    if bundle.tokenizer is None:
        raise ExportError(
            "The bundle has no tokenizer, and MediaPipe needs its vocabulary. Save it with one."
        )
    options = bundle.tokenizer.options
    from keras_bert_zoo.tokenizers import WordPieceOptions

    if not isinstance(options, WordPieceOptions):
        raise ExportError(
            f"MediaPipe cuts texts into word pieces, the bundle has a "
            f"{type(bundle.tokenizer).__name__}. Export without metadata and tokenize in the app."
        )
    if not options.do_lower_case:
        raise ExportError(
            "The bundle's vocabulary is cased (do_lower_case is False), but MediaPipe lower-cases "
            "every text. Export without metadata and tokenize in the app, as examples/web does."
        )
    found = {role: getattr(options, role) for role in _SPECIAL_TOKENS}
    if found != _SPECIAL_TOKENS:
        raise ExportError(
            f"MediaPipe knows the special tokens {_SPECIAL_TOKENS} alone, the bundle has {found}. "
            "Export without metadata and tokenize in the app."
        )
    shapes = {name: getattr(x, "shape", None) for name, x in bundle.model.output.items()}
    if not any(len(shapes.get(name) or ()) == rank for name, rank in _OUTPUT_RANKS.items()):
        raise ExportError(
            f"MediaPipe takes text classifiers and encoders, the model returns {shapes}. Export "
            "it without metadata."
        )
    inputs = list(bundle.model.input)
    if set(inputs) != set(INPUTS):
        raise ExportError(f"MediaPipe feeds the inputs {list(INPUTS)}, the model has {inputs}.")

"""What Google calls the tensors of BERT, which follows from Hugging Face's names.

In TensorFlow 1 they have the names of the variables in ``modeling.py``, ``run_pretraining.py``,
``run_classifier.py`` and ``run_squad.py`` of google-research/bert, and of mobilebert in
google-research/google-research. In TensorFlow 2, where attention keeps an axis for its heads, those
of the Model Garden (``BERT_V2_NAME_REPLACEMENTS`` in ``tf1_bert_checkpoint_converter_lib.py``).
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Mapping

from keras_bert_zoo.checkpoints import tables
from keras_bert_zoo.checkpoints.tensors import LazyTensor, Tensor, transposed
from keras_bert_zoo.config import EncoderConfig

# Applied in this order to the name of a row, behind "bert/" where it is in the encoder.
_RENAMES = (
    ("layer.", "layer_"),
    (".ffn.", ".ffn_layer_"),
    (".", "/"),
    ("_embeddings/weight", "_embeddings"),
    ("LayerNorm/weight", "LayerNorm/gamma"),
    ("LayerNorm/bias", "LayerNorm/beta"),
    ("qa_outputs/", "cls/squad/output_"),
    ("cls/seq_relationship/", "cls/seq_relationship/output_"),
    ("cls/predictions/bias", "cls/predictions/output_bias"),
    ("classifier/", "output_"),
    ("output_weight", "output_weights"),
    ("/weight", "/kernel"),
    ("cls/predictions/dense/kernel", "cls/predictions/extra_output_weights"),
)
# And to that name, for the Model Garden's encoder.
_GARDEN_RENAMES = (
    ("bert/", ""),
    ("encoder/", "transformer/"),
    ("embeddings/word_embeddings", "word_embeddings/embeddings"),
    ("embeddings/position_embeddings", "position_embedding/embeddings"),
    ("embeddings/token_type_embeddings", "type_embeddings/embeddings"),
    ("embeddings/LayerNorm", "embeddings/layer_norm"),
    ("attention/self", "self_attention"),
    ("attention/output/dense", "self_attention/attention_output"),
    ("attention/output/LayerNorm", "self_attention_layer_norm"),
    ("intermediate/dense", "intermediate"),
    ("output/dense", "output"),
    ("output/LayerNorm", "output_layer_norm"),
    ("pooler/dense", "pooler_transform"),
)
_SKIPPABLE = {
    r".+/(adam|lamb)_[mv]": "a moment of the optimizer",
    r".+/Adam(_1)?|.+/AdamWeightDecayOptimizer(_1)?|beta[12]_power": "a moment of the optimizer",
    r"(Adam|AdamWeightDecay|LAMB|optimizer)/.+": "the state of the optimizer",
    r"global_step|(save_counter|step)(/.+)?": "a count of steps",
    r"(.+/)?(cls|predictions)/.+|mlm/.+": "a pretraining head of the Model Garden",
}


def name_of(row: tables.Row) -> str:
    """What Google calls a row of the table."""
    return f"{'bert/' if row.in_encoder else ''}{_renamed(row.tensor, _RENAMES)}"


def mobile_name_of(row: tables.Row) -> str:
    """What MobileBERT's code calls a row of the table: normalisations in the encoder are none."""
    name = name_of(row)
    return name.replace("/LayerNorm/", "/FakeLayerNorm/") if row.in_encoder else name


def garden_name_of(row: tables.Row) -> str:
    """What the Model Garden calls a row of the table."""
    return _renamed(name_of(row), _GARDEN_RENAMES)


def _renamed(name: str, renames: tuple[tuple[str, str], ...]) -> str:
    return functools.reduce(lambda renamed, pair: renamed.replace(*pair), renames, name)


def arranged(
    stored: Mapping[str, LazyTensor], config: EncoderConfig
) -> tuple[dict[str, Tensor], dict[str, str], dict[str, str]]:
    """Brings the tensors of a bundle into the order of the table.

    Args:
        stored: by the names of their variables, TensorFlow 1's or 2's.
        config: of the model.

    Returns:
        Tensors, their names in the bundle, and what is skipped, as ``Checkpoint`` has them.
    """
    rows = tables.architecture(config.model_type).every_row(config)
    names_of = (garden_name_of, mobile_name_of, name_of)
    known = {name(row): row.tensor for row in rows for name in names_of}
    tensors: dict[str, Tensor] = {}
    names, skipped = {}, {}
    for name, tensor in stored.items():
        if name not in known and (reason := _why_skippable(name, tensor)):
            skipped[name] = reason
        else:
            row = known.get(name, name)
            tensors[row], names[row] = _laid_out(name, tensor), name
    return tensors, names, skipped


def _why_skippable(name: str, tensor: LazyTensor) -> str | None:
    if tensor.dtype.kind not in "fV":  # NumPy calls bfloat16 a type of its own kind, "V"
        return f"no weight: {tensor.dtype}"
    return next((why for like, why in _SKIPPABLE.items() if re.fullmatch(like, name)), None)


def _laid_out(name: str, tensor: LazyTensor) -> Tensor:
    """A tensor as Hugging Face has it: without an axis for heads, kernels transposed."""
    shape = tensor.shape
    if name.endswith("/extra_output_weights"):
        return transposed(tensor)
    if name.endswith("/bias"):
        return _reshaped(tensor, (math.prod(shape),))
    if not name.endswith("/kernel") or len(shape) < 2:
        return tensor
    inputs = len(shape) - 1 if "attention_output" in name else 1
    return transposed(_reshaped(tensor, (math.prod(shape[:inputs]), math.prod(shape[inputs:]))))


def _reshaped(tensor: LazyTensor, shape: tuple[int, ...]) -> LazyTensor:
    return LazyTensor(tensor.dtype, shape, lambda: tensor.read().reshape(shape))

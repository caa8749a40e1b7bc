"""The tables of all architectures, by ``model_type``."""

from __future__ import annotations

import difflib

from keras_bert_zoo.checkpoints.architecture import Architecture, Row
from keras_bert_zoo.checkpoints.tables.albert import ALBERT
from keras_bert_zoo.checkpoints.tables.bert import BERT
from keras_bert_zoo.checkpoints.tables.deberta import DEBERTA
from keras_bert_zoo.checkpoints.tables.distilbert import DISTILBERT
from keras_bert_zoo.checkpoints.tables.electra import ELECTRA
from keras_bert_zoo.checkpoints.tables.mobilebert import MOBILEBERT
from keras_bert_zoo.checkpoints.tables.modernbert import MODERNBERT
from keras_bert_zoo.checkpoints.tables.mpnet import MPNET
from keras_bert_zoo.checkpoints.tables.roberta import CAMEMBERT, ROBERTA, XLM_ROBERTA

__all__ = ["ARCHITECTURES", "BERT", "Architecture", "Row", "architecture"]

ARCHITECTURES: dict[str, Architecture] = {
    "bert": BERT,
    "electra": ELECTRA,
    "roberta": ROBERTA,
    "xlm-roberta": XLM_ROBERTA,
    "camembert": CAMEMBERT,
    "distilbert": DISTILBERT,
    "mpnet": MPNET,
    "albert": ALBERT,
    "modernbert": MODERNBERT,
    "deberta-v2": DEBERTA,
    "mobilebert": MOBILEBERT,
}


def architecture(model_type: str) -> Architecture:
    """Returns the tables of an architecture.

    Raises:
        ValueError: no architecture has that name.
    """
    if model_type not in ARCHITECTURES:
        near = difflib.get_close_matches(str(model_type)[:20], ARCHITECTURES, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(
            f"model_type must be one of {sorted(ARCHITECTURES)}, received {model_type!r}.{hint}"
        )
    return ARCHITECTURES[model_type]

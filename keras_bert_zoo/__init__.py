"""BERT for Keras: from a published checkpoint to a verified model for server and edge."""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

# Where each public name lives. They load on first use, so that importing the package,
# and asking the command line for help, loads no TensorFlow.
_HOMES = {
    "BertAdamW": "keras_bert_zoo.training.optimizers",
    "BertEncoder": "keras_bert_zoo.models",
    "Bundle": "keras_bert_zoo.bundle",
    "ByteBpeTokenizer": "keras_bert_zoo.tokenizers",
    "CausalLM": "keras_bert_zoo.models",
    "Decoder": "keras_bert_zoo.models",
    "DecoderConfig": "keras_bert_zoo.generator_config",
    "EncoderConfig": "keras_bert_zoo.config",
    "EncoderDecoder": "keras_bert_zoo.models",
    "FinetuneRecipe": "keras_bert_zoo.training.recipe",
    "MultipleChoice": "keras_bert_zoo.models",
    "NextSentencePredictor": "keras_bert_zoo.models",
    "Predictor": "keras_bert_zoo.tasks.predictor",
    "PretrainingModel": "keras_bert_zoo.models",
    "QuestionAnswerer": "keras_bert_zoo.models",
    "ReplacedTokenDetector": "keras_bert_zoo.models",
    "ReplacedTokenModel": "keras_bert_zoo.models",
    "SentenceEmbedder": "keras_bert_zoo.models",
    "Seq2SeqConfig": "keras_bert_zoo.generator_config",
    "SequenceClassifier": "keras_bert_zoo.models",
    "TokenClassifier": "keras_bert_zoo.models",
    "UnigramTokenizer": "keras_bert_zoo.tokenizers",
    "WordPieceTokenizer": "keras_bert_zoo.tokenizers",
    "calibrate": "keras_bert_zoo.tasks.calibration",
    "encoder_decoder_of": "keras_bert_zoo.models",
    "finetune": "keras_bert_zoo.training.finetune",
    "generate": "keras_bert_zoo.generation",
    "load": "keras_bert_zoo.bundle",
    "load_tokenizer": "keras_bert_zoo.tokenizers",
    "predictor": "keras_bert_zoo.tasks.predictor",
    "save": "keras_bert_zoo.bundle",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {__all__}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]

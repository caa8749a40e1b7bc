"""A tiny model of every architecture: a new row of the tables is tested by what uses these."""

from __future__ import annotations

import numpy as np

from keras_bert_zoo.checkpoints.tables import ARCHITECTURES
from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.families import family

SIZES = {
    "vocab_size": 61,
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "intermediate_size": 40,
    "max_position_embeddings": 20,
}
# Every architecture with every task that it has a head for.
PAIRS = [(kind, task) for kind, table in ARCHITECTURES.items() for task in table.classes]


def tiny(model_type: str, **changes: object) -> EncoderConfig:
    """Sizes that are all different, so that a mixed-up axis shows."""
    narrow = {"embedding_size": 16} if "embedding_size" in family(model_type).defaults else {}
    return EncoderConfig.from_dict({"model_type": model_type, **SIZES, **narrow, **changes})


def batch(config: EncoderConfig, lengths=(9, 6, 3), seed: int = 0) -> dict[str, np.ndarray]:
    """Random rows, padded to the right with the pad token; segments where there are several."""
    rng = np.random.default_rng(seed)
    shape = (len(lengths), max(lengths))
    mask = (np.arange(shape[1]) < np.array(lengths)[:, None]).astype("int32")
    ids = rng.integers(config.pad_token_id + 1, config.vocab_size, shape)
    arrays = {"input_ids": np.where(mask, ids, config.pad_token_id), "attention_mask": mask}
    if config.type_vocab_size > 1:
        arrays["token_type_ids"] = rng.integers(0, config.type_vocab_size, shape) * mask
    return {name: values.astype("int32") for name, values in arrays.items()}

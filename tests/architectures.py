"""A tiny model of every architecture: a new row of the tables is tested by what uses these."""

from __future__ import annotations

import numpy as np

from keras_bert_zoo.checkpoints.tables import ARCHITECTURES
from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.families import family
from keras_bert_zoo.models import ENCODERS

SIZES = {
    "vocab_size": 61,
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "intermediate_size": 40,
    "max_position_embeddings": 20,
}
# Choices that short rows can show.
CHOICES: dict[str, dict[str, object]] = {
    "modernbert": {"local_attention": 6},
    # As version 3 was published, with buckets of distances that grow.
    "deberta-v2": {
        "relative_attention": True,
        "pos_att_type": "p2c|c2p",
        "position_buckets": 4,
        "max_relative_positions": -1,
        "share_att_key": True,
        "norm_rel_ebd": "layer_norm",
        "position_biased_input": False,
    },
    # As it was published, but for its widths; vectors stay near 1, where 1e-5 says something.
    "mobilebert": {
        "intra_bottleneck_size": 12,
        "num_feedforward_networks": 3,
        "classifier_activation": False,
    },
}
# What other configs of a family may choose, with a task that shows it.
VARIANTS: list[tuple[str, str | None, dict[str, object]]] = [
    ("modernbert", "sequence_classification", {"classifier_pooling": "mean"}),
    ("modernbert", "masked_lm", {"decoder_bias": False, "classifier_activation": "silu"}),
    (
        "modernbert",
        "token_classification",
        {
            **dict.fromkeys(("attention_bias", "mlp_bias", "norm_bias", "classifier_bias"), True),
            "layer_types": ["sliding_attention", "full_attention"],
            "rope_parameters": {
                "full_attention": {"rope_type": "default", "rope_theta": 500.0},
                "sliding_attention": {"rope_type": "default", "rope_theta": 20.0},
            },
        },
    ),
    (
        "modernbert",
        None,
        {"global_attn_every_n_layers": 1, "global_rope_theta": 300.0, "local_rope_theta": 20.0},
    ),
    ("deberta-v2", "masked_lm", {"legacy": False}),
    ("deberta-v2", "sequence_classification", {"pooler_hidden_act": "tanh"}),
    ("deberta-v2", None, {"share_att_key": False, "position_biased_input": True}),
    ("deberta-v2", None, {"share_att_key": False, "pos_att_type": ["c2p"], "norm_rel_ebd": "none"}),
    ("deberta-v2", None, {"pos_att_type": "p2c", "position_buckets": -1, "type_vocab_size": 2}),
    ("deberta-v2", None, {"position_buckets": -1, "max_relative_positions": 5}),
    ("mobilebert", "pretraining", {"normalization_type": "layer_norm"}),
    ("mobilebert", "sequence_classification", {"classifier_activation": True}),
    ("mobilebert", None, {"classifier_activation": True}),
    ("mobilebert", "masked_lm", {"use_bottleneck": False, "hidden_act": "gelu"}),
    ("mobilebert", None, {"trigram_input": False, "num_feedforward_networks": 1}),
    (
        "mobilebert",
        None,
        {"use_bottleneck_attention": True, "key_query_shared_bottleneck": False},
    ),
]
# The encoders that have other blocks than BERT.
OWN_BLOCKS = [kind for kind in ENCODERS if kind in ARCHITECTURES]
# Every architecture with every task that it has a head for.
PAIRS = [(kind, task) for kind, table in ARCHITECTURES.items() for task in table.classes]


def tiny(model_type: str, **changes: object) -> EncoderConfig:
    """Sizes that are all different, so that a mixed-up axis shows."""
    more = {**CHOICES.get(model_type, {}), **changes}
    narrow = {"embedding_size": 16} if "embedding_size" in family(model_type).defaults else {}
    return EncoderConfig.from_dict({"model_type": model_type, **SIZES, **narrow, **more})


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

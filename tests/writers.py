"""A tiny model of every kind that writes, every weight with a value of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_bert_zoo.generator_config import DecoderConfig, Seq2SeqConfig
from keras_bert_zoo.models import CausalLM, Decoder, Writer, encoder_decoder_of

VOCAB, PAD, END, START = 61, 0, 1, 2
BERT = {
    "model_type": "bert",
    "vocab_size": VOCAB,
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "intermediate_size": 40,
    "max_position_embeddings": 40,
}
IDS = {"pad_token_id": PAD, "eos_token_id": END}
TRANSFORMER = {
    **IDS,
    "decoder_start_token_id": START,
    "vocab_size": VOCAB,
    "d_model": 24,
    "encoder_layers": 2,
    "decoder_layers": 3,
    "encoder_attention_heads": 3,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 40,
    "decoder_ffn_dim": 28,
    "max_position_embeddings": 40,
    "scale_embedding": True,
    "activation_function": "relu",
}
# The kinds of which ``transformers`` has a class.
PUBLISHED = ("gpt2", "bert", "encoder-decoder", "tied", "marian", "pegasus")
CONFIGS: dict[str, dict[str, Any]] = {
    "gpt2": {
        **IDS,
        "model_type": "gpt2",
        "vocab_size": VOCAB,
        "n_embd": 24,
        "n_layer": 2,
        "n_head": 3,
        "n_positions": 40,
        "bos_token_id": START,
    },
    "bert": {**BERT, **IDS, "is_decoder": True},
    "prefix": {**BERT, **IDS, "is_decoder": True, "prefix_lm": True},
    "encoder-decoder": {
        **IDS,
        "model_type": "encoder-decoder",
        "decoder_start_token_id": START,
        "encoder": BERT,
        "decoder": {
            **BERT,
            "num_hidden_layers": 3,
            "is_decoder": True,
            "add_cross_attention": True,
        },
    },
    "tied": {
        **IDS,
        "model_type": "encoder-decoder",
        "tie_encoder_decoder": True,
        "decoder_start_token_id": START,
        "encoder": BERT,
        "decoder": {**BERT, "is_decoder": True, "add_cross_attention": True},
    },
    "marian": {**TRANSFORMER, "model_type": "marian", "forced_eos_token_id": None},
    "pegasus": {**TRANSFORMER, "model_type": "pegasus", "forced_eos_token_id": None},
}
LENGTHS = (9, 4, 2)


def tiny_writer(
    kind: str, *, scale: float = 0.2, changes: Mapping[str, Any] = {}, **options: Any
) -> Writer:
    """A model of a kind, some keys of its config changed, with weights of a fixed seed."""
    values = {**CONFIGS[kind], **changes}
    if "decoder_start_token_id" in values:
        config = Seq2SeqConfig.from_dict(values)
        model: Writer = encoder_decoder_of(config, encoder=options, decoder=options)
    else:
        model = CausalLM(Decoder(DecoderConfig.from_dict(values), **options))
    rng = np.random.default_rng(7)
    for variable in model.weights:
        shape = tuple(variable.shape)
        variable.assign(scale * rng.standard_normal(shape) + variable.path.endswith("gamma"))
    return model


def rows(lengths=LENGTHS, seed: int = 0) -> dict[str, np.ndarray]:
    """Random tokens, padded behind."""
    rng = np.random.default_rng(seed)
    mask = (np.arange(max(lengths)) < np.array(lengths)[:, None]).astype("int32")
    ids = rng.integers(START + 1, VOCAB, mask.shape)
    return {"input_ids": (ids * mask).astype("int32"), "attention_mask": mask}


def inputs_of(model: Writer) -> dict[str, np.ndarray]:
    """All that a model reads in training."""
    arrays = rows()
    if "token_type_ids" in model.input and model.task == "causal_lm":
        # The first three tokens are read, what follows is written.
        return {**arrays, "token_type_ids": (np.arange(9) >= 3) * arrays["attention_mask"]}
    if model.task == "causal_lm":
        return arrays
    written = {f"decoder_{name}": x for name, x in rows((5, 7, 3), seed=1).items()}
    return {**with_segments(model, arrays), **written}


def with_segments(model: Writer, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The inputs of an encoder."""
    if "token_type_ids" not in model.encoder.input:
        return arrays
    return {**arrays, "token_type_ids": np.zeros_like(arrays["input_ids"])}

"""Models that write: which tensor of Hugging Face's is which variable.

The tables are those of a config: sides with a config each are tables within a table.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping

from keras_bert_zoo.checkpoints.architecture import Architecture, Row
from keras_bert_zoo.checkpoints.rows import BLOCK, block, norm, table
from keras_bert_zoo.checkpoints.tables import architecture
from keras_bert_zoo.checkpoints.tables.bert import BERT
from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.generator_config import NESTED, DecoderConfig, Seq2SeqConfig

_ACROSS = {
    "cross_attention/query": "crossattention.self.query",
    "cross_attention/key": "crossattention.self.key",
    "cross_attention/value": "crossattention.self.value",
    "cross_attention/output": "crossattention.output.dense",
    "cross_norm": "crossattention.output.LayerNorm",
}
# Of the Transformer: the same for both sides, but for what attends to the encoder.
_STACK = {
    "attention/query": "self_attn.q_proj",
    "attention/key": "self_attn.k_proj",
    "attention/value": "self_attn.v_proj",
    "attention/output": "self_attn.out_proj",
    "attention_norm": "self_attn_layer_norm",
    "intermediate": "fc1",
    "output": "fc2",
    "output_norm": "final_layer_norm",
}
_STACK_ACROSS = {
    "cross_attention/query": "encoder_attn.q_proj",
    "cross_attention/key": "encoder_attn.k_proj",
    "cross_attention/value": "encoder_attn.v_proj",
    "cross_attention/output": "encoder_attn.out_proj",
    "cross_norm": "encoder_attn_layer_norm",
}
# GPT-2 holds kernels as Keras does; queries, keys and values are one tensor in the file.
FUSED = {"attn.c_attn": ("attn.query", "attn.key", "attn.value")}
_GPT2 = {
    "attention/query": "attn.query",
    "attention/key": "attn.key",
    "attention/value": "attn.value",
    "attention/output": "attn.c_proj",
    "attention_norm": "ln_1",
    "intermediate": "mlp.c_fc",
    "output": "mlp.c_proj",
    "output_norm": "ln_2",
}
# Where the Transformer's one word table may be stored again.
_SHARED = (
    "lm_head.weight",
    "model.encoder.embed_tokens.weight",
    "model.decoder.embed_tokens.weight",
)
# A row for all words in the file, of which they are one axis of two.
BIAS_OF_WORDS = "final_logits_bias"


def writer_tables(config: DecoderConfig | Seq2SeqConfig) -> Architecture:
    """The tables of a model that writes: names as they are stored, without a prefix.

    Raises:
        ValueError: no such model is known.
    """
    if isinstance(config, DecoderConfig):
        return _causal(config)
    return _nested(config) if config.model_type == NESTED else _transformer(config)


def _causal(config: DecoderConfig) -> Architecture:
    if config.model_type == "gpt2":
        return Architecture(
            name="GPT2",
            prefix="transformer.",
            body=(
                table("wte", "decoder/embeddings/word_embeddings"),
                table("wpe", "decoder/embeddings/position_embeddings"),
                *_layers(config, "h", _GPT2, transposed=False),
                *norm("ln_f", "decoder/final_norm"),
            ),
            heads={"causal_lm": ()},
            published={"causal_lm": "GPT2LMHeadModel"},
            copies={"lm_head.weight": "wte.weight"},
            skippable={r"h\.\d+\.attn\.(bias|masked_bias)": "a buffer of the mask"},
        )
    _check_bert(config)
    return dataclasses.replace(
        BERT,
        prefix="",
        body=tuple(_bert_decoder(config, "bert.", "cls.")),
        heads={"causal_lm": ()},
        published={"causal_lm": "BertLMHeadModel"},
        copies=_copies("bert.", "cls."),
        skippable={r"cls\.seq_relationship\..*": "a head", **_of("bert.", BERT.skippable)},
    )


def _nested(config: Seq2SeqConfig) -> Architecture:
    _check_bert(config.decoder)
    tables = architecture(config.encoder.model_type)
    encoder = [
        dataclasses.replace(row, tensor=f"encoder.{row.tensor}")
        for row in tables.rows(config.encoder, pooler=False, task=None)
    ]
    decoder = list(_bert_decoder(config.decoder, "decoder.bert.", "decoder.cls."))
    copies = tied_copies(config)
    if copies:
        # By the decoder's names: every file has those.
        encoder = [dataclasses.replace(row, tensor=copies[row.tensor]) for row in encoder]
        decoder = [row for row in decoder if row.tensor not in copies.values()]
    return Architecture(
        name="EncoderDecoder",
        prefix="",
        body=(*encoder, *decoder),
        heads={"seq2seq": ()},
        published={"seq2seq": "EncoderDecoderModel"},
        copies={**_copies("decoder.bert.", "decoder.cls."), **copies},
        aliases=BERT.aliases,
        skippable={
            r"encoder\.pooler\..*": "a pooler, which nothing reads",
            **dict.fromkeys(map(re.escape, copies), "a copy of the decoder's"),
            **_of("encoder.", tables.skippable),
            **_of("decoder.bert.", BERT.skippable),
        },
    )


def tied_copies(config: DecoderConfig | Seq2SeqConfig) -> dict[str, str]:
    """Tensors of an encoder that are those of its decoder: `transformers` 4 stores the latter."""
    if isinstance(config, DecoderConfig) or not config.tied:
        return {}
    rows = BERT.rows(config.encoder, pooler=False, task=None)
    return {f"encoder.{row.tensor}": f"decoder.bert.{row.tensor}" for row in rows}


def _transformer(config: Seq2SeqConfig) -> Architecture:
    sides = {"encoder": config.encoder, "decoder": config.decoder}
    rows = [
        row
        for side, its in sides.items()
        for row in _layers(
            its,
            f"model.{side}.layers",
            {**_STACK, **(_STACK_ACROSS if side == "decoder" else {})},
            scope=side,
        )
    ]
    if config.encoder.choices.norm_first:
        rows += [
            row for side in sides for row in norm(f"model.{side}.layer_norm", f"{side}/final_norm")
        ]
    return Architecture(
        name=config.model_type.capitalize(),
        prefix="",
        body=(
            table("model.shared", "embeddings/word_embeddings"),
            *rows,
            Row(BIAS_OF_WORDS, "decoder/predictions/bias"),
        ),
        heads={"seq2seq": ()},
        published={
            "seq2seq": {
                "marian": "MarianMTModel",
                "pegasus": "PegasusForConditionalGeneration",
            }[config.model_type]
        },
        copies=dict.fromkeys(_SHARED, "model.shared.weight"),
        skippable={r"model\.(en|de)coder\.embed_positions\.weight": "sines, which are computed"},
    )


def _layers(
    config: EncoderConfig,
    tensor: str,
    names: Mapping[str, str],
    *,
    scope: str = "decoder",
    transposed: bool = True,
) -> Iterable[Row]:
    for index in range(config.num_hidden_layers):
        for row in block(f"{tensor}.{index}", f"{scope}/layer_{index}", names):
            yield row if transposed else dataclasses.replace(row, transposed=False)


def _bert_decoder(config: DecoderConfig, prefix: str, head: str) -> Iterable[Row]:
    names = {**BLOCK, **(_ACROSS if config.cross_attention else {})}
    for row in BERT.rows(config, pooler=False, task="masked_lm"):
        if row.variable.startswith("predictions/"):
            tensor = head + row.tensor.removeprefix("cls.")
        elif row.variable.startswith("encoder/"):
            continue
        else:
            tensor = prefix + row.tensor
        yield dataclasses.replace(row, tensor=tensor, variable=f"decoder/{row.variable}")
    yield from _layers(config, f"{prefix}encoder.layer", names)


def _copies(prefix: str, head: str) -> dict[str, str]:
    return {
        f"{head}predictions.decoder.weight": f"{prefix}embeddings.word_embeddings.weight",
        f"{head}predictions.decoder.bias": f"{head}predictions.bias",
    }


def _of(prefix: str, skippable: Mapping[str, str]) -> dict[str, str]:
    escaped = prefix.replace(".", r"\.")
    return {escaped + pattern: reason for pattern, reason in skippable.items()}


def _check_bert(config: DecoderConfig) -> None:
    if config.model_type != "bert":
        raise ValueError(
            "A decoder may be BERT's (model_type 'bert'), GPT-2's ('gpt2') or that of 'marian' and "
            f"'pegasus', received model_type {config.model_type!r}."
        )

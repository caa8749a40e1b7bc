"""BERT (Devlin et al. 2018, arXiv:1810.04805) as a functional ``keras.Model``.

And what has its blocks, each normalised after its sub-layers: RoBERTa, XLM-R, CamemBERT, ELECTRA,
DistilBERT, ALBERT, MPNet. What tells them apart is in ``EncoderConfig``.
"""

from __future__ import annotations

from typing import Any

import keras

from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.layers import (
    AttentionBias,
    Embeddings,
    EncoderBlock,
    Linear,
    Pooler,
    RelativePositions,
)
from keras_bert_zoo.models.named_inputs import NamedInputs


def encoder_inputs(config: EncoderConfig, packed: bool = False) -> dict[str, keras.KerasTensor]:
    """The int32 inputs ``(B, S)`` of an encoder, by name.

    Segments where there are several, and positions if packed.
    """
    names = ["input_ids", "attention_mask"]
    names += ["token_type_ids"] * (config.type_vocab_size > 1) + ["position_ids"] * packed
    return {name: keras.Input((None,), dtype="int32", name=name) for name in names}


@keras.saving.register_keras_serializable("keras_bert_zoo")
class BertEncoder(NamedInputs):
    """BERT without a task head.

    Inputs are a dict of int32 ``(B, S)``: ``input_ids``; ``attention_mask``, 1 for tokens
    and 0 for padding; ``token_type_ids``, the segment, where the config has several (else it is
    left out, or not read). Outputs are a dict:
    ``last_hidden_state`` ``(B, S, H)``, ``pooler_output`` ``(B, H)``, and on request
    ``hidden_states`` (a list of ``num_hidden_layers + 1`` tensors ``(B, S, H)``, the
    embeddings first) and ``attentions`` (a list of ``(B, N, S, S)``).

    Args:
        config: sizes and choices.
        add_pooling_layer: whether the pooler and its output exist; some checkpoints
            have none.
        output_hidden_states: whether ``hidden_states`` is an output.
        output_attentions: whether ``attentions`` is an output.
        packed: whether a row holds several documents, as ``data.pretraining`` packs them:
            ``attention_mask`` is then the number of each token's document, from 1, and 0 for
            padding; tokens see their own document alone; and ``position_ids``, which start
            again with each document, are a fourth input. The weights are the same.
        embeddings: a layer to share with another encoder; where its width is not
            ``hidden_size`` it is projected (Clark et al. 2020, arXiv:2003.10555).
        fused_attention: whether the backend's own kernel attends, which pays on GPUs with JAX;
            without ``output_attentions`` and dropout of attention probabilities.
        recompute: whether training computes the inside of each block a second time, for the
            gradient, instead of keeping it: less memory, and a third more products.
        dtype: dtype policy of the layers, e.g. ``"mixed_bfloat16"``; the global one by
            default.

    Example:
        >>> config = EncoderConfig(
        ...     vocab_size=100, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        ...     intermediate_size=32, max_position_embeddings=64)
        >>> encoder = BertEncoder(config)
        >>> ids = np.array([[2, 5, 6, 3]], "int32")
        >>> outputs = encoder({
        ...     "input_ids": ids, "attention_mask": np.ones_like(ids),
        ...     "token_type_ids": np.zeros_like(ids)})
        >>> tuple(outputs["last_hidden_state"].shape)
        (1, 4, 16)
    """

    task: str | None = None

    def __init__(
        self,
        config: EncoderConfig,
        *,
        add_pooling_layer: bool = True,
        output_hidden_states: bool = False,
        output_attentions: bool = False,
        packed: bool = False,
        embeddings: Embeddings | None = None,
        fused_attention: bool = False,
        recompute: bool = False,
        dtype: Any = None,
        name: str = "bert",
        **kwargs: Any,
    ) -> None:
        if fused_attention and output_attentions:
            raise ValueError(
                "Fused attention makes no attentions. Pass either fused_attention or "
                "output_attentions."
            )

        # === Layers ===
        shared, embeddings = embeddings is not None, embeddings or _embeddings(config, dtype)
        attention_bias = AttentionBias(packed=packed, name="attention_bias", dtype=dtype)
        inside = {"fused_attention": fused_attention, "recompute": recompute, "dtype": dtype}
        blocks = [encoder_block(config, index, inside) for index in range(config.groups)]
        layers_of_a_block = config.num_hidden_layers // config.groups

        # === Functional graph ===
        inputs = encoder_inputs(config, packed)
        further = {k: inputs[k] for k in ("token_type_ids", "position_ids") if k in inputs}
        hidden = embeddings(inputs["input_ids"], **further)
        if hidden.shape[-1] != config.hidden_size:
            project = Linear(
                config.hidden_size,
                initializer_range=config.initializer_range,
                name="embeddings_project",
                dtype=dtype,
            )
            hidden = project(hidden)
        bias = attention_bias(inputs["attention_mask"])
        if buckets := config.relative_attention_num_buckets:
            bias = _distances(config, buckets, dtype)(inputs["input_ids"], bias)
        hidden_states: list[Any] = [hidden]
        attentions: list[Any] = []
        # The scope makes variable paths read `encoder/layer_0/attention/query/kernel`.
        with keras.name_scope("encoder"):
            for layer in range(config.num_hidden_layers):
                output = blocks[layer // layers_of_a_block](hidden, bias)
                hidden, *probabilities = [output] if fused_attention else output
                hidden_states.append(hidden)
                attentions += probabilities
        outputs: dict[str, Any] = {"last_hidden_state": hidden}
        if add_pooling_layer:
            pooler = Pooler(config.initializer_range, name="pooler", dtype=dtype)
            outputs["pooler_output"] = pooler(hidden)
        if output_hidden_states:
            outputs["hidden_states"] = hidden_states
        if output_attentions:
            outputs["attentions"] = attentions
        super().__init__(inputs=inputs, outputs=outputs, name=name, **kwargs)

        # === Config ===
        self.config = config
        self.shares_embeddings = shared
        self.options = {
            "add_pooling_layer": add_pooling_layer,
            "output_hidden_states": output_hidden_states,
            "output_attentions": output_attentions,
            "packed": packed,
            "fused_attention": fused_attention,
            "recompute": recompute,
        }
        # `compile` reads it to decide on loss scaling.
        self.dtype_policy = embeddings.dtype_policy

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments, the encoder config as ``config.json`` holds it.

        Raises:
            ValueError: the embeddings are shared with another encoder.
        """
        if self.shares_embeddings:
            raise ValueError(
                f"The embeddings of {self.name} are another encoder's: save the model that holds "
                "both."
            )
        return {
            "config": self.config.to_dict(),
            **self.options,
            "dtype": keras.saving.serialize_keras_object(self.dtype_policy),
            "name": self.name,
            "trainable": self.trainable,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> BertEncoder:
        """Rebuilds the model from ``get_config``."""
        values = dict(config)
        values["config"] = EncoderConfig.from_dict(values["config"])
        values["dtype"] = keras.saving.deserialize_keras_object(values["dtype"])
        return cls(**values)


def _embeddings(config: EncoderConfig, dtype: Any) -> Embeddings:
    return Embeddings(
        vocab_size=config.vocab_size,
        hidden_size=config.table_width,
        max_position_embeddings=config.max_position_embeddings,
        type_vocab_size=config.type_vocab_size,
        padding=config.pad_token_id if config.position_offset else None,
        position_embedding_type=config.position_embedding_type,
        dropout=config.hidden_dropout_prob,
        epsilon=config.layer_norm_eps,
        initializer_range=config.initializer_range,
        dtype=dtype,
        name="embeddings",
    )


def _distances(config: EncoderConfig, buckets: int, dtype: Any) -> RelativePositions:
    return RelativePositions(
        config.num_attention_heads,
        buckets,
        config.max_tokens,
        initializer_range=config.initializer_range,
        dtype=dtype,
        name="relative_positions",
    )


def encoder_block(config: EncoderConfig, index: int, options: dict[str, Any]) -> EncoderBlock:
    """A block of the sizes that a config states, by the name ``layer_`` and its index."""
    return EncoderBlock(
        num_heads=config.num_attention_heads,
        head_size=config.head_size,
        intermediate_size=config.intermediate_size,
        activation=config.hidden_act,
        dropout=config.hidden_dropout_prob,
        attention_dropout=config.attention_probs_dropout_prob,
        epsilon=config.layer_norm_eps,
        initializer_range=config.initializer_range,
        **options,
        name=f"layer_{index}",
    )

"""What all encoders are: functional models with a config, a dict in, a dict out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import keras

from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.layers import Embeddings, Linear, Pooler
from keras_bert_zoo.models.configured import Configured, embedding_sizes


def encoder_inputs(config: EncoderConfig, packed: bool = False) -> dict[str, keras.KerasTensor]:
    """The int32 inputs ``(B, S)`` of an encoder, by name.

    Segments where there are several, and positions if packed.
    """
    names = ["input_ids", "attention_mask"]
    names += ["token_type_ids"] * (config.type_vocab_size > 1) + ["position_ids"] * packed
    return {name: keras.Input((None,), dtype="int32", name=name) for name in names}


class Steps(NamedTuple):
    """What an architecture does, in the order in which it is done.

    Args:
        embedded: the embeddings of the tokens, ``(B, S, H)``, or ``table_width`` wide.
        layers: the block of each layer, and what it is given with the hidden states; it returns
            new ones and, where attention is not fused, the probabilities.
        last: what is done to the hidden states of the last layer.
    """

    embedded: Any
    layers: Sequence[tuple[Any, Mapping[str, Any]]]
    last: Callable[[Any], Any] = lambda hidden: hidden


class Encoder(Configured):
    """An encoder without a task head; its subclasses are the architectures.

    Inputs are a dict of int32 ``(B, S)``: ``input_ids``; ``attention_mask``, 1 for tokens
    and 0 for padding; ``token_type_ids``, the segment, where the config has several (else it is
    left out, or not read). Outputs are a dict:
    ``last_hidden_state`` ``(B, S, H)``, ``pooler_output`` ``(B, H)``, and on request
    ``hidden_states`` (a list of ``num_hidden_layers + 1`` tensors ``(B, S, H)``, the
    embeddings first) and ``attentions`` (a list of ``(B, N, S, S)``).

    Args:
        config: sizes and choices.
        add_pooling_layer: whether BERT's pooler and its output exist; some checkpoints have none.
            By default as the architecture was published.
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
    """

    task: str | None = None
    has_pooler: ClassVar[bool] = False
    called: ClassVar[str]  # the name of a model that is given none
    embeds_with: ClassVar[type[Embeddings]] = Embeddings

    def __init__(
        self,
        config: EncoderConfig,
        *,
        add_pooling_layer: bool | None = None,
        output_hidden_states: bool = False,
        output_attentions: bool = False,
        packed: bool = False,
        embeddings: Embeddings | None = None,
        fused_attention: bool = False,
        recompute: bool = False,
        dtype: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if fused_attention and output_attentions:
            raise ValueError(
                "Fused attention makes no attentions. Pass either fused_attention or "
                "output_attentions."
            )

        if add_pooling_layer is None:
            add_pooling_layer = self.has_pooler

        # === Layers ===
        shared, embeddings = embeddings is not None, embeddings or self.embeddings(config, dtype)
        inside = {"fused_attention": fused_attention, "recompute": recompute, "dtype": dtype}

        # === Functional graph ===
        inputs = encoder_inputs(config, packed)
        steps = self.steps(config, inputs, embeddings, packed, inside, output_attentions)
        hidden = steps.embedded
        if hidden.shape[-1] != config.hidden_size:
            project = Linear(
                config.hidden_size,
                initializer_range=config.initializer_range,
                name="embeddings_project",
                dtype=dtype,
            )
            hidden = project(hidden)
        hidden_states: list[Any] = [hidden]
        attentions: list[Any] = []
        # The scope makes variable paths read `encoder/layer_0/attention/query/kernel`.
        with keras.name_scope("encoder"):
            for block, context in steps.layers:
                output = block(hidden, **context)
                hidden, *probabilities = [output] if fused_attention else output
                hidden_states.append(hidden)
                attentions += probabilities
            hidden = hidden_states[-1] = steps.last(hidden)
            block, context = steps.layers[-1]
            first = steps.last(block.of_first(hidden_states[-2], **context))
        outputs, of_first = {"last_hidden_state": hidden}, {"last_hidden_state": first}
        if add_pooling_layer:
            pooler = Pooler(
                config.initializer_range,
                projects=config.choices.pools_densely,
                name="pooler",
                dtype=dtype,
            )
            outputs["pooler_output"] = pooler(hidden)
            of_first["pooler_output"] = pooler(first)
        if output_hidden_states:
            outputs["hidden_states"] = hidden_states
        if output_attentions:
            outputs["attentions"] = attentions
        super().__init__(inputs=inputs, outputs=outputs, name=name or self.called, **kwargs)

        # Of the same layers, which are saved once.
        self._of_first = keras.Model(inputs, of_first, name=f"{self.name}_first")

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

    def call(
        self,
        inputs: Any,
        training: bool | None = None,
        mask: Any = None,
        first_token_only: bool = False,
    ) -> Any:
        """Runs the encoder.

        Args:
            inputs: see above.
            training: whether dropout is on.
            mask: not used.
            first_token_only: whether nothing but the first token is read of what is returned. The
                last layer computes no other then, where its architecture can do so:
                ``last_hidden_state`` is ``(B, 1, H)``, and there are but it and
                ``pooler_output``.

        Raises:
            ValueError: ``inputs`` is no dict, or has other names than the model's inputs.
        """
        if first_token_only:
            return self._of_first.call(self._named(inputs), training=training, mask=mask)
        return super().call(inputs, training=training, mask=mask)

    def compute_output_spec(
        self, inputs: Any, *others: Any, first_token_only: bool = False, **named: Any
    ) -> Any:
        """Shapes and types of what ``call`` returns."""
        if first_token_only:
            return self._of_first.compute_output_spec(self._named(inputs))
        return super().compute_output_spec(inputs, *others, **named)

    @classmethod
    def embeddings(cls, config: EncoderConfig, dtype: Any) -> Embeddings:
        """The layer that embeds tokens."""
        arguments = {**embedding_sizes(config), **cls.embedding_choices(config)}
        return cls.embeds_with(**arguments, dtype=dtype, name="embeddings")

    @staticmethod
    def embedding_choices(config: EncoderConfig) -> dict[str, Any]:
        """Arguments of ``Embeddings`` that the architecture has besides, or otherwise."""
        raise NotImplementedError

    @staticmethod
    def steps(
        config: EncoderConfig,
        inputs: dict[str, Any],
        embeddings: Embeddings,
        packed: bool,
        inside: dict[str, Any],
        attentions: bool,
    ) -> Steps:
        """What the architecture does.

        Args:
            config: sizes and choices.
            inputs: of the model, by name.
            embeddings: the layer that embeds tokens.
            packed: whether a row holds several documents.
            inside: what all blocks are made with.
            attentions: whether the probabilities of whole rows are asked for.
        """
        raise NotImplementedError

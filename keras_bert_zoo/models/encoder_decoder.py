"""An encoder that reads a text and a decoder that writes another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from keras_bert_zoo.generator_config import Seq2SeqConfig
from keras_bert_zoo.models.decoder import MEMORY, Decoder, Memory
from keras_bert_zoo.models.encoder import Encoder
from keras_bert_zoo.models.encoders import encoder_of
from keras_bert_zoo.models.named_inputs import inputs_like
from keras_bert_zoo.models.trained_parts import blocks_of
from keras_bert_zoo.models.writer import Writer, word_head

WRITES = "decoder_"


@keras.saving.register_keras_serializable("keras_bert_zoo")
class EncoderDecoder(Writer):
    """The Transformer (Vaswani et al. 2017), or BERT twice (Rothe et al. 2019, arXiv:1907.12461).

    Inputs are the encoder's, and int32 ``(B, T)`` ``decoder_input_ids`` and
    ``decoder_attention_mask``, what has been written at each place; packed, also
    ``decoder_position_ids``. The output is a dict with ``logits``, float32
    ``(B, T, vocab_size)``. ``fit`` takes as labels of ``logits`` the token that follows at each
    place, int ``(B, T)``, ``config.IGNORED`` where none does.

    Args:
        encoder: an ``Encoder``.
        decoder: a ``Decoder`` that attends to one.
        config: of both together.
        dtype: dtype policy of the head; that of the decoder by default.

    Raises:
        ValueError: one side is packed and the other is not, or the configs are others.
    """

    task = "seq2seq"

    def __init__(
        self,
        encoder: Encoder,
        decoder: Decoder,
        config: Seq2SeqConfig,
        *,
        dtype: Any = None,
        name: str = "encoder_decoder",
        **kwargs: Any,
    ) -> None:
        if encoder.options["packed"] != decoder.options["packed"]:
            raise ValueError("Encoder and decoder must both be packed, or neither of them.")
        policy = decoder.dtype_policy if dtype is None else dtype
        sources = inputs_like(encoder)
        hidden = encoder(sources)["last_hidden_state"]
        targets = {
            key: keras.Input(x.shape[1:], dtype=x.dtype, name=WRITES + key)
            for key, x in decoder.input.items()
            if key not in MEMORY
        }
        memory = dict(zip(MEMORY, (hidden, sources["attention_mask"]), strict=True))
        written = decoder({**targets, **memory})["last_hidden_state"]
        with keras.name_scope("decoder"):
            logits = word_head(decoder.config, decoder.embeddings, policy)(written)
        inputs = {**sources, **{WRITES + key: x for key, x in targets.items()}}
        super().__init__(encoder, config, inputs, {"logits": logits}, name=name, **kwargs)
        self.decoder = decoder

    def read(self, inputs: dict[str, Any]) -> Memory:
        """What the decoder is to know of texts, given as the encoder's inputs."""
        hidden = self.encoder(inputs, training=False)["last_hidden_state"]
        return self.decoder.read(hidden, inputs["attention_mask"])

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments: the sides are made again, for they may share a layer."""
        return {
            "config": self.config.to_dict(),
            "encoder_options": self.encoder.options,
            "decoder_options": self.decoder.options,
            "dtype": keras.saving.serialize_keras_object(self.dtype_policy),
            "name": self.name,
            "trainable": self.trainable,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> EncoderDecoder:
        """Rebuilds the model from ``get_config``."""
        values = dict(config)
        dtype = keras.saving.deserialize_keras_object(values.pop("dtype"))
        whole = Seq2SeqConfig.from_dict(values.pop("config"))
        options = {side: values.pop(f"{side}_options") for side in ("encoder", "decoder")}
        return encoder_decoder_of(whole, **options, dtype=dtype, **values)


def encoder_decoder_of(
    config: Seq2SeqConfig,
    *,
    encoder: Mapping[str, Any] | None = None,
    decoder: Mapping[str, Any] | None = None,
    dtype: Any = None,
    **options: Any,
) -> EncoderDecoder:
    """The model that a config describes.

    Args:
        config: of both sides.
        encoder: options of the ``Encoder``.
        decoder: options of the ``Decoder``.
        dtype: dtype policy of the layers; the global one by default.
        **options: of ``EncoderDecoder``.
    """
    reads = encoder_of(
        config.encoder, **{"add_pooling_layer": False, **(encoder or {})}, dtype=dtype
    )
    writes = Decoder(
        config.decoder,
        **(decoder or {}),
        embeddings=reads.get_layer("embeddings") if config.one_table or config.tied else None,
        encoder_blocks=blocks_of(reads) if config.tied else (),
        dtype=dtype,
    )
    return EncoderDecoder(reads, writes, config, dtype=dtype, **options)

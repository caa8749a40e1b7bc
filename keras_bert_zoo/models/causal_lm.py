"""A model of language that reads from the left (Radford et al. 2018 and 2019)."""

from __future__ import annotations

from typing import Any

import keras

from keras_bert_zoo.models.decoder import Decoder
from keras_bert_zoo.models.named_inputs import inputs_like
from keras_bert_zoo.models.writer import Writer, word_head


@keras.saving.register_keras_serializable("keras_bert_zoo")
class CausalLM(Writer):
    """A decoder that scores the next token at each place.

    Inputs are the decoder's; the output is a dict with ``logits``, float32
    ``(B, S, vocab_size)``. ``fit`` takes as labels of ``logits`` the token that follows at each
    place, int ``(B, S)``, ``config.IGNORED`` where none does.

    Args:
        decoder: a ``Decoder`` that attends to no encoder.
        dtype: dtype policy of the head; that of the decoder by default.

    Raises:
        ValueError: the decoder attends to an encoder.
    """

    task = "causal_lm"

    def __init__(
        self, decoder: Decoder, *, dtype: Any = None, name: str = "causal_lm", **kwargs: Any
    ) -> None:
        if decoder.config.cross_attention:
            raise ValueError("The decoder attends to an encoder: put both into an EncoderDecoder.")
        policy = decoder.dtype_policy if dtype is None else dtype
        inputs = inputs_like(decoder)
        hidden = decoder(inputs)["last_hidden_state"]
        with keras.name_scope("decoder"):
            logits = word_head(decoder.config, decoder.embeddings, policy)(hidden)
        super().__init__(decoder, decoder.config, inputs, {"logits": logits}, name=name, **kwargs)
        self.decoder = decoder

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> CausalLM:
        """Rebuilds the model from ``get_config``."""
        values = dict(config)
        values["decoder"] = keras.saving.deserialize_keras_object(values["decoder"])
        return cls(**values)

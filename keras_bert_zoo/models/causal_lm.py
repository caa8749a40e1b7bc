"""A model of language that reads from the left (Radford et al. 2018 and 2019)."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_bert_zoo.config import IGNORED
from keras_bert_zoo.models.decoder import Decoder
from keras_bert_zoo.models.named_inputs import inputs_like
from keras_bert_zoo.models.pretraining import LossTerm, cross_entropy_term
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

    def normalizers(self, inputs: Any, labels: Any, weights: Any) -> dict[str, Any]:
        """How many tokens there are to predict, a float scalar; see ``PretrainingModel``."""
        return {self.task: ops.sum(weights["logits"])}

    def loss_terms(
        self, inputs: Any, outputs: Any, labels: Any, weights: Any
    ) -> dict[str, LossTerm]:
        """The one term of the loss, ``causal_lm``.

        Args:
            inputs: what the model was given.
            outputs: what it answered.
            labels: of ``logits``, int ``(B, S)``, as for ``fit``.
            weights: of the same name, float ``(B, S)``; 0 where a label is ``IGNORED``.
        """
        wanted = labels["logits"]
        wanted = ops.where(ops.equal(wanted, IGNORED), 0, wanted)
        return {self.task: cross_entropy_term(outputs["logits"], wanted, weights["logits"])}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> CausalLM:
        """Rebuilds the model from ``get_config``."""
        values = dict(config)
        values["decoder"] = keras.saving.deserialize_keras_object(values["decoder"])
        return cls(**values)

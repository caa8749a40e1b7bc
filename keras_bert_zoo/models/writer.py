"""What models that write have in common: scores of the words that may come next."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_bert_zoo.generator_config import DecoderConfig
from keras_bert_zoo.layers import MaskedLMHead
from keras_bert_zoo.models.decoder import Decoder, Memory, Written
from keras_bert_zoo.models.task_model import TaskModel
from keras_bert_zoo.models.word_loss import WordLoss


class Writer(TaskModel):
    """A decoder with a head for words.

    A subclass has ``decoder`` and ``head``, and says what it has read before it writes.
    """

    decoder: Decoder
    config: Any
    # What part of a label the loss spreads over all tokens; read by `compile`.
    label_smoothing = 0.0

    def losses_by_output(self) -> dict[str, keras.losses.Loss]:
        """Cross-entropy of the token that follows."""
        return {"logits": WordLoss(self.label_smoothing)}

    @property
    def head(self) -> MaskedLMHead:
        """The layer that scores words."""
        return self.get_layer("predictions")

    def begin(self, prompt: Any, mask: Any, memory: Memory, capacity: int) -> tuple[Any, Written]:
        """Reads what a text begins with.

        Args:
            prompt: int32 ``(B, P)``.
            mask: 1 for tokens and 0 for the padding behind them, int32 ``(B, P)``.
            memory: of the encoder.
            capacity: tokens that there is to be room for, the prompt's among them.

        Returns:
            Logits of the next token of each row, ``(B, vocab_size)``, and what is known now.
        """
        written = self.decoder.start(ops.shape(prompt)[0], capacity)
        hidden, written = self.decoder.extend(prompt, written, memory, mask, begins=True)
        last = (written.positions - 1)[:, None]
        return self.head(hidden, last, few=True)[:, 0], written

    def go_on(self, token: Any, written: Written, memory: Memory) -> tuple[Any, Written]:
        """Reads one token more in each row, int32 ``(B,)``; returns what ``begin`` does."""
        hidden, written = self.decoder.extend(token[:, None], written, memory)
        return self.head(hidden, few=True)[:, 0], written

    def reach(self, token: Any, written: Written, memory: Memory) -> tuple[Any, Written]:
        """``go_on`` without the last product: what words are multiplied by, ``(B, H)``."""
        hidden, written = self.decoder.extend(token[:, None], written, memory)
        return self.head.states(hidden)[:, 0], written

    def branch(
        self, tokens: Any, written: Written, memory: Memory, seen: Any
    ) -> tuple[Any, Written]:
        """Reads tokens side by side, see ``Decoder.branch``; logits are ``(B, S, vocab_size)``."""
        hidden, written = self.decoder.branch(tokens, written, memory, seen)
        return self.head(hidden, few=True), written

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {
            "decoder": keras.saving.serialize_keras_object(self.decoder),
            "name": self.name,
            "trainable": self.trainable,
        }


def word_head(config: DecoderConfig, embeddings: Any, dtype: Any) -> MaskedLMHead:
    """The layer that scores words, as the architecture has it."""
    return MaskedLMHead(
        embeddings,
        activation=config.hidden_act,
        epsilon=config.layer_norm_eps,
        initializer_range=config.initializer_range,
        dtype=dtype,
        name="predictions",
        **config.choices.word_head,
    )

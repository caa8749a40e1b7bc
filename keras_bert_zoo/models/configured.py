"""What encoders and decoders have in common: a config, options, perhaps shared embeddings."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import keras

from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.models.named_inputs import NamedInputs


def embedding_sizes(config: EncoderConfig) -> dict[str, Any]:
    """Arguments of ``Embeddings`` that a config states whatever the architecture."""
    return {
        "vocab_size": config.vocab_size,
        "hidden_size": config.table_width,
        "max_position_embeddings": config.max_position_embeddings,
        "type_vocab_size": config.type_vocab_size,
        "dropout": config.hidden_dropout_prob,
        "epsilon": config.layer_norm_eps,
        "initializer_range": config.initializer_range,
    }


class Configured(NamedInputs):
    """A stack of blocks that is made of its config and options, and can be made again.

    A subclass sets ``config``, ``options``, ``dtype_policy`` and ``shares_embeddings``, whether
    the layer that embeds is another stack's.
    """

    config_class: ClassVar[type[EncoderConfig]] = EncoderConfig
    config: Any
    options: dict[str, Any]
    shares_embeddings: bool

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments, the config as ``config.json`` holds it.

        Raises:
            ValueError: the embeddings are shared.
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
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Self:
        """Rebuilds the model from ``get_config``."""
        values = dict(config)
        values["config"] = cls.config_class.from_dict(values["config"])
        values["dtype"] = keras.saving.deserialize_keras_object(values["dtype"])
        return cls(**values)

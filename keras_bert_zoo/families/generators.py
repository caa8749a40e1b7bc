"""Choices of models that write: GPT-2, and the Transformer as translator and summariser."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, ClassVar

from keras_bert_zoo.families.choices import Choices, Sizes
from keras_bert_zoo.rules import PART, SWITCH, Rule, only


@dataclasses.dataclass(frozen=True, kw_only=True)
class Gpt2Choices(Choices):
    """Of GPT-2 (Radford et al. 2019), with the defaults of `transformers`.

    Args:
        embd_pdrop: dropout of the embeddings.
        scale_attn_weights: must be true, as in all published checkpoints.
        scale_attn_by_inverse_layer_idx: must be false.
    """

    embd_pdrop: float = 0.1
    scale_attn_weights: bool = True
    scale_attn_by_inverse_layer_idx: bool = False

    norm_first: ClassVar[bool] = True
    rules: ClassVar[Mapping[str, Rule]] = {
        "embd_pdrop": PART,
        "scale_attn_weights": only(True),
        "scale_attn_by_inverse_layer_idx": only(False),
    }

    def embeddings(self, config: Sizes) -> Mapping[str, Any]:
        """Not normalised."""
        return {"norm": False, "dropout": self.embd_pdrop}

    @property
    def word_head(self) -> Mapping[str, Any]:
        """The word table alone."""
        return {"transform": False, "word_bias": False}


@dataclasses.dataclass(frozen=True, kw_only=True)
class MarianChoices(Choices):
    """Of the Transformer as first published (Vaswani et al. 2017), and as Marian trains it.

    Args:
        scale_embedding: whether rows of the word table are multiplied with the root of the
            hidden size (same place, section 3.4).
        activation_dropout: inside the feed-forward layers; must be 0.
        share_encoder_decoder_embeddings: must be true: one word table for all.
    """

    scale_embedding: bool = False
    activation_dropout: float = 0.0
    share_encoder_decoder_embeddings: bool = True

    rules: ClassVar[Mapping[str, Rule]] = {
        "scale_embedding": SWITCH,
        "activation_dropout": only(0.0),
        "share_encoder_decoder_embeddings": only(True),
    }

    def embeddings(self, config: Sizes) -> Mapping[str, Any]:
        """Not normalised, words perhaps scaled."""
        return {
            "norm": False,
            "scale": math.sqrt(config.hidden_size) if self.scale_embedding else 1.0,
        }

    @property
    def word_head(self) -> Mapping[str, Any]:
        """The word table, and a bias for each word."""
        return {"transform": False}


@dataclasses.dataclass(frozen=True, kw_only=True)
class PegasusChoices(MarianChoices):
    """The same, normalised before each sub-layer (Zhang et al. 2019, arXiv:1912.08777)."""

    norm_first: ClassVar[bool] = True

"""A tiny encoder, and batches for it."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from keras_bert_zoo.config import EncoderConfig

Batch = dict[str, np.ndarray]

if "PYTEST_XDIST_WORKER" in os.environ:
    # A process for each core: threads that TensorFlow makes beside it would wait for one another.
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")


def pytest_runtest_setup() -> None:
    """Weights that a test leaves to Keras, which draws its seeds here, are those of every run."""
    random.seed(7)
    np.random.seed(7)


@pytest.fixture(scope="session")
def tiny_config() -> EncoderConfig:
    """Sizes that are all different, so that a mixed-up axis shows."""
    return EncoderConfig(
        vocab_size=61,
        hidden_size=24,
        num_hidden_layers=2,
        num_attention_heads=3,
        intermediate_size=40,
        max_position_embeddings=20,
    )


@pytest.fixture(scope="session")
def randomise() -> Callable[[Any], Any]:
    """Gives every weight of a model values of its own: fresh biases are 0, scales 1."""

    def assign(model: Any, seed: int = 7) -> Any:
        generator = np.random.default_rng(seed)
        for weight in model.weights:
            centre = 1.0 if weight.path.endswith("gamma") else 0.0
            weight.assign(centre + 0.2 * generator.standard_normal(weight.shape))
        return model

    return assign


@pytest.fixture(scope="session")
def make_batch() -> Callable[..., Batch]:
    """Random rows padded to the right; one row for each of ``lengths``."""

    def make(lengths: tuple[int, ...] = (12, 9, 5, 1), width: int = 12, seed: int = 3) -> Batch:
        generator = np.random.default_rng(seed)
        mask = (np.arange(width) < np.array(lengths)[:, None]).astype("int32")
        shape = mask.shape
        return {
            "input_ids": (generator.integers(1, 61, shape) * mask).astype("int32"),
            "attention_mask": mask,
            "token_type_ids": (generator.integers(0, 2, shape) * mask).astype("int32"),
        }

    return make


@pytest.fixture(scope="session")
def encoder(tiny_config: EncoderConfig, randomise: Callable[[Any], Any]) -> Any:
    """The encoder of ``tiny_config`` with every output; tests must not change its weights."""
    from keras_bert_zoo.models import BertEncoder

    return randomise(BertEncoder(tiny_config, output_hidden_states=True, output_attentions=True))

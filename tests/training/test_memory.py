"""Estimates of memory beside what processes take."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

import pytest

from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.training.memory import inference_bytes, training_bytes

PROCESS = pathlib.Path(__file__).with_name("memory_process.py")
ESTIMATES = {"predict": inference_bytes, "train": training_bytes}


def config(
    layers: int, hidden: int, heads: int, vocab_size: int, kind: str = "bert"
) -> EncoderConfig:
    # MobileBERT's layers are as wide as its hidden states.
    inner = hidden if kind == "mobilebert" else 4 * hidden
    return EncoderConfig.from_dict(
        {
            "model_type": kind,
            "vocab_size": vocab_size,
            "hidden_size": hidden,
            "num_hidden_layers": layers,
            "num_attention_heads": heads,
            "intermediate_size": inner,
            "max_position_embeddings": 512,
            "id2label": {0: "no", 1: "yes"},
            "problem_type": "single_label_classification",
        }
    )


def test_more_of_anything_takes_more() -> None:
    sizes = config(2, 64, 4, 1_000)
    for estimate in ESTIMATES.values():
        least = estimate(sizes, 2, 16)
        assert 4 * sizes.parameters < least < estimate(sizes, 3, 16) < estimate(sizes, 3, 32)
        assert least < estimate(sizes.replace(hidden_size=128), 2, 16)
    # A prediction frees one block before the next, a step keeps them all.
    deeper = sizes.replace(num_hidden_layers=4)
    weights = 4 * (deeper.parameters - sizes.parameters)
    assert inference_bytes(deeper, 2, 16) == inference_bytes(sizes, 2, 16) + weights
    assert training_bytes(deeper, 2, 16) > training_bytes(sizes, 2, 16) + 4 * weights


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize(
    ("kind", "sizes", "batch", "length"),
    [
        # Activations, attention and weights: what is most of it, one by one.
        ("predict", (4, 256, 4, 5_000), 32, 128),
        ("predict", (4, 256, 8, 5_000), 8, 512),
        ("train", (4, 256, 4, 5_000), 32, 128),
        ("train", (4, 256, 8, 5_000), 8, 256),
        ("train", (2, 256, 4, 60_000), 2, 16),
        ("predict", (4, 512, 4, 5_000, "mobilebert"), 32, 128),
        ("predict", (4, 512, 4, 5_000, "mobilebert"), 8, 512),
        # Not with fewer rows: its graph takes 280 MB of its own.
        ("train", (4, 512, 4, 5_000, "mobilebert"), 32, 128),
        ("train", (4, 512, 4, 5_000, "mobilebert"), 16, 256),
    ],
)
def test_a_process_grows_by_what_is_estimated(kind, sizes, batch, length, tmp_path) -> None:
    """Allocators round up, and what an update of the largest table copies is not counted: once it
    was as much as three of it (1.68)."""
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config(*sizes).to_dict()))
    command = [sys.executable, PROCESS, kind, path, str(batch), str(length)]
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    measured = int(done.stdout.splitlines()[-1])
    ratio = measured / ESTIMATES[kind](config(*sizes), batch, length)
    print(kind, sizes, batch, length, f"{measured / 1e6:.1f} MB", f"{ratio:.2f}")
    assert 1 / 1.6 < ratio < 2

"""Writes `keras_nlp/` of this folder: a preset as keras-hub's predecessor published them.

    pip install keras-nlp==0.7.0 keras==3.0.5 tensorflow-cpu==2.16.1 tensorflow-text==2.16.1 \
        tf-keras==2.16.0
    python tests/golden/make_keras_nlp.py

In an environment of its own. `outputs.npz` has the inputs and what the backbone computes.
"""

from __future__ import annotations

import os
import pathlib
import shutil

import numpy as np

os.environ["KERAS_BACKEND"] = "tensorflow"

import keras_nlp
from keras_nlp.src.utils.preset_utils import save_to_preset

HERE = pathlib.Path(__file__).parent / "keras_nlp"
SIZES = {
    "vocabulary_size": 61,
    "num_layers": 2,
    "num_heads": 3,
    "hidden_dim": 24,
    "intermediate_dim": 40,
    "max_sequence_length": 20,
}
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def main() -> None:
    """Replaces the preset; every weight differs from the fresh one."""
    shutil.rmtree(HERE, ignore_errors=True)
    generator = np.random.default_rng(7)
    backbone = keras_nlp.models.BertBackbone(**SIZES)
    for weight in backbone.weights:
        noise = 0.2 * generator.standard_normal(weight.shape)
        weight.assign(noise + ("gamma" in weight.path))
    words = [*SPECIAL, *(f"w{index}" for index in range(SIZES["vocabulary_size"] - len(SPECIAL)))]
    save_to_preset(backbone, str(HERE))
    tokenizer = keras_nlp.models.BertTokenizer(words, lowercase=True)
    save_to_preset(tokenizer, str(HERE), config_filename="tokenizer.json")
    ids = generator.integers(len(SPECIAL), SIZES["vocabulary_size"], (3, 9))
    batch = {"token_ids": ids, "padding_mask": ids > 0, "segment_ids": ids % 2}
    np.savez_compressed(HERE / "outputs.npz", token_ids=ids, **backbone(batch))


if __name__ == "__main__":
    main()

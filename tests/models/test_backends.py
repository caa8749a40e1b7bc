"""The encoder computes the same on every backend of Keras."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.models import BertEncoder
from keras_bert_zoo.models.trained_parts import add_lora

Batch = dict[str, np.ndarray]
SCRIPT = """
import json, sys
import keras, numpy as np
from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.models import BertEncoder
from keras_bert_zoo.models.trained_parts import add_lora

folder, backend = sys.argv[1:]
assert keras.backend.backend() == backend
config = EncoderConfig.from_file(f"{folder}/config.json")
encoder = BertEncoder(config, output_hidden_states=True, output_attentions=True)
add_lora(encoder, 2, targets=["query"])
weights = np.load(f"{folder}/weights.npz")
for weight in encoder.weights:
    weight.assign(weights[weight.path])
outputs = encoder(dict(np.load(f"{folder}/batch.npz")))
arrays = {
    name: np.stack([keras.ops.convert_to_numpy(part) for part in values])
    for name, values in outputs.items()
}
np.savez(f"{folder}/{backend}.npz", **arrays)
"""


def outputs_of(backend: str, folder: pathlib.Path) -> dict[str, np.ndarray]:
    environment = {**os.environ, "KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-c", SCRIPT, str(folder), backend]
    subprocess.run(command, env=environment, check=True, timeout=300)
    return dict(np.load(folder / f"{backend}.npz"))


@pytest.mark.parity
def test_tensorflow_jax_and_torch_agree(
    tiny_config: EncoderConfig,
    randomise: Callable[[Any], Any],
    make_batch: Callable[..., Batch],
    tmp_path: pathlib.Path,
) -> None:
    encoder = BertEncoder(tiny_config)
    add_lora(encoder, 2, targets=["query"])
    randomise(encoder)
    (tmp_path / "config.json").write_text(json.dumps(encoder.config.to_dict()))
    np.savez(tmp_path / "weights.npz", **{v.path: v.numpy() for v in encoder.weights})
    np.savez(tmp_path / "batch.npz", **make_batch())
    expected = outputs_of("tensorflow", tmp_path)
    for backend in ("jax", "torch"):
        outputs = outputs_of(backend, tmp_path)
        assert outputs.keys() == expected.keys()
        for name, values in outputs.items():
            np.testing.assert_allclose(
                values, expected[name], rtol=0, atol=1e-5, err_msg=f"{backend} {name}"
            )

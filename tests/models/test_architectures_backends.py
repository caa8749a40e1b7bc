"""Encoders with blocks of their own compute the same on every backend of Keras."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from architectures import OWN_BLOCKS, batch, tiny

from keras_bert_zoo import bundle
from keras_bert_zoo.models import encoder_of

SCRIPT = """
import sys
import keras, numpy as np
from keras_bert_zoo import bundle

folder, backend, *kinds = sys.argv[1:]
assert keras.backend.backend() == backend
states = {}
for kind in kinds:
    model = bundle.load(f"{folder}/{kind}").model
    outputs = model(dict(np.load(f"{folder}/{kind}.npz")))
    states[kind] = keras.ops.convert_to_numpy(outputs["last_hidden_state"])
np.savez(f"{folder}/{backend}.npz", **states)
"""


@pytest.mark.parity
def test_tensorflow_jax_and_torch_agree(randomise, tmp_path):
    wanted = {}
    for kind in OWN_BLOCKS:
        config = tiny(kind)
        model = randomise(encoder_of(config))
        bundle.save(model, None, tmp_path / kind)
        np.savez(tmp_path / f"{kind}.npz", **batch(config))
        wanted[kind] = np.asarray(model(batch(config))["last_hidden_state"])
    for backend in ("jax", "torch"):
        environment = {**os.environ, "KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu"}
        command = [sys.executable, "-c", SCRIPT, str(tmp_path), backend, *OWN_BLOCKS]
        subprocess.run(command, env=environment, check=True, timeout=300)
        found = np.load(tmp_path / f"{backend}.npz")
        for kind, states in wanted.items():
            np.testing.assert_allclose(found[kind], states, rtol=0, atol=1e-5, err_msg=kind)

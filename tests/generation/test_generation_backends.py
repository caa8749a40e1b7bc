"""Every backend of Keras writes the same."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from writers import CONFIGS, rows, tiny_writer, with_segments

from keras_bert_zoo import bundle
from keras_bert_zoo.generation import generate

OPTIONS = (
    {"max_new_tokens": 6, "no_repeat_ngram_size": 2},
    # Longer than any text here: nothing of it is repeated.
    {"max_new_tokens": 6, "num_beams": 3, "no_repeat_ngram_size": 16},
    {"max_new_tokens": 6, "do_sample": True, "seed": 1, "top_p": 0.9, "no_repeat_ngram_size": 16},
)
SCRIPT = f"""
import sys
import keras, numpy as np
from keras_bert_zoo import bundle
from keras_bert_zoo.generation import generate

folder, backend, *kinds = sys.argv[1:]
assert keras.backend.backend() == backend
found = {{}}
for kind in kinds:
    model = bundle.load(f"{{folder}}/{{kind}}").model
    inputs = dict(np.load(f"{{folder}}/{{kind}}.npz"))
    found[kind] = np.stack([generate(model, inputs, **each) for each in {OPTIONS!r}])
np.savez(f"{{folder}}/{{backend}}.npz", **found)
"""


@pytest.mark.parity
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_the_same_is_written(backend, tmp_path):
    wanted = {}
    for kind in CONFIGS:
        model = tiny_writer(kind)
        bundle.save(model, None, tmp_path / kind)
        inputs = with_segments(model, rows())
        np.savez(tmp_path / f"{kind}.npz", **inputs)
        wanted[kind] = [generate(model, inputs, jit_compile=False, **each) for each in OPTIONS]
    environment = {**os.environ, "KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-c", SCRIPT, str(tmp_path), backend, *CONFIGS]
    subprocess.run(command, env=environment, check=True, timeout=600)
    found = np.load(tmp_path / f"{backend}.npz")
    for kind, texts in wanted.items():
        np.testing.assert_array_equal(found[kind], np.stack(texts), err_msg=kind)

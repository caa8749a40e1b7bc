"""Every backend of Keras embeds the same, also texts of several batches."""

from __future__ import annotations

import os
import string
import subprocess
import sys

import numpy as np
import pytest

from keras_bert_zoo import bundle
from keras_bert_zoo.evaluation import embeddings
from keras_bert_zoo.models import BertEncoder, SentenceEmbedder
from keras_bert_zoo.tokenizers import WordPieceTokenizer

TEXTS = [" ".join(string.ascii_lowercase[: 1 + n % 9]) for n in range(40)]
SCRIPT = f"""
import sys
import keras, numpy as np
from keras_bert_zoo import bundle
from keras_bert_zoo.evaluation import embeddings

folder, backend = sys.argv[1:]
assert keras.backend.backend() == backend
loaded = bundle.load(f"{{folder}}/bundle", task="sentence_embedding")
found = embeddings.encode(loaded.model, loaded.tokenizer, {TEXTS!r}, batch_size=4)
np.save(f"{{folder}}/{{backend}}.npy", found)
"""


@pytest.mark.parity
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_the_same_is_embedded(backend, tiny_config, randomise, tmp_path):
    vocabulary = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *string.ascii_lowercase)
    tokenizer = WordPieceTokenizer(vocabulary)
    encoder = randomise(BertEncoder(tiny_config.replace(vocab_size=len(vocabulary))))
    model = SentenceEmbedder(encoder, pooling="cls", normalize=True)
    bundle.save(model, tokenizer, tmp_path / "bundle")
    wanted = embeddings.encode(model, tokenizer, TEXTS, batch_size=4)
    environment = {**os.environ, "KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-c", SCRIPT, str(tmp_path), backend]
    subprocess.run(command, env=environment, check=True, timeout=600)
    np.testing.assert_allclose(np.load(tmp_path / f"{backend}.npy"), wanted, rtol=0, atol=1e-5)

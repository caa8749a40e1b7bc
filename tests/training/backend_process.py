"""Run by ``test_pretrain_backends.py``: a few updates on a backend of Keras."""

from __future__ import annotations

import json

import numpy as np
from pretrainer_process import ROWS, batches, tiny_encoder


def main() -> None:
    import keras

    from keras_bert_zoo import PretrainingModel
    from keras_bert_zoo.training.optimizers import BertAdamW

    if keras.backend.backend() == "jax":
        keras.distribution.set_distribution(keras.distribution.DataParallel())
    # On JAX with the kernel that GPUs have a faster form of.
    fused = keras.backend.backend() == "jax"
    model = PretrainingModel(tiny_encoder(fused_attention=fused))
    # The backends draw other numbers from a seed.
    generator = np.random.default_rng(1)
    model.set_weights([generator.normal(0, 0.1, v.shape) for v in model.get_weights()])
    model.compile(BertAdamW(1e-2))
    for inputs, labels, counts in batches():
        model.fit(inputs, labels, sample_weight=counts, batch_size=ROWS, verbose=0)
    print(json.dumps(np.concatenate([v.ravel() for v in model.get_weights()]).tolist()))


if __name__ == "__main__":
    main()

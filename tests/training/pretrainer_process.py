"""Run by ``test_pretrainer.py``: a few steps of pretraining in a process of their own."""

from __future__ import annotations

import json
import sys

import numpy as np

STEPS, ROWS, WIDTH, MASKED = 4, 12, 10, 3


def batches(steps=STEPS):
    """The same batches in every process; rows have different numbers of masked words."""
    generator = np.random.default_rng(5)
    for _ in range(steps):
        lengths = generator.integers(5, WIDTH + 1, (ROWS, 1))
        positions = generator.permuted(np.tile(np.arange(1, 5), (ROWS, 1)), axis=1)[:, :MASKED]
        inputs = {
            "input_ids": generator.integers(5, 50, (ROWS, WIDTH)),
            "attention_mask": np.arange(WIDTH) < lengths,
            "token_type_ids": generator.integers(0, 2, (ROWS, WIDTH)),
            "masked_positions": positions,
        }
        labels = {
            "prediction_logits": generator.integers(5, 50, (ROWS, MASKED)),
            "seq_relationship_logits": generator.integers(0, 2, ROWS),
        }
        weights = {
            "prediction_logits": generator.integers(0, 2, (ROWS, MASKED)).astype("float32"),
            "seq_relationship_logits": np.ones(ROWS, "float32"),
        }
        whole = [{k: v.astype("int32") for k, v in part.items()} for part in (inputs, labels)]
        yield (*whole, weights)


def tiny_encoder(**options):
    """Without dropout, whose masks differ between devices and backends."""
    from keras_bert_zoo import BertEncoder, EncoderConfig

    config = EncoderConfig(
        vocab_size=50,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=WIDTH,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    return BertEncoder(config, **options)


def train(replicas=1, accumulation=1, dtype="float64", optimizer="BertAdamW", loss_scale=None):
    """Returns the logs of the last step, and all weights as one vector."""
    import tensorflow as tf

    devices = [f"CPU:{index}" for index in range(replicas)]
    strategy = tf.distribute.MirroredStrategy(devices) if replicas > 1 else None
    strategy = strategy or tf.distribute.get_strategy()
    import keras

    from keras_bert_zoo import PretrainingModel
    from keras_bert_zoo.training import optimizers
    from keras_bert_zoo.training.pretrainer import Pretrainer

    keras.utils.set_random_seed(3)
    with strategy.scope():
        model = PretrainingModel(tiny_encoder(dtype=dtype))
        pretrainer = Pretrainer(model, accumulation=accumulation)
        chosen = getattr(optimizers, optimizer)(1e-2)
        if loss_scale:
            chosen = keras.optimizers.LossScaleOptimizer(chosen, initial_scale=loss_scale)
        pretrainer.compile(chosen)
    rows = [batch for step in batches() for batch in split(step, replicas)]
    dataset = tf.data.Dataset.from_generator(
        lambda: iter(rows), output_signature=tf.nest.map_structure(spec, rows[0])
    )
    distributed = strategy.distribute_datasets_from_function(lambda _: dataset)
    history = pretrainer.fit(
        distributed if replicas > 1 else dataset, steps_per_epoch=STEPS, verbose=0, shuffle=False
    )
    values = np.concatenate([v.numpy().ravel() for v in model.weights]).astype("float64")
    logs = {name: each[-1] for name, each in history.history.items()}
    updates = int(pretrainer.optimizer.iterations.numpy())
    return {"logs": logs, "weights": values.tolist(), "updates": updates}


def divide(replicas):
    """Makes devices for so many replicas, which can be done once in a process."""
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    logical = [tf.config.LogicalDeviceConfiguration()] * replicas
    tf.config.set_logical_device_configuration(cpu, logical)


def split(batch, replicas):
    """The rows of each replica, one after the other."""
    rows = ROWS // replicas
    for first in range(0, ROWS, rows):
        yield tuple({k: v[first : first + rows] for k, v in part.items()} for part in batch)


def spec(array):
    import tensorflow as tf

    return tf.TensorSpec(array.shape, array.dtype)


if __name__ == "__main__":
    runs = json.loads(sys.argv[1])
    divide(max(options.get("replicas", 1) for options in runs))
    print(json.dumps([train(**options) for options in runs]))

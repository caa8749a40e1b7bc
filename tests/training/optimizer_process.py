"""Run by ``test_optimizer_processes.py``: one optimizer in a process of its own."""

from __future__ import annotations

import functools
import json
import sys
from typing import Any

START, GRADIENTS = [1.0, -2.0, 3.0], [[3.0, 0.0, 4.0], [-3.0, 1.0, 0.5]]


def make(name: str, rate: Any, **options: Any) -> Any:
    from keras_bert_zoo.training.lamb import Lamb
    from keras_bert_zoo.training.optimizers import BertAdamW

    corrected = functools.partial(BertAdamW, correct_bias=True)
    kinds = {"BertAdamW": BertAdamW, "BertAdamW, corrected": corrected, "Lamb": Lamb}
    return kinds[name](rate, **options)


def on_this_backend(name: str) -> list[float]:
    import keras

    from keras_bert_zoo.training.schedules import WarmupDecay

    variable = keras.Variable(START, dtype="float32", name="kernel")
    optimizer = make(name, WarmupDecay(0.1, 0, 4))
    for gradient in GRADIENTS:
        optimizer.apply([keras.ops.convert_to_tensor(gradient, "float32")], [variable])
    return keras.ops.convert_to_numpy(variable.value).tolist()


def on_two_replicas(name: str, steps: int = 1, **options: Any) -> list[list[float]]:
    """Each replica holds one of two opposite gradients; only their sum may be clipped.

    Returns the weights of both.
    """
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    import keras

    with strategy.scope():
        variable = keras.Variable(START, dtype="float32", name="kernel")
        optimizer = make(name, 0.1, **options)
        optimizer.build([variable])

    @tf.function
    def step() -> None:
        def replica_step() -> None:
            context = tf.distribute.get_replica_context()
            gradient = tf.gather(tf.constant(GRADIENTS), context.replica_id_in_sync_group)
            optimizer.apply([gradient], [variable])

        strategy.run(replica_step)

    for _ in range(steps):
        step()
    optimizer.finalize_variable_values([variable])
    return [v.numpy().tolist() for v in strategy.experimental_local_results(variable.value)]


TASKS = {
    "backend": on_this_backend,
    "replicas": on_two_replicas,
    "averages": functools.partial(on_two_replicas, steps=2, use_ema=True, ema_momentum=0.5),
}


if __name__ == "__main__":
    task, name = sys.argv[1:]
    print(json.dumps(TASKS[task](name)))

"""Times ModernBERT with windows computed in blocks and as whole squares.

Three layers of ModernBERT-base, two of them with a window of 128 tokens, one row, the rows of
each length in turns:

    python benchmarks/local_attention.py --lengths 512,1024,2048,4096
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import pathlib
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert_zoo import EncoderConfig
from keras_bert_zoo.models import encoder_of

RESULT = pathlib.Path(__file__).parent / "results" / "local_attention.json"
SIZES = {
    "model_type": "modernbert",
    "vocab_size": 1000,
    "hidden_size": 768,
    "num_hidden_layers": 3,
    "num_attention_heads": 12,
    "intermediate_size": 1152,
    "max_position_embeddings": 8192,
    "local_attention": 128,
}


def traced(model: Any, in_blocks: bool, trains: bool) -> Callable[[Any], Any]:
    """The hidden states, or the gradients of their sum of squares, of one way of attending."""
    model.get_layer("window").in_blocks = in_blocks
    variables = [v.value for v in model.trainable_variables]

    def run(inputs: Any) -> Any:
        if not trains:
            return model(inputs)["last_hidden_state"]
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(model(inputs)["last_hidden_state"] ** 2)
        return [g for g in tape.gradient(loss, variables) if not isinstance(g, tf.IndexedSlices)]

    return tf.function(run, autograph=False)


def timed(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    tf.nest.map_structure(lambda tensor: tensor.numpy(), work())
    return time.perf_counter() - start


def measure(model: Any, length: int, rounds: int, trains: bool) -> dict[str, Any]:
    ids = np.random.default_rng(0).integers(5, 1000, (1, length)).astype("int32")
    inputs = {"input_ids": tf.constant(ids), "attention_mask": tf.ones((1, length), tf.int32)}
    ways: dict[str, Callable[[], Any]] = {}
    for name, in_blocks in (("squares", False), ("blocks", True)):
        ways[name] = functools.partial(traced(model, in_blocks, trains), inputs)
        ways[name]()  # traces while the layer attends so
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, work in ways.items():
            times[name].append(timed(work))
    medians = {f"{name}_ms": round(1e3 * statistics.median(t), 1) for name, t in times.items()}
    return {"length": length, "gradients": trains, **medians}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lengths", default="512,1024,2048,4096")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--train-up-to", type=int, default=2048, help="longest row with gradients")
    arguments = parser.parse_args()
    model = encoder_of(EncoderConfig.from_dict(SIZES))
    rows = []
    for length in map(int, arguments.lengths.split(",")):
        for trains in (False, True)[: 1 + (length <= arguments.train_up_to)]:
            rows.append(measure(model, length, arguments.rounds, trains))
            print(json.dumps(rows[-1]), flush=True)
    RESULT.write_text(json.dumps({"load": os.getloadavg()[0], "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()

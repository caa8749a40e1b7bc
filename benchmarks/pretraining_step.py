"""Measures a pretraining step beside its peers: ours, keras_hub's and that of transformers.

    python benchmarks/pretraining_step.py [--rounds 10] [--steps 4] [--without transformers]

Same sizes, batches and dropout: AdamW with weight decay and clipped global norm, random ids, a
fixed number of masked words. Ours and keras_hub's train through ``model.fit``, in float32 and in
bfloat16, as their users would; transformers in a torch loop, with logits for every position as
its ``BertForMaskedLM`` has them. Each peer lives in a process of its own and starts alone; then
windows of a few steps alternate, in a new random order each round, with windows of large matrix
products that tell what the machine can do. Medians go to ``results/pretraining_step.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

RESULT = pathlib.Path(__file__).parent / "results" / "pretraining_step.json"
SIZES = {
    "vocab_size": 30_522,
    "hidden_size": 256,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "intermediate_size": 1024,
    "max_position_embeddings": 512,
}
BATCH, LENGTH, PREDICTIONS, DROPOUT = 32, 128, 20, 0.1
RATE, DECAY, CLIP = 1e-4, 0.01, 1.0
MATRIX = 2048
BATCHES = 8
PEERS = ("ours", "ours_bfloat16", "keras_hub", "keras_hub_bfloat16", "transformers", "matrices")
Steps = Iterator[None]


def matrix_flop() -> float:
    """Floating-point operations of a step's matrix products: one pass forward, two back."""
    hidden, wide = SIZES["hidden_size"], SIZES["intermediate_size"]
    layer = 2 * (4 * hidden**2 + 2 * hidden * wide) + 4 * LENGTH * hidden
    head = 2 * (hidden**2 + hidden * SIZES["vocab_size"])
    forward = LENGTH * SIZES["num_hidden_layers"] * layer + PREDICTIONS * head
    return 3.0 * BATCH * forward


def random_batch(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ids ``(B, S)``, and positions and labels of the masked words ``(B, P)``."""
    ids = rng.integers(1000, SIZES["vocab_size"], (BATCH, LENGTH), dtype="int32")
    places = rng.permuted(np.tile(np.arange(1, LENGTH, dtype="int32"), (BATCH, 1)), axis=1)
    places = np.sort(places[:, :PREDICTIONS], axis=1)
    labels = np.take_along_axis(ids, places, axis=1)
    np.put_along_axis(ids, places, 103, axis=1)
    return ids, places, labels


def random_batches() -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(0)
    return [random_batch(rng) for _ in range(BATCHES)]


def fit(model: Any, inputs: Callable[..., Any], go_on: Steps) -> None:
    """One long ``fit`` that stops after each step, until it is told to go on."""
    import keras
    import tensorflow as tf

    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            next(go_on)

    examples = [inputs(*batch) for batch in random_batches()]
    stacked = tf.nest.map_structure(lambda *values: np.stack(values), *examples)
    data = tf.data.Dataset.from_tensor_slices(stacked).repeat()
    model.fit(data, steps_per_epoch=10**6, verbose=0, callbacks=[Stop()])


def run_ours(go_on: Steps, policy: str = "float32") -> None:
    from keras_bert_zoo.config import EncoderConfig
    from keras_bert_zoo.models.bert import BertEncoder
    from keras_bert_zoo.models.pretraining import WORDS, PretrainingModel
    from keras_bert_zoo.training.optimizers import BertAdamW

    config = EncoderConfig(
        **SIZES, hidden_dropout_prob=DROPOUT, attention_probs_dropout_prob=DROPOUT
    )
    encoder = BertEncoder(config, add_pooling_layer=False, dtype=policy)
    model = PretrainingModel(encoder, next_sentence=False)
    model.compile(BertAdamW(RATE, decay=DECAY, clip=CLIP))

    def inputs(ids: np.ndarray, places: np.ndarray, labels: np.ndarray) -> Any:
        masks = {"attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        features = {"input_ids": ids, "masked_positions": places, **masks}
        return features, {WORDS: labels}, {WORDS: np.ones(labels.shape, "float32")}

    fit(model, inputs, go_on)


def run_keras_hub(go_on: Steps, policy: str = "float32") -> None:
    import keras
    import keras_hub

    backbone = keras_hub.models.BertBackbone(
        vocabulary_size=SIZES["vocab_size"],
        num_layers=SIZES["num_hidden_layers"],
        num_heads=SIZES["num_attention_heads"],
        hidden_dim=SIZES["hidden_size"],
        intermediate_dim=SIZES["intermediate_size"],
        max_sequence_length=SIZES["max_position_embeddings"],
        dropout=DROPOUT,
        dtype=policy,
    )
    model = keras_hub.models.BertMaskedLM(backbone=backbone, preprocessor=None)
    model.compile(
        optimizer=keras.optimizers.AdamW(RATE, weight_decay=DECAY, global_clipnorm=CLIP),
    )

    def inputs(ids: np.ndarray, places: np.ndarray, labels: np.ndarray) -> Any:
        features = {
            "token_ids": ids,
            "mask_positions": places,
            "padding_mask": np.ones_like(ids),
            "segment_ids": np.zeros_like(ids),
        }
        return features, labels, np.ones(labels.shape, "float32")

    fit(model, inputs, go_on)


def run_transformers(go_on: Steps) -> None:
    import torch
    import transformers

    config = transformers.BertConfig(
        **SIZES, hidden_dropout_prob=DROPOUT, attention_probs_dropout_prob=DROPOUT
    )
    model = transformers.BertForMaskedLM(config).train()
    optimizer = torch.optim.AdamW(model.parameters(), RATE, weight_decay=DECAY)
    batches = random_batches()
    for step in range(10**6):
        ids, places, labels = batches[step % BATCHES]
        targets = np.full((BATCH, LENGTH), -100)
        np.put_along_axis(targets, places, labels, axis=1)
        words = torch.from_numpy(ids).long()
        optimizer.zero_grad()
        loss = model(
            input_ids=words,
            attention_mask=torch.ones_like(words),
            labels=torch.from_numpy(targets),
        ).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        next(go_on)


def run_matrices(go_on: Steps) -> None:
    import tensorflow as tf

    a, b = (tf.random.normal((MATRIX, MATRIX)) for _ in range(2))
    for _ in range(10**6):
        tf.matmul(a, b).numpy()
        next(go_on)


RUNS: dict[str, Callable[[Steps], None]] = {
    "ours": run_ours,
    "ours_bfloat16": lambda go_on: run_ours(go_on, "mixed_bfloat16"),
    "keras_hub": run_keras_hub,
    "keras_hub_bfloat16": lambda go_on: run_keras_hub(go_on, "mixed_bfloat16"),
    "transformers": run_transformers,
    "matrices": run_matrices,
}
LIBRARIES = {
    "ours": ("keras_bert_zoo.training.optimizers", "tensorflow"),
    "keras_hub": ("keras_hub",),
    "transformers": ("torch", "transformers.models.bert.modeling_bert"),
    "matrices": ("tensorflow",),
}


def megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def report(**values: float) -> None:
    print(json.dumps(values), file=sys.__stdout__, flush=True)


def steps() -> Iterator[None]:
    """Answers each line on the input, a number of steps, with how long they took."""
    for line in sys.stdin:
        start, processor = time.perf_counter(), time.process_time()
        for _ in range(int(line)):
            yield
        report(
            elapsed=time.perf_counter() - start,
            processor=time.process_time() - processor,
            peak_mb=megabytes(),
        )
    os._exit(0)


def work(name: str) -> None:
    """The life of one peer: imports, first step, then windows on request."""
    for module in LIBRARIES[name.removesuffix("_bfloat16")]:
        __import__(module)
    imported, start = megabytes(), time.perf_counter()

    def go_on() -> Iterator[None]:
        report(first_step=time.perf_counter() - start, imported_mb=imported)
        yield from steps()

    RUNS[name](go_on())


class Peer:
    """A process that makes steps when asked."""

    def __init__(self, name: str) -> None:
        environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--work", name],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.start = self._answer()

    def window(self, count: int) -> dict[str, float]:
        """Elapsed and processor seconds of a step, over ``count`` steps."""
        assert self.process.stdin
        self.process.stdin.write(f"{count}\n")
        self.process.stdin.flush()
        answer = self._answer()
        return {**answer, "elapsed": answer["elapsed"] / count, "per": answer["processor"] / count}

    def _answer(self) -> dict[str, float]:
        assert self.process.stdout
        return json.loads(self.process.stdout.readline())

    def close(self) -> None:
        """Ends the process."""
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


def summary(peer: Peer, windows: list[dict[str, float]]) -> dict[str, float]:
    elapsed = [window["elapsed"] for window in windows]
    return {
        "first_step_s": round(peer.start["first_step"], 2),
        "step_s": round(statistics.median(elapsed), 4),
        "step_least_s": round(min(elapsed), 4),
        "step_processor_s": round(statistics.median(window["per"] for window in windows), 4),
        "tokens_per_s": round(BATCH * LENGTH / statistics.median(elapsed)),
        "peak_mb": round(windows[-1]["peak_mb"]),
        "peak_above_imports_mb": round(windows[-1]["peak_mb"] - peer.start["imported_mb"]),
    }


def alternate(names: list[str], rounds: int, count: int) -> dict[str, dict[str, float]]:
    peers = {name: Peer(name) for name in names}
    windows: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for number in range(rounds + 1):
        for name in random.Random(number).sample(names, len(names)):
            windows[name].append(peers[name].window(count))
    results = {name: summary(peers[name], windows[name][1:]) for name in names}  # the first warms
    for peer in peers.values():
        peer.close()
    return results


def ratios(results: dict[str, dict[str, float]]) -> dict[str, float]:
    """How many times as fast ours is, and which part of the matrix rate it reaches."""
    pairs = [
        ("ours", "keras_hub"),
        ("ours", "transformers"),
        ("ours_bfloat16", "keras_hub_bfloat16"),
        ("ours_bfloat16", "ours"),
    ]
    found = {
        f"{other}_over_{own}_{key}": round(results[other][key] / results[own][key], 3)
        for own, other in pairs
        for key in ("first_step_s", "step_s", "step_processor_s", "peak_mb")
        if own in results and other in results
    }
    if "matrices" in results and "ours" in results:
        gflop_per_s = 2 * MATRIX**3 / results["matrices"]["step_s"] / 1e9
        bound = matrix_flop() / 1e9 / gflop_per_s
        found["matrix_gflop_per_s"] = round(gflop_per_s, 1)
        found["ours_part_of_matrix_rate"] = round(bound / results["ours"]["step_s"], 3)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--without", nargs="*", choices=PEERS, default=[])
    parser.add_argument("--result", type=pathlib.Path, default=RESULT)
    parser.add_argument("--work", choices=PEERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(options.work)
        return
    before = os.getloadavg()[0]
    names = [name for name in PEERS if name not in options.without]
    results = alternate(names, options.rounds, options.steps)
    result = {
        "cores": len(os.sched_getaffinity(0)),
        "load_before": before,
        "load_after": os.getloadavg()[0],
        "rounds": options.rounds,
        "steps_a_window": options.steps,
        "step_gflop": round(matrix_flop() / 1e9, 1),
        "ratios": ratios(results),
        "peers": results,
    }
    print(json.dumps(result, indent=2))
    options.result.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

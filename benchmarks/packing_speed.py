"""Training on short documents: packed rows beside one padded document in each row.

Both see the same number of documents in an update, so that their losses can be compared update by
update. Windows of a few updates alternate; the ratio is that of the medians. The shards are
those of the recipe tweets-minilm.

    python benchmarks/packing_speed.py data/tweets
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import statistics
import time
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_bert_zoo import BertEncoder, EncoderConfig, PretrainingModel
from keras_bert_zoo.corpus.shards import Shards
from keras_bert_zoo.data.pretraining.batches import PretrainingBatches
from keras_bert_zoo.data.pretraining.masking import mask_tokens
from keras_bert_zoo.data.pretraining.options import BatchOptions
from keras_bert_zoo.training.optimizers import BertAdamW
from keras_bert_zoo.training.pretrainer import Pretrainer
from keras_bert_zoo.training.schedules import WarmupDecay

RESULT = pathlib.Path(__file__).parent / "results" / "packing_speed.json"
WIDTH, MASKED = 64, 10


def padded(shards: Shards, documents: int, seed: int) -> tf.data.Dataset:
    """One document in a row, cut at the width, in a new order each epoch."""
    shard = shards.open(0)
    ends = np.asarray(shard.sentence_ends)[np.asarray(shard.document_ends) - 1]
    starts = np.r_[0, ends[:-1]]
    special = shards.manifest["special_tokens"]

    def rows() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        random = np.random.default_rng(seed)
        while True:
            order = random.permutation(len(ends))
            for first in range(0, len(order) - documents + 1, documents):
                ids = np.full((documents, WIDTH), special["pad_token"], "int32")
                for row, index in enumerate(order[first : first + documents]):
                    part = shard.input_ids[starts[index] : ends[index]][: WIDTH - 2]
                    ids[row, 0] = special["cls_token"]
                    ids[row, 1 : len(part) + 1] = part
                    ids[row, len(part) + 1] = special["sep_token"]
                yield ids, random.integers(0, 2**32, documents, "uint32")

    def masked(ids: tf.Tensor, seeds: tf.Tensor) -> tuple[dict, dict, dict]:
        never = [special[name] for name in ("pad_token", "cls_token", "sep_token")]
        found = mask_tokens(
            ids,
            tf.reduce_any([tf.equal(ids, index) for index in never], axis=0),
            seeds,
            mask_token_id=special["mask_token"],
            vocab_size=shards.manifest["vocab_size"],
            options=options(False),
        )
        inputs = {
            "input_ids": found.input_ids,
            "attention_mask": tf.cast(tf.not_equal(ids, special["pad_token"]), tf.int32),
            "token_type_ids": tf.zeros_like(ids),
            "masked_positions": found.positions,
        }
        names = ("prediction_logits",)
        return inputs, dict.fromkeys(names, found.labels), dict.fromkeys(names, found.weights)

    spec = (
        tf.TensorSpec((documents, WIDTH), tf.int32),
        tf.TensorSpec((documents,), tf.uint32),
    )
    dataset = tf.data.Dataset.from_generator(rows, output_signature=spec)
    return dataset.map(masked, num_parallel_calls=2).prefetch(2)


def options(packed: bool) -> BatchOptions:
    return BatchOptions(
        max_length=WIDTH, max_predictions_per_seq=MASKED, sentences="none", packed=packed
    )


def trained(vocab_size: int, packed: bool, dtype: str, updates: int) -> Pretrainer:
    keras.utils.set_random_seed(1)
    config = EncoderConfig(
        vocab_size=vocab_size,
        hidden_size=256,
        num_hidden_layers=4,
        num_attention_heads=4,
        intermediate_size=1024,
        max_position_embeddings=WIDTH,
    )
    encoder = BertEncoder(config, add_pooling_layer=False, packed=packed, dtype=dtype)
    pretrainer = Pretrainer(PretrainingModel(encoder, next_sentence=False))
    pretrainer.compile(BertAdamW(WarmupDecay(1e-3, updates // 10, updates)))
    return pretrainer


class Side:
    """One way to train, window by window."""

    def __init__(self, pretrainer: Pretrainer, dataset: tf.data.Dataset, documents: float) -> None:
        self.pretrainer, self.documents = pretrainer, documents
        self.batches = iter(dataset)
        self.step = tf.function(pretrainer.train_step)
        self.rates: list[float] = []
        self.losses: list[float] = []

    def window(self, updates: int) -> None:
        """Trains a few updates and notes their rate and loss."""
        start = time.perf_counter()
        logs = [self.step(next(self.batches)) for _ in range(updates)]
        losses = [float(each["masked_lm_loss"]) for each in logs]
        self.rates.append(updates * self.documents / (time.perf_counter() - start))
        self.losses.append(statistics.fmean(losses))


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    shards = Shards(arguments.shards)
    vocab_size = shards.manifest["vocab_size"]
    rows = arguments.documents // 2
    batches = PretrainingBatches(shards, options(True), batch_size=rows, seed=1)
    # On average: rows are filled with what fits.
    packed_documents = rows * len(shards.open(0).document_ends) / batches.rows
    updates = arguments.windows * arguments.updates
    models = [trained(vocab_size, packed, arguments.dtype, updates) for packed in (False, True)]
    sides = {
        "padded": Side(models[0], padded(shards, arguments.documents, 1), arguments.documents),
        "packed": Side(models[1], batches.dataset(), packed_documents),
    }
    for _ in range(arguments.windows):
        for side in sides.values():
            side.window(arguments.updates)
    # The first window traces the graph.
    medians = {name: statistics.median(side.rates[1:]) for name, side in sides.items()}
    return {
        "load": os.getloadavg()[0],
        "width": WIDTH,
        "dtype": arguments.dtype,
        "tokens_in_places": {"packed": round(batches.efficiency, 3)},
        "documents_an_update": {
            "padded": arguments.documents,
            "packed": round(packed_documents, 1),
        },
        "documents_a_second": {name: round(rate, 1) for name, rate in medians.items()},
        "times": round(medians["packed"] / medians["padded"], 2),
        "losses": {name: [round(x, 3) for x in side.losses] for name, side in sides.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shards", type=pathlib.Path)
    parser.add_argument("--documents", type=int, default=64)
    parser.add_argument("--windows", type=int, default=16)
    parser.add_argument("--updates", type=int, default=10)
    parser.add_argument("--dtype", default="float32")
    result = measure(parser.parse_args())
    print(json.dumps(result, indent=2))
    RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

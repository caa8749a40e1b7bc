"""One step of plain descent on one and on two devices; prints losses, leaves weights and vectors.

Run with: replicas_process.py WEIGHTS.npz
"""

from __future__ import annotations

import json
import sys

import keras
import numpy as np
import tensorflow as tf

from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.evaluation.embeddings import encode
from keras_bert_zoo.models import BertEncoder, SentenceEmbedder, SentenceSets
from keras_bert_zoo.models.embedding_losses import embedding_loss
from keras_bert_zoo.tokenizers import WordPieceTokenizer
from keras_bert_zoo.training.distribution import strategy_for
from keras_bert_zoo.training.gradient_cache import CachedRanking, across_replicas

CONFIG = EncoderConfig(
    vocab_size=61,
    hidden_size=24,
    num_hidden_layers=1,
    num_attention_heads=3,
    intermediate_size=40,
    max_position_embeddings=20,
    hidden_dropout_prob=0.0,
    attention_probs_dropout_prob=0.0,
)
WORDS = [f"w{index}" for index in range(50)]
TEXTS = [" ".join(WORDS[start : start + 1 + start % 5]) for start in range(9)]
LOSSES = {"ranking": "ranking", "cached": "ranking", "cosent": "cosent", "apart": "ranking"}


def model_of(name: str) -> SentenceSets:
    embedder = SentenceEmbedder(BertEncoder(CONFIG, add_pooling_layer=False))
    generator = np.random.default_rng(7)
    for weight in embedder.weights:
        weight.assign(0.2 * generator.standard_normal(weight.shape))
    gather = None if name == "apart" else across_replicas
    loss = embedding_loss(LOSSES[name], gather=gather)
    if name == "cached":
        return CachedRanking(embedder, loss, chunk_size=4)
    return SentenceSets(embedder, loss)


def batches() -> tf.data.Dataset:
    generator = np.random.default_rng(2)
    ids = generator.integers(1, 61, (8, 2, 10)).astype("int32")
    inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": 0 * ids}
    labels = {"sentence_embeddings": generator.integers(0, 3, 8).astype("float32")}
    data = tf.data.Dataset.from_tensor_slices((inputs, labels)).batch(8, drop_remainder=True)
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    return data.with_options(options)


def flat(model: SentenceSets) -> np.ndarray:
    return np.concatenate([weight.numpy().ravel() for weight in model.embedder.weights])


def main(path: str) -> None:
    mirrored = strategy_for(["CPU:0", "CPU:1"])  # before all else: it makes the devices
    tokenizer = WordPieceTokenizer(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS])
    weights, losses, vectors = {"before": flat(model_of("ranking"))}, {}, {}
    for name in LOSSES:
        for replicas, strategy in ((1, tf.distribute.get_strategy()), (2, mirrored)):
            with strategy.scope():
                model = model_of(name)
                model.compile(keras.optimizers.SGD(0.1), jit_compile=False)
            history = model.fit(batches(), epochs=1, verbose=0, shuffle=False)
            losses[f"{name} {replicas}"] = history.history["loss"][0]
            # Descent by one step: the weights tell the gradient.
            weights[f"{name} {replicas}"] = flat(model)
            vectors[f"{name} {replicas} vectors"] = encode(
                model.embedder, tokenizer, TEXTS, batch_size=4
            )
    np.savez(path, **weights, **vectors)
    print(json.dumps(losses))


if __name__ == "__main__":
    main(*sys.argv[1:])

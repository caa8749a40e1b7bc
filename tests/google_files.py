"""Checkpoints that TensorFlow writes as Google's published code has it do."""

from __future__ import annotations

import json
import pathlib

import numpy as np

from keras_bert_zoo.config import EncoderConfig

Arrays = dict[str, np.ndarray]
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "good", "film", "##s", "was"]

# The scopes and variables of `BertModel` in modeling.py. The sizes are letters: vocabulary,
# hidden, intermediate, positions, types, labels.
_EMBEDDINGS = {
    "bert/embeddings/word_embeddings": "VH",
    "bert/embeddings/token_type_embeddings": "TH",
    "bert/embeddings/position_embeddings": "PH",
    "bert/embeddings/LayerNorm/beta": "H",
    "bert/embeddings/LayerNorm/gamma": "H",
}
_LAYER = {
    "attention/self/query/kernel": "HH",
    "attention/self/query/bias": "H",
    "attention/self/key/kernel": "HH",
    "attention/self/key/bias": "H",
    "attention/self/value/kernel": "HH",
    "attention/self/value/bias": "H",
    "attention/output/dense/kernel": "HH",
    "attention/output/dense/bias": "H",
    "attention/output/LayerNorm/beta": "H",
    "attention/output/LayerNorm/gamma": "H",
    "intermediate/dense/kernel": "HI",
    "intermediate/dense/bias": "I",
    "output/dense/kernel": "IH",
    "output/dense/bias": "H",
    "output/LayerNorm/beta": "H",
    "output/LayerNorm/gamma": "H",
}
_POOLER = {"bert/pooler/dense/kernel": "HH", "bert/pooler/dense/bias": "H"}
# `get_masked_lm_output` and `get_next_sentence_output` of run_pretraining.py, `create_model` of
# run_classifier.py and of run_squad.py.
HEADS = {
    "pretraining": {
        "cls/predictions/transform/dense/kernel": "HH",
        "cls/predictions/transform/dense/bias": "H",
        "cls/predictions/transform/LayerNorm/beta": "H",
        "cls/predictions/transform/LayerNorm/gamma": "H",
        "cls/predictions/output_bias": "V",
        "cls/seq_relationship/output_weights": "LH",
        "cls/seq_relationship/output_bias": "L",
    },
    "sequence_classification": {"output_weights": "LH", "output_bias": "L"},
    "question_answering": {"cls/squad/output_weights": "LH", "cls/squad/output_bias": "L"},
}
# Of `BertConfig`.
KEYS = (
    "attention_probs_dropout_prob", "hidden_act", "hidden_dropout_prob", "hidden_size",
    "initializer_range", "intermediate_size", "max_position_embeddings", "num_attention_heads",
    "num_hidden_layers", "type_vocab_size", "vocab_size",
)  # fmt: skip


def shapes(config: EncoderConfig, head: str = "pretraining", labels: int = 2):
    """The shapes of a checkpoint's variables by name."""
    sizes = {
        "V": config.vocab_size,
        "H": config.hidden_size,
        "I": config.intermediate_size,
        "P": config.max_position_embeddings,
        "T": config.type_vocab_size,
        "L": labels,
    }
    layers = {
        f"bert/encoder/layer_{index}/{name}": letters
        for index in range(config.num_hidden_layers)
        for name, letters in _LAYER.items()
    }
    found = {**_EMBEDDINGS, **layers, **_POOLER, **HEADS[head]}
    return {name: tuple(sizes[letter] for letter in found[name]) for name in found}


def random_arrays(config: EncoderConfig, head: str = "pretraining", labels: int = 2) -> Arrays:
    """Weights around 0, scales around 1."""
    generator = np.random.default_rng(5)
    return {
        name: (0.2 * generator.standard_normal(shape) + name.endswith("gamma")).astype("float32")
        for name, shape in shapes(config, head, labels).items()
    }


def write_variables(prefix: pathlib.Path, arrays: Arrays) -> None:
    """TensorFlow 1's own way: variables by name, and a `Saver`."""
    import tensorflow as tf

    v1 = tf.compat.v1
    with v1.Graph().as_default(), v1.Session() as session:
        for name, values in arrays.items():
            v1.get_variable(name, initializer=tf.constant(values), use_resource=False)
        session.run(v1.global_variables_initializer())
        v1.train.Saver().save(session, str(prefix))


def write_files(directory: pathlib.Path, config: EncoderConfig, arrays: Arrays) -> pathlib.Path:
    """The three kinds of files; `bert_config.json` has the keys of `BertConfig`."""
    directory.mkdir(parents=True)
    values = {key: getattr(config, key) for key in KEYS}
    (directory / "bert_config.json").write_text(json.dumps(values, indent=2))
    (directory / "vocab.txt").write_text("".join(f"{word}\n" for word in WORDS))
    write_variables(directory / "bert_model.ckpt", arrays)
    return directory

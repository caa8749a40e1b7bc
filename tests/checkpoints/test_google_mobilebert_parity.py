"""MobileBERT in Google's files beside the model that its scopes and variables make elsewhere."""

from __future__ import annotations

import json
import pathlib
import re

import google_files
import numpy as np
import pytest
from architectures import batch, tiny

from keras_bert_zoo.bundle import load
from keras_bert_zoo.config import ConfigError
from keras_bert_zoo.conversion import convert

# The scopes and variables of modeling.py and run_pretraining.py, which leave no doubt about shapes:
# vocabulary, hidden, embedding, bottleneck, intermediate, positions, types.
SCOPES = {
    "bert/embeddings/word_embeddings": "VE",
    "bert/embeddings/embedding_transformation/kernel": "3H",
    "bert/embeddings/embedding_transformation/bias": "H",
    "bert/embeddings/token_type_embeddings": "TH",
    "bert/embeddings/position_embeddings": "PH",
    "bert/embeddings/FakeLayerNorm/beta": "H",
    "bert/embeddings/FakeLayerNorm/gamma": "H",
    "cls/predictions/transform/dense/kernel": "HH",
    "cls/predictions/transform/dense/bias": "H",
    "cls/predictions/transform/LayerNorm/beta": "H",
    "cls/predictions/transform/LayerNorm/gamma": "H",
    "cls/predictions/output_bias": "V",
    "cls/predictions/extra_output_weights": "VR",
    "cls/seq_relationship/output_weights": "2H",
    "cls/seq_relationship/output_bias": "2",
}
DENSE = {
    "bottleneck/input/dense": "HW",
    "bottleneck/attention/dense": "HW",
    "attention/self/query": "WW",
    "attention/self/key": "WW",
    "attention/self/value": "HW",
    "attention/output/dense": "WW",
    "ffn_layer_0/intermediate/dense": "WI",
    "ffn_layer_0/output/dense": "IW",
    "ffn_layer_1/intermediate/dense": "WI",
    "ffn_layer_1/output/dense": "IW",
    "intermediate/dense": "WI",
    "output/dense": "IW",
    "output/bottleneck/dense": "WH",
}
NORMS = {
    "bottleneck/input": "W",
    "bottleneck/attention": "W",
    "attention/output": "W",
    "ffn_layer_0/output": "W",
    "ffn_layer_1/output": "W",
    "output": "W",
    "output/bottleneck": "H",
}
LEAVES = {"kernel": "weight", "gamma": "weight", "output_weights": "weight", "beta": "bias"}


def variables(config):
    """Random values by Google's names."""
    sizes = {
        "V": config.vocab_size,
        "E": config.table_width,
        "3": 3 * config.table_width,
        "H": config.hidden_size,
        "W": config.choices.intra_bottleneck_size,
        "I": config.intermediate_size,
        "R": config.hidden_size - config.table_width,
        "P": config.max_position_embeddings,
        "T": config.type_vocab_size,
        "2": 2,
    }
    letters = dict(SCOPES)
    for layer in range(config.num_hidden_layers):
        scope = f"bert/encoder/layer_{layer}"
        for name, both in DENSE.items():
            letters |= {f"{scope}/{name}/kernel": both, f"{scope}/{name}/bias": both[1]}
        for name, width in NORMS.items():
            norm = f"{scope}/{name}/FakeLayerNorm"
            letters |= {f"{norm}/beta": width, f"{norm}/gamma": width}
    generator = np.random.default_rng(5)
    return {
        name: (
            0.1 * generator.standard_normal([sizes[letter] for letter in shape])
            + name.endswith("gamma")
        ).astype("float32")
        for name, shape in letters.items()
    }


def write(directory: pathlib.Path, config, arrays, **changes):
    """As the archive is, and `bert_config.json`, which has no ``model_type``."""
    directory.mkdir()
    google_files.write_variables(directory / "mobilebert_variables.ckpt", arrays)
    sizes = {name: x for name, x in config.to_dict().items() if name in google_files.KEYS}
    own = {
        "embedding_size": config.table_width,
        "trigram_input": True,
        "use_bottleneck": True,
        "intra_bottleneck_size": config.choices.intra_bottleneck_size,
        "key_query_shared_bottleneck": True,
        "num_feedforward_networks": 3,
        "normalization_type": "no_norm",
        "classifier_activation": False,
    }
    text = json.dumps({**sizes, **own, **changes})
    (directory / "bert_config.json").write_text(text)
    return directory


@pytest.mark.parity
def test_every_variable_is_where_it_is_elsewhere(tmp_path):
    import torch
    import transformers

    config = tiny("mobilebert")
    arrays = variables(config)
    directory = write(tmp_path / "uncased", config, arrays)
    theirs = transformers.MobileBertForPreTraining(
        transformers.MobileBertConfig(**config.to_dict(), attn_implementation="eager")
    ).eval()
    parameters = dict(theirs.named_parameters())
    for name, values in arrays.items():
        path = re.sub(r"\b(ffn)_layer_(\d+)|\b(layer)_(\d+)", r"\1\3.\2\4", name)
        path = path.replace("FakeLayerNorm", "LayerNorm").replace("bert/", "mobilebert/")
        path = path.replace("extra_output_weights", "dense/kernel")
        path = path.replace("seq_relationship/output_bias", "seq_relationship/bias")
        path = path.replace("predictions/output_bias", "predictions/bias")
        *scopes, leaf = path.replace("/", ".").split(".")
        key = ".".join([*scopes, LEAVES.get(leaf, leaf)])
        key += ".weight" * leaf.endswith("_embeddings")
        values = values.T if path.endswith("/kernel") else values
        parameters.pop(key).data.copy_(torch.from_numpy(values))
    assert not parameters
    loaded = load(directory, task="pretraining", fresh_head=False)
    arrays = batch(config)
    places = np.tile(np.arange(9, dtype="int32"), (3, 1))
    outputs = loaded.model({**arrays, "masked_positions": places})
    with torch.no_grad():
        wanted = theirs(**{name: torch.from_numpy(x).long() for name, x in arrays.items()})
    for name, numbers in outputs.items():
        np.testing.assert_allclose(numbers, wanted[name], rtol=0, atol=1e-5, err_msg=name)
    convert(directory, tmp_path / "hf", "hf")
    read = transformers.AutoModelForPreTraining.from_pretrained(tmp_path / "hf")
    for name, values in read.state_dict().items():
        np.testing.assert_array_equal(values, theirs.state_dict()[name], name)
    with pytest.raises(ValueError, match="received 'mobilebert'"):
        convert(tmp_path / "hf", tmp_path / "back", "google")


def test_layer_normalisations_are_refused_by_name(tmp_path):
    config = tiny("mobilebert")
    directory = write(tmp_path / "x", config, variables(config), normalization_type="layer_norm")
    with pytest.raises(ConfigError, match="'no_norm', received 'layer_norm'"):
        load(directory)

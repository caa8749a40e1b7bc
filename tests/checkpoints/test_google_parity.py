"""Google's checkpoints beside Hugging Face's conversion of the same weights, both ways."""

from __future__ import annotations

import pathlib
import re
from typing import Any

import google_files
import numpy as np
import pytest
from published import torch_inputs

from keras_bert_zoo.bundle import load
from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.conversion import convert, write_google

pytestmark = pytest.mark.parity
LEAVES = {
    "kernel": "weight",
    "gamma": "weight",
    "output_weights": "weight",
    "beta": "bias",
    "output_bias": "bias",
}


def converted(config: EncoderConfig, arrays: google_files.Arrays) -> Any:
    """`BertForPreTraining` with Google's weights, found scope by scope as its converter does."""
    import torch
    import transformers

    theirs = transformers.BertForPreTraining(transformers.BertConfig(**config.to_dict())).eval()
    parameters = dict(theirs.named_parameters())
    for name, values in arrays.items():
        path = re.sub(r"layer_(\d+)", r"layer.\1", name).split("/")
        path[-1] = LEAVES.get(path[-1], path[-1])
        path += ["weight"] * path[-1].endswith("_embeddings")
        values = values.T if name.endswith("kernel") else values
        parameters.pop(".".join(path)).data.copy_(torch.from_numpy(values))
    assert not parameters
    return theirs


def assert_the_same(ours: Any, theirs: Any, batch: dict[str, np.ndarray]) -> None:
    import torch

    places = np.tile(np.arange(12), (len(batch["input_ids"]), 1)).astype("int32")
    outputs = ours({**batch, "masked_positions": places})
    with torch.no_grad():
        expected = theirs(**torch_inputs(batch))
    for name in ("prediction_logits", "seq_relationship_logits"):
        np.testing.assert_allclose(outputs[name], expected[name], rtol=0, atol=1e-5, err_msg=name)


def test_google_to_hugging_face_and_back(
    tmp_path: pathlib.Path, tiny_config: EncoderConfig, make_batch: Any
) -> None:
    import tensorflow as tf
    import transformers

    arrays = google_files.random_arrays(tiny_config)
    directory = google_files.write_files(tmp_path / "uncased", tiny_config, arrays)
    theirs, batch = converted(tiny_config, arrays), make_batch()
    bundle = load(directory, task="pretraining", fresh_head=False)
    assert_the_same(bundle.model, theirs, batch)

    # `transformers` reads what is converted, ...
    convert(directory, tmp_path / "hf", "hf")
    read = transformers.AutoModelForPreTraining.from_pretrained(tmp_path / "hf").eval()
    expected = theirs.state_dict()
    for name, values in read.state_dict().items():
        np.testing.assert_array_equal(values, expected[name], name)
    words = transformers.AutoTokenizer.from_pretrained(tmp_path / "hf").tokenize("A Films")
    assert words == bundle.tokenizer.tokenize("A Films") == ["a", "film", "##s"]

    # ... and what it saves becomes Google's variables again, bit by bit.
    theirs.save_pretrained(tmp_path / "theirs")
    convert(tmp_path / "theirs", tmp_path / "google", "google")
    write_google(bundle.model, bundle.tokenizer, tmp_path / "written")
    for written in (tmp_path / "google", tmp_path / "written"):
        reader = tf.train.load_checkpoint(str(written / "bert_model.ckpt"))
        assert reader.get_variable_to_shape_map().keys() == arrays.keys()
        for name, values in arrays.items():
            np.testing.assert_array_equal(reader.get_tensor(name), values, name)

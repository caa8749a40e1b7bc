"""What ``convert`` refuses, and what is there afterwards."""

from __future__ import annotations

import pathlib
import shutil

import numpy as np
import pytest
import safetensors.numpy

from keras_bert_zoo.checkpoints.tensors import CheckpointError
from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.conversion import convert, write_google
from keras_bert_zoo.conversion.convert import ConversionError
from keras_bert_zoo.models import BertEncoder, SentenceEmbedder

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def test_answers_that_differ_are_not_kept(pretrained: pathlib.Path, tmp_path: pathlib.Path) -> None:
    source = shutil.copytree(pretrained, tmp_path / "source")
    tensors = safetensors.numpy.load_file(source / "model.safetensors")
    tensors["bert.embeddings.word_embeddings.weight"] *= 1e6  # float16 ends at 65,504
    safetensors.numpy.save_file(tensors, source / "model.safetensors")
    with (
        pytest.raises(ConversionError, match="prediction_logits of random inputs: nan apart"),
        pytest.warns(RuntimeWarning, match="overflow"),
    ):
        convert(source, tmp_path / "target", "google", dtype="float16")
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


@pytest.mark.parametrize("value", [np.nan, pytest.param(-np.inf, marks=pytest.mark.slow)])
def test_a_source_with_nan(value: float, pretrained: pathlib.Path, tmp_path: pathlib.Path) -> None:
    source = shutil.copytree(pretrained, tmp_path / "source")
    tensors = safetensors.numpy.load_file(source / "model.safetensors")
    name = "bert.encoder.layer.1.output.dense.bias"
    tensors[name][3] = value
    safetensors.numpy.save_file(tensors, source / "model.safetensors")
    with pytest.raises(ConversionError, match=rf"source holds NaN or infinity, first in {name}:"):
        convert(source, tmp_path / "target", "hf")
    assert [path.name for path in tmp_path.iterdir()] == ["source"]
    convert(source, tmp_path / "target", "hf", verify=False)
    found = safetensors.numpy.load_file(tmp_path / "target" / "model.safetensors")
    np.testing.assert_array_equal(found[name], tensors[name])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cls.predictions.decoder.weight", "differs from embeddings.word_embeddings.weight"),
        ("bert.encoder.layer.2.output.dense.bias", "layer.2.output.dense.bias is left over"),
    ],
)
def test_tensors_without_a_place(
    name: str, message: str, pretrained: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    source = shutil.copytree(pretrained, tmp_path / "source")
    tensors = safetensors.numpy.load_file(source / "model.safetensors")
    safetensors.numpy.save_file(
        {**tensors, name: np.ones((61, 24), "f4")}, source / "model.safetensors"
    )
    with pytest.raises(CheckpointError, match=message):
        convert(source, tmp_path / "target", "google")


def test_a_tensor_that_is_missing(pretrained: pathlib.Path, tmp_path: pathlib.Path) -> None:
    source = shutil.copytree(pretrained, tmp_path / "source")
    tensors = safetensors.numpy.load_file(source / "model.safetensors")
    del tensors["bert.embeddings.LayerNorm.bias"]
    safetensors.numpy.save_file(tensors, source / "model.safetensors")
    with pytest.raises(CheckpointError, match=r"embeddings.LayerNorm.bias is missing"):
        convert(source, tmp_path / "target", "google")


def test_an_embedder_is_more_than_its_weights(
    tiny_config: EncoderConfig, tmp_path: pathlib.Path
) -> None:
    with pytest.raises(ValueError, match="format but those of sentence-transformers"):
        write_google(SentenceEmbedder(BertEncoder(tiny_config)), None, tmp_path / "google")
    assert not (tmp_path / "google").exists()


def test_other_files_in_the_way(pretrained: pathlib.Path, tmp_path: pathlib.Path) -> None:
    convert(pretrained, tmp_path / "target", "google", verify=False)
    convert(pretrained, tmp_path / "target", "keras", overwrite=True, verify=False)
    assert not (tmp_path / "target" / "bert_config.json").exists()
    (tmp_path / "target" / "thesis.tex").write_text("years of work")
    with pytest.raises(FileExistsError, match=r"\['thesis.tex'\], which replacing"):
        convert(pretrained, tmp_path / "target", "hf", overwrite=True)
    with pytest.raises(ValueError, match=r"dtype must be one of .*received 'int8'\.$"):
        convert(pretrained, tmp_path / "other", "hf", dtype="int8")
    with pytest.raises(ValueError, match=r"received 'fp16'\. Did you mean 'float16'\?"):
        convert(pretrained, tmp_path / "other", "hf", dtype="fp16")
    with pytest.raises(ValueError, match=r"received 'HF'\. Did you mean 'hf'\?"):
        convert(pretrained, tmp_path / "other", "HF")

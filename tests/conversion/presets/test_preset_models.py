"""Every architecture and task of the table: what either side writes the other computes."""

from __future__ import annotations

import pathlib
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from presets import CASES, KINDS, ask, assert_close, assert_same, model_for, rows_for

from keras_bert_zoo.bundle import load, save, trained_for
from keras_bert_zoo.checkpoints.keras_hub_bridge import from_keras_hub, to_keras_hub
from keras_bert_zoo.checkpoints.keras_hub_places import POSITIONS, SEGMENTS
from keras_bert_zoo.checkpoints.keras_hub_tables import PRESETS
from keras_bert_zoo.conversion import convert, write_keras_hub
from keras_bert_zoo.models import Encoder

pytestmark = pytest.mark.parity
Randomise = Callable[..., Any]
# The last task of each architecture, whose models hold the most.
FULLEST = list(dict(CASES).items())


# XLM-R's are RoBERTa's, but for the embedder, which RoBERTa's lacks.
TWICE = [case for case in CASES if case[0] == "xlm-roberta" and ("roberta", case[1]) in CASES]


@pytest.mark.parametrize(
    ("model_type", "task"),
    [pytest.param(*case, marks=[pytest.mark.slow] * (case in TWICE)) for case in CASES],
)
def test_both_ways(
    model_type: str,
    task: str | None,
    randomise: Randomise,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from keras_hub import models

    model = randomise(model_for(model_type, task))
    rows, directory = rows_for(model), write_keras_hub(model, None, tmp_path / "ours")
    kind = getattr(models, PRESETS[model_type].prefix + KINDS[task])
    options = {"preprocessor": None} if task else {}
    theirs = kind.from_preset(str(directory), **options)
    assert_same(model(rows), ask(theirs, rows), rows)
    assert_same(load(directory, task=task).model(rows), model(rows).values(), rows)

    randomise(theirs, seed=8).save_to_preset(str(tmp_path / "theirs"))
    expected = ask(theirs, rows)
    if task is None:
        assert_same(from_keras_hub(theirs)(rows), expected, rows)
    monkeypatch.setitem(sys.modules, "keras_hub", None)
    assert trained_for(tmp_path / "theirs") == task
    bundle = load(tmp_path / "theirs", task=task)
    assert bundle.model.task == task and bundle.tokenizer is None
    assert_same(bundle.model(rows), expected, rows)


@pytest.mark.parametrize(
    ("model_type", "task"),
    [pytest.param(*case, marks=[pytest.mark.slow] * (case[0] != "bert")) for case in FULLEST],
)
def test_converted_there_and_back(
    model_type: str, task: str | None, randomise: Randomise, tmp_path: pathlib.Path
) -> None:
    model = randomise(model_for(model_type, task))
    preset = write_keras_hub(model, None, tmp_path / "preset")
    hugging_face = convert(preset, tmp_path / "hf", "hf")
    back = convert(hugging_face.directory, tmp_path / "back", "keras-hub")
    assert {each.difference for each in (*hugging_face.differences, *back.differences)} == {0}
    assert trained_for(hugging_face.directory) == trained_for(back.directory) == task
    first, last = (load(at, task=task).model for at in (preset, back.directory))
    for one, other in zip(first.weights, last.weights, strict=True):
        np.testing.assert_array_equal(one, other)
    assert getattr(first, "head", None) == getattr(last, "head", None)


def test_positions_hold_the_only_segment_and_begin_with_a_token(
    randomise: Randomise, tmp_path: pathlib.Path
) -> None:
    """Of RoBERTa; a pooler that keras-hub lacks is left behind and said to be."""
    source = save(randomise(model_for("roberta", None)), None, tmp_path / "source")
    done = convert(source, tmp_path / "preset", "keras-hub")
    assert set(done.skipped) == {"pooler.dense.weight", "pooler.dense.bias"}
    ours, back = (
        {weight.path: np.array(weight) for weight in load(at).model.weights}
        for at in (source, done.directory)
    )
    assert_close(back[POSITIONS][2:], ours[POSITIONS][2:] + ours[SEGMENTS][0])
    assert back[POSITIONS].shape == ours[POSITIONS].shape
    assert not back[POSITIONS][:2].any() and not back[SEGMENTS].any()


@pytest.mark.parametrize("embedding_size", [16, 24])
def test_the_pooler_of_electra_is_zeros_and_unread(
    embedding_size: int, randomise: Randomise, tmp_path: pathlib.Path
) -> None:
    """Its name in a file depends on whether the tables are projected."""
    from keras_hub.models import ElectraBackbone

    config = model_for("electra", None).config.replace(embedding_size=embedding_size)
    model = randomise(type(model_for("electra", None))(config, add_pooling_layer=False))
    rows, directory = rows_for(model), write_keras_hub(model, None, tmp_path / "preset")
    theirs = ElectraBackbone.from_preset(str(directory))
    assert not np.array(ask(theirs, rows)[1]).any()
    assert_same(model(rows), ask(theirs, rows), rows)
    assert_same(load(directory).model(rows), model(rows).values(), rows)
    skipped = convert(directory, tmp_path / "hf", "hf").skipped
    assert set(skipped.values()) == {"a pooler, which ELECTRA was trained without"}


@pytest.mark.parametrize(
    ("model_type", "kind", "changes", "message"),
    [
        ("bert", "MaskedLM", {}, "exact GELU and a layer_norm_eps of 1e-5"),
        ("distilbert", "MaskedLM", {}, "takes a layer_norm_eps of 1e-5"),
        ("albert", "MaskedLM", {}, "takes a layer_norm_eps of 1e-5, where its encoder takes 1e-12"),
        ("deberta-v2", "MaskedLM", {}, "where its encoder takes 1e-7"),
        ("bert", "TextClassifier", {"activation": "softmax"}, "the activation 'softmax'"),
        ("roberta", "TextClassifier", {"hidden_dim": 32}, "has 32 units, not the encoder's"),
    ],
)
def test_a_head_that_computes_something_else(
    model_type: str,
    kind: str,
    changes: dict[str, Any],
    message: str,
    tmp_path: pathlib.Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    from keras_hub import models

    row = PRESETS[model_type]
    config = model_for(model_type, None).config
    backbone = getattr(models, f"{row.prefix}Backbone")(**row.arguments(config))
    arguments = {"num_classes": 2, **changes} if kind == "TextClassifier" else changes
    head = getattr(models, row.prefix + kind)(backbone, **arguments)
    head.save_to_preset(str(tmp_path))
    assert isinstance(load(tmp_path).model, Encoder)
    assert message in caplog.text and trained_for(tmp_path) is None
    task = {name: task for task, name in KINDS.items()}[kind]
    with pytest.raises(ValueError, match=r"no trained head|no head for task"):
        load(tmp_path, task=task, fresh_head=False)


@pytest.mark.parametrize(
    ("model_type", "task", "message"),
    [
        ("distilbert", "sentence_embedding", "keras-hub has no DistilBertTextEmbedder"),
        ("electra", "sequence_classification", "keras-hub has no ElectraTextClassifier"),
        ("albert", "masked_lm", "keras-hub's AlbertMaskedLM computes something else: its head"),
    ],
)
def test_tasks_that_keras_hub_does_not_have(model_type: str, task: str, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        to_keras_hub(model_for(model_type, task))


def test_an_encoder_of_masked_words_brings_its_pooler(
    randomise: Randomise, tmp_path: pathlib.Path
) -> None:
    """A checkpoint for words may hold a pooler, which ALBERT's backbone needs."""
    from safetensors.numpy import load_file, save_file

    source = save(randomise(model_for("albert", "masked_lm")), None, tmp_path / "source")
    file = source / "model.safetensors"
    values = {"weight": np.eye(24, dtype="float32"), "bias": np.ones(24, "float32")}
    pooler = {f"albert.pooler.{name}": each for name, each in values.items()}
    save_file({**load_file(file), **pooler}, file, {"format": "pt"})
    done = convert(source, tmp_path / "preset", "keras-hub")
    assert {name.partition(".")[0] for name in done.skipped} == {"predictions"}

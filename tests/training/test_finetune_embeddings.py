"""Sentence embedding as a task: what it learns, says and refuses."""

from __future__ import annotations

import json

import numpy as np
import pytest

from keras_bert_zoo import load, predictor
from keras_bert_zoo.evaluation.embeddings import encode
from keras_bert_zoo.evaluation.prediction import keras_runner, outputs_of
from keras_bert_zoo.models.embedding_losses import LOSSES
from keras_bert_zoo.tasks import sentence_embedding, task_named
from keras_bert_zoo.tasks.task import Settings
from keras_bert_zoo.training.finetune import finetune
from keras_bert_zoo.training.recipe import FinetuneRecipe

TASK = "sentence_embedding"


def rows_of(count, seed):
    """Texts are alike where both are good or both are bad."""
    generator = np.random.default_rng(seed)

    def text(word):
        words = [f"w{i}" for i in generator.integers(0, 30, generator.integers(0, 4))]
        return " ".join([*words, word])

    for _ in range(count):
        first, second = generator.choice(["good", "bad"], 2)
        other = "bad" if first == "good" else "good"
        yield {
            "text": text(first),
            "text_pair": text(second),
            "like": text(first),
            "negative": text(other),
            "label": 5.0 if first == second else 1.0,
        }


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    directory = tmp_path_factory.mktemp("pairs")
    paths = {}
    for seed, (name, count) in enumerate({"train": 62, "validation": 20, "test": 20}.items()):
        paths[name] = directory / f"{name}.jsonl"
        paths[name].write_text("\n".join(map(json.dumps, rows_of(count, seed))))
    return paths


def recipe_of(checkpoint, pairs, output, options, **changes):
    sources = {name: str(path) for name, path in pairs.items()}
    values = {"max_length": 12, "batch_size": 8, "learning_rate": 5e-3, "epochs": 3}
    return FinetuneRecipe(
        model=str(checkpoint), output=str(output), task=TASK, options=options,
        **{**sources, **values, "buckets": [12], **changes},
    )  # fmt: skip


# A text has 40 candidates, half of which are as good as the right one: 0.11 is the chance of
# random vectors, and 0.18 is as good as it gets.
RUNS = {
    "cosine": ({"loss": "cosine", "label_range": [1, 5]}, {}, ("spearman", 0.6)),
    "cosent": (
        {"loss": "cosent", "pooling": "mean_sqrt_len_tokens", "matryoshka": [16, 8]},
        {"correct_bias": False, "batch_size": 16, "epochs": 8},  # longer first updates
        ("spearman", 0.6),
    ),
    "triplet": (
        {"loss": "triplet", "distance": "cosine", "normalize": True},
        {"pair_column": "like"},
        ("mrr", 0.15),
    ),
    "ranking in parts": (
        {"loss": "ranking", "negative_columns": ["negative"], "chunk_size": 12, "scale": 10.0},
        {"pair_column": "like"},
        ("mrr", 0.15),
    ),
}


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n == "cosine" else pytest.mark.slow) for n in RUNS]
)
def test_it_learns_and_leaves_a_bundle(checkpoint, pairs, tmp_path, name):
    options, changes, (measure, least) = RUNS[name]
    result = finetune(recipe_of(checkpoint, pairs, tmp_path / "run", options, **changes), verbose=0)
    assert result.metrics["test"][measure] > least, result.metrics
    assert result.history[-1]["loss"] < result.history[0]["loss"]
    best = max(epoch[f"val_{measure}"] for epoch in result.history)
    assert result.metrics["validation"][measure] == pytest.approx(best, abs=1e-6)
    loaded = load(result.bundle, task=TASK, fresh_head=False)
    for option in ("pooling", "dense_units", "normalize"):
        stated = options.get(option, {"pooling": "mean", "normalize": False}.get(option))
        assert loaded.model.head[option] == ([stated] if option == "pooling" else stated)
    assert loaded.model.head["max_seq_length"] == 12  # that of the training
    # What is asked is what was learned.
    texts = ["good w1", "bad w2 w3"]
    vectors = encode(loaded.model, loaded.tokenizer, texts)
    np.testing.assert_allclose(predictor(result.bundle).encode(texts), vectors, rtol=0, atol=1e-5)
    good, fine, bad = encode(loaded.model, loaded.tokenizer, ["good w1", "w2 good", "w1 w3 bad"])
    assert good @ fine > good @ bad


def test_what_it_says(checkpoint):
    loaded = load(checkpoint, task=TASK)
    task = task_named(TASK)(Settings(max_length=20))
    model = task.prepared(loaded.model)
    assert task.kept(model) is loaded.model
    vectors = encode(loaded.model, loaded.tokenizer, ["good w1", "bad w2 w3"])

    def ask(questions):
        examples = task.asked(questions)
        rows = task.rows(examples, loaded.tokenizer, ())
        outputs = outputs_of(keras_runner(model), rows, max_length=20)
        return task.answers(examples, rows, outputs, ())

    answers = ask(["good w1", "bad w2 w3"])
    np.testing.assert_allclose([each["embedding"] for each in answers], vectors, atol=1e-5)
    pair = ask([{"text": "good w1", "text_pair": "bad w2 w3"}])
    cosine = vectors[0] @ vectors[1] / np.prod(np.linalg.norm(vectors, axis=1))
    assert pair == [{"similarity": pytest.approx(cosine, abs=1e-5)}]


def test_both_tables_name_the_same_losses():
    assert sentence_embedding.LOSSES.keys() == LOSSES.keys()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": "rank"}, "loss must be one of"),
        ({"loss": "cosine", "negative_columns": ["x"]}, "negative_columns must be none"),
        ({"loss": "triplet", "negative_columns": ["x", "y"]}, "must be one column"),
        ({"temperature": 2}, r"received \['temperature'\]"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        task_named(TASK)(Settings(max_length=20, options=options))


def test_labels_that_are_no_cosines(pairs):
    task = task_named(TASK)(Settings(max_length=20, options={"loss": "cosine"}))
    with pytest.raises(ValueError, match=r"line \d+: the label 5 is no cosine.*label_range"):
        task.read(pairs["train"])


def test_options_of_another_loss(checkpoint):
    loaded = load(checkpoint, task=TASK)
    task = task_named(TASK)(Settings(max_length=20, options={"loss": "cosine", "scale": 3.0}))
    with pytest.raises(ValueError, match=r"loss 'cosine' does not have.*scale"):
        task.prepared(loaded.model)

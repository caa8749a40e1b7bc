"""The work of ``keras-bert-zoo quickstart``: real weights, real text, real runtimes."""

from __future__ import annotations

import dataclasses
import pathlib
import shutil
import sys
from collections.abc import Sequence
from typing import Any

import rich

from keras_bert_zoo.bundle import load
from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.data.examples import Examples
from keras_bert_zoo.data.labels import encode_labels
from keras_bert_zoo.data.tweets import Tweet, load_tweets
from keras_bert_zoo.evaluation.baselines import baseline_accuracies
from keras_bert_zoo.evaluation.classification import probabilities
from keras_bert_zoo.evaluation.prediction import predict_logits
from keras_bert_zoo.export import Artifact, Report, export, verify
from keras_bert_zoo.tokenizers import load_tokenizer
from keras_bert_zoo.training.finetune import FinetuneResult, finetune
from keras_bert_zoo.training.recipe import FinetuneRecipe
from keras_bert_zoo.training.recipe_files import parse_recipe

RECIPE = "tweets-minilm"
# Labelled at the end when nobody is there to type some.
SENTENCES = (
    "Three hours on the tarmac and not a word from the crew. Never again.",
    "The new cabin is lovely and everyone was so kind, thank you!",
    "The flight to Denver leaves from gate 12 at 9:40.",
)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What one run found, for the terminal and the page.

    Args:
        summary: what was done, in one sentence.
        training: result of the fine-tuning.
        baselines: accuracy of each baseline on the test tweets.
        sample_baselines: the same on those that the artifacts were verified with.
        truth: label of each test tweet.
        predicted: what the fine-tuned model says of it.
        report: of the artifacts.
        sentences: text, label and score of each sentence labelled at the end.
    """

    summary: str
    training: FinetuneResult
    baselines: dict[str, float]
    sample_baselines: dict[str, float]
    truth: list[str]
    predicted: list[str]
    report: Report
    sentences: list[tuple[str, str, float]]


def run(
    directory: pathlib.Path, size: int | None, verified: int, texts: Sequence[str], seed: int
) -> Outcome:
    """Does everything but the report; see ``commands.quickstart`` for the arguments."""
    splits = load_tweets()
    train, test = splits["train"][:size], splits["test"]
    # Spread over the test tweets: their order is that of the source.
    sample = test[:: max(1, len(test) // verified)][:verified]
    say(f"1/5  {len(train):,} training tweets, {len(test):,} test tweets; baselines")
    baselines, on_sample = (
        baseline_accuracies(*_columns(train), *_columns(tweets)) for tweets in (test, sample)
    )
    say("2/5  Fine-tune all-MiniLM-L6-v2")
    training = _finetune(directory / "training", len(train), seed)
    say("3/5  Export")
    artifacts = _export(training.bundle, directory / "artifacts")
    say("4/5  Run every artifact in its own runtime")
    predicted = _predict(training.bundle, [tweet.text for tweet in test])
    # Each text is run alone, in five runtimes: a sample keeps that to minutes.
    report = _verify(training.bundle, artifacts, sample)
    say("5/5  Sentences nobody trained on, labelled by the int8 TFLite model")
    return Outcome(
        summary=f"all-MiniLM-L6-v2, fine-tuned on {len(train):,} tweets in 3 classes, tested on "
        f"{len(test):,}, all labelled by people.",
        training=training,
        baselines=baselines,
        sample_baselines=on_sample,
        truth=[tweet.label for tweet in test],
        predicted=[label for label, _ in predicted],
        report=report,
        sentences=_label_sentences(training.bundle, artifacts, texts),
    )


def _columns(tweets: Sequence[Tweet]) -> tuple[list[str], list[str]]:
    return [tweet.text for tweet in tweets], [tweet.label for tweet in tweets]


def _finetune(directory: pathlib.Path, examples: int, seed: int) -> FinetuneResult:
    changes = {"output": directory, "limit": examples, "seed": seed, "overwrite": "true"}
    words = [RECIPE, *(f"--{key}={value}" for key, value in changes.items())]
    return finetune(parse_recipe(FinetuneRecipe, words, "finetune", "quickstart"))


def _export(bundle: pathlib.Path, output: pathlib.Path) -> list[Artifact]:
    # Not overwrite=True: artifacts of an earlier run with other formats would stay.
    shutil.rmtree(output, ignore_errors=True)
    return export(bundle, output)


def _predict(bundle: pathlib.Path, texts: Sequence[str]) -> list[tuple[str, float]]:
    """Label and score of each text, by the Keras model."""
    loaded = load(bundle)
    return _decide(loaded.config, predict_logits(loaded.model, loaded.tokenizer, texts))


def _verify(bundle: pathlib.Path, artifacts: Sequence[Artifact], tweets: Sequence[Tweet]) -> Report:
    config = EncoderConfig.from_file(bundle / "config.json")
    texts, labels = _columns(tweets)
    encoded = encode_labels(labels, str(config.problem_type), config.labels)
    return verify(bundle, artifacts, Examples(texts, labels=encoded))


def _label_sentences(
    bundle: pathlib.Path, artifacts: Sequence[Artifact], texts: Sequence[str] | None
) -> list[tuple[str, str, float]]:
    """Labels sentences as a phone would: the tokenizer here, the int8 file in LiteRT."""
    [int8] = [artifact for artifact in artifacts if artifact.format == "tflite-int8"]
    config = EncoderConfig.from_file(bundle / "config.json")
    tokenizer = load_tokenizer(bundle)
    rows = []
    for text in texts or _ask():
        inputs = {name: value.numpy() for name, value in tokenizer([text], padding=True).items()}
        [(label, score)] = _decide(config, int8.run(inputs)["logits"])
        rows.append((text, label, score))
    return rows


def _decide(config: Any, logits: Any) -> list[tuple[str, float]]:
    rows = probabilities(str(config.problem_type), logits)
    return [(config.labels[row.argmax()], float(row.max())) for row in rows]


def _ask() -> list[str]:
    """Sentences typed at the terminal until an empty line; fixed ones if none are."""
    typed = []
    if sys.stdin is not None and sys.stdin.isatty():
        print("Type a sentence and press Enter; an empty line ends.")
        while line := input("> ").strip():
            typed.append(line)
    return typed or list(SENTENCES)


def say(text: str) -> None:
    """Prints a step of the run."""
    rich.print(f"\n[bold]{text}[/bold]")

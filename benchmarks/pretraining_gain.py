"""What a pretrained encoder has learned, beside what needs no training.

Masked words of held-out text, the same rows and masks that the run was validated on:

- unigram: always the most frequent word of the training text;
- 5-gram in context: the word that stood most often between the two words before and the two
  after it, as they are after masking; where the four were never seen together, between the
  nearest two; then after the nearest one; then the most frequent word.

Then classifiers, fine-tuned on labelled tweets from the encoder and from random weights of the
same sizes, with the same seeds.

    python benchmarks/pretraining_gain.py runs/small-cpu --shards data/shards
"""

from __future__ import annotations

import argparse
import json
import pathlib
import statistics
import tempfile
from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf
import yaml

import keras_bert_zoo
from keras_bert_zoo.corpus.shards import Shards
from keras_bert_zoo.data.pretraining.batches import PretrainingBatches
from keras_bert_zoo.evaluation.pretraining_pictures import draw_curve
from keras_bert_zoo.training.finetune import finetune
from keras_bert_zoo.training.journal import read_points
from keras_bert_zoo.training.pretrain_recipe import PretrainRecipe
from keras_bert_zoo.training.recipe import FinetuneRecipe

RESULTS = pathlib.Path(__file__).parent / "results"
# Places of the words that are looked at, the most telling ones first.
CONTEXTS = ((-2, -1, 1, 2), (-1, 1), (-1,), ())
SEEDS = (1, 2, 3)


def stream(shards: Shards, separator: int) -> np.ndarray:
    """The training text as one sequence of ids, a separator after each document."""
    parts = []
    for index in range(len(shards)):
        shard = shards.open(index)
        ends = np.asarray(shard.sentence_ends)[np.asarray(shard.document_ends) - 1]
        parts.append(np.insert(np.asarray(shard.input_ids, "int64"), ends, separator))
    return np.concatenate(parts)


def keys_of(rows: np.ndarray, offsets: tuple[int, ...], base: int) -> np.ndarray:
    """One number for the words at some offsets of each place; ``(…, S)`` like the rows."""
    keys = np.zeros(rows.shape, "int64")
    for offset in offsets:
        # What lies outside is no word: the number after the last one.
        shifted = np.full_like(rows, base - 1)
        inside = slice(max(-offset, 0), rows.shape[-1] - max(offset, 0))
        source = slice(max(offset, 0), rows.shape[-1] - max(-offset, 0))
        shifted[..., inside] = rows[..., source]
        keys = keys * base + shifted
    return keys


def most_frequent(keys: np.ndarray, words: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The sorted keys, each once, and the word that came with each most often."""
    order = np.lexsort((words, keys))
    keys, words = keys[order], words[order]
    first = np.flatnonzero(np.r_[True, (keys[1:] != keys[:-1]) | (words[1:] != words[:-1])])
    counts = np.diff(np.r_[first, len(keys)])
    keys, words = keys[first], words[first]
    best = np.lexsort((-counts, keys))
    found, places = np.unique(keys[best], return_index=True)
    return found, words[best][places]


def held_out(shards: Shards, recipe: PretrainRecipe) -> Iterator[tuple[np.ndarray, ...]]:
    """Rows as the model sees them, and the places and words that were masked."""
    phase = recipe.phases[-1]
    options = recipe.batch_options(phase)
    batches = PretrainingBatches(shards, options, batch_size=phase.batch_size, seed=0)
    for inputs, labels, weights in batches.fixed(phase.batch_size, recipe.eval_rows):
        words, counts = labels["prediction_logits"], weights["prediction_logits"]
        yield tuple(
            np.asarray(each)
            for each in (inputs["input_ids"], inputs["masked_positions"], words, counts > 0)
        )


def baselines(shards: Shards, recipe: PretrainRecipe) -> dict[str, float]:
    """Part of the masked words that each baseline predicts right."""
    base = shards.manifest["vocab_size"] + 1
    text = stream(shards, shards.manifest["special_tokens"]["sep_token"])
    tables = [most_frequent(keys_of(text, context, base), text) for context in CONTEXTS]
    hits = {"unigram": 0, "5-gram in context": 0}
    total = 0
    for ids, positions, words, counts in held_out(Shards(shards.directory / "held_out"), recipe):
        predicted = np.full(words.shape, -1, "int64")
        for context, (known, answers) in zip(CONTEXTS, tables, strict=True):
            keys = np.take_along_axis(keys_of(ids.astype("int64"), context, base), positions, 1)
            places = np.minimum(np.searchsorted(known, keys), len(known) - 1)
            seen = (known[places] == keys) & (predicted < 0)
            predicted[seen] = answers[places][seen]
        total += counts.sum()
        hits["unigram"] += ((words == tables[-1][1][0]) & counts).sum()
        hits["5-gram in context"] += ((words == predicted) & counts).sum()
    return {name: round(float(number / total), 4) for name, number in hits.items()}


def random_bundle(bundle: pathlib.Path, directory: pathlib.Path, seed: int) -> pathlib.Path:
    """An encoder of the same sizes that has learned nothing."""
    keras.utils.set_random_seed(seed)
    loaded = keras_bert_zoo.load(bundle)
    encoder = keras_bert_zoo.BertEncoder(loaded.config)
    return keras_bert_zoo.save(encoder, loaded.tokenizer, directory / f"random-{seed}")


def accuracy(model: pathlib.Path, seed: int, options: argparse.Namespace) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as directory:
        recipe = FinetuneRecipe(
            model=str(model),
            output=f"{directory}/run",
            train="tweets://train",
            test="tweets://test",
            limit=options.limit,
            max_length=64,
            learning_rate=options.learning_rate,
            epochs=options.epochs,
            seed=seed,
        )
        return finetune(recipe, verbose=0).metrics["test"]


def classifiers(options: argparse.Namespace, bundle: pathlib.Path) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {"pretrained": [], "random": []}
    with tempfile.TemporaryDirectory() as directory:
        for seed in SEEDS:
            start = random_bundle(bundle, pathlib.Path(directory), seed)
            for name, model in {"pretrained": bundle, "random": start}.items():
                found[name].append(round(accuracy(model, seed, options)["accuracy"], 4))
                print(name, seed, found[name][-1], flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=pathlib.Path)
    parser.add_argument("--shards", required=True, type=pathlib.Path)
    parser.add_argument("--name", default="pretraining_small")
    parser.add_argument("--limit", type=int, default=6000)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--learning_rate", type=float, default=3e-4)
    parser.add_argument("--no_classifiers", action="store_true")
    options = parser.parse_args()
    values = yaml.safe_load((options.run / "recipe.yaml").read_text(encoding="utf-8"))
    recipe = PretrainRecipe(output="", **values)
    shards = Shards(options.shards)
    points = read_points(options.run / "history.jsonl")
    result = {
        "tensorflow": tf.__version__,
        "corpus": shards.manifest["counts"],
        "updates": points[-1]["step"],
        "held_out": {k: v for k, v in points[-1].items() if k.startswith("val_")},
        "tokens_per_second": round(statistics.median(p["tokens_per_second"] for p in points)),
        "baselines": baselines(shards, recipe),
    }
    if not options.no_classifiers:
        settings = {k: getattr(options, k) for k in ("limit", "epochs", "learning_rate")}
        result["classifier"] = {**settings, **classifiers(options, options.run / "bundle")}
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(result, indent=2) + "\n"
    (RESULTS / f"{options.name}.json").write_text(text, encoding="utf-8")
    lines = {"masked_lm_accuracy": result["baselines"]}
    picture = pathlib.Path(__file__).parents[1] / "docs" / f"{options.name}.png"
    draw_curve(points, picture, lines)
    print(text)


if __name__ == "__main__":
    main()

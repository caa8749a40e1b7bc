"""Scores of models of ``packages-…`` recipes on the test packages, beside what needs none.

    python benchmarks/quality/packages.py BUNDLE… [--data data/packages] [--beams 4] [--nearest]

The bundles are of one recipe with several seeds; without any, only the baselines are scored:

- constant: one summary for all, that of ``CANDIDATES`` training packages which has the most
  ROUGE-2 on the validation packages;
- first sentence: of the text;
- best sentence: the one nearest to the reference, which nothing that copies one can beat;
- nearest package, with ``--nearest``, which takes minutes: the summary of the training package
  whose text is most like this one's, by the vectors of MiniLM.
"""

from __future__ import annotations

import argparse
import pathlib
import random
from typing import Any

import numpy as np
from seeds import Scores, publish, scores_of

import keras_bert_zoo
from keras_bert_zoo.data.summaries import Document, SummaryTable
from keras_bert_zoo.evaluation.embeddings import encode, semantic_search
from keras_bert_zoo.evaluation.extracts import oracle, rouge

RESULT = pathlib.Path(__file__).parents[1] / "results" / "packages.json"
# Training summaries that are tried as the constant one.
CANDIDATES = 300
Documents = list[Document]


def scored(texts: list[str], documents: Documents) -> Scores:
    return rouge(texts, [document.reference or "" for document in documents])


def constant(train: Documents, validation: Documents) -> str:
    """The best of some training summaries for all validation packages."""
    some = random.Random(0).sample(train, min(CANDIDATES, len(train)))
    tried = [document.reference or "" for document in some]
    return max(tried, key=lambda text: scored([text] * len(validation), validation)["rouge2"])


def nearest(train: Documents, test: Documents) -> list[str]:
    """The summaries of the training packages whose texts are most like those of the test."""
    bundle = keras_bert_zoo.load("all-minilm-l6-v2", task="sentence_embedding")
    learned, asked = (
        encode(bundle.model, bundle.tokenizer, [each.text for each in part], progress=True)
        for part in (train, test)
    )
    hits = semantic_search(np.asarray(asked), np.asarray(learned), top_k=1)
    return [train[hit["corpus_id"]].reference or "" for [hit] in hits]


def baselines(train: Documents, validation: Documents, test: Documents) -> dict[str, Scores]:
    """Scores of what needs no model."""
    one = constant(train, validation)
    best = (oracle(each.sentences, each.reference or "", most=1) for each in test)
    written = {
        "constant": [one] * len(test),
        "first sentence": [each.sentences[0] for each in test],
        "best sentence": [
            "".join(document.sentences[index] for index in chosen)
            for document, chosen in zip(test, best, strict=True)
        ],
    }
    return {name: scored(texts, test) for name, texts in written.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundles", nargs="*", metavar="BUNDLE", type=pathlib.Path)
    parser.add_argument("--data", type=pathlib.Path, default="data/packages")
    parser.add_argument("--beams", type=int, default=4)
    parser.add_argument("--nearest", action="store_true")
    parser.add_argument("--output", type=pathlib.Path, default=RESULT)
    options = parser.parse_args()
    splits = ("train", "validation", "test")
    train, validation, test = (
        SummaryTable().read(options.data / f"{split}.jsonl") for split in splits
    )
    found: dict[str, Any] = {"train": len(train), "test": len(test)}
    found["baselines"] = baselines(train, validation, test)
    if options.nearest:
        found["baselines"]["nearest package"] = scored(nearest(train, test), test)
    texts = [each.text for each in test]
    found |= scores_of(options.bundles, texts, options.beams, lambda x: scored(x, test))
    publish(found, options.output)


if __name__ == "__main__":
    main()

"""Scores of models of ``translate-libreoffice`` on the test pages, beside what needs no model.

    python benchmarks/quality/libreoffice.py BUNDLE… [--data data/libreoffice] [--beams 4]

The bundles are of one recipe with several seeds; without any, only the baselines are scored:

- copy: the source as it is;
- dictionary: word by word, of a dictionary that IBM's model 1 learns of the training pairs;
- round trip: the references through the tokenizer of the first bundle and back, which no model
  with it can do much better than.
"""

from __future__ import annotations

import argparse
import pathlib
from typing import Any

from seeds import Scores, publish, scores_of
from word_dictionary import WordDictionary

import keras_bert_zoo
from keras_bert_zoo.data.text_files import TextRows, TextTable
from keras_bert_zoo.evaluation.spacing import respaced
from keras_bert_zoo.evaluation.writing import bleu

RESULT = pathlib.Path(__file__).parents[1] / "results" / "translation.json"
TOKENIZER = "zh"


def read(path: pathlib.Path) -> TextRows:
    return TextTable(text="source", text_pair="target", label=None).read(str(path))


def scored(texts: list[str], rows: TextRows) -> Scores:
    return bleu(texts, rows.text_pairs or (), TOKENIZER)


def baselines(train: TextRows, test: TextRows) -> dict[str, Scores]:
    dictionary = WordDictionary(list(zip(train.texts, train.text_pairs or (), strict=True)))
    return {
        "copy": scored(list(test.texts), test),
        "dictionary": scored([dictionary.translate(text) for text in test.texts], test),
    }


def round_trip(tokenizer: Any, test: TextRows) -> Scores:
    cut = tokenizer(test.text_pairs, add_special_tokens=False)["input_ids"]
    texts = tokenizer.batch_decode(cut, skip_special_tokens=True)
    return scored(list(map(respaced, texts, test.texts)), test)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundles", nargs="*", metavar="BUNDLE", type=pathlib.Path)
    parser.add_argument("--data", type=pathlib.Path, default="data/libreoffice")
    parser.add_argument("--beams", type=int, default=4)
    parser.add_argument("--output", type=pathlib.Path, default=RESULT)
    options = parser.parse_args()
    train, test = (read(options.data / f"{split}.tsv") for split in ("train", "test"))
    found: dict[str, Any] = {"train": len(train), "test": len(test)}
    found["baselines"] = baselines(train, test)
    if options.bundles:
        tokenizer = keras_bert_zoo.load_tokenizer(options.bundles[0])
        found["baselines"]["round trip"] = round_trip(tokenizer, test)
    found |= scores_of(options.bundles, test.texts, options.beams, lambda x: scored(x, test))
    publish(found, options.output)


if __name__ == "__main__":
    main()

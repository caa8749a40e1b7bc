"""Examples a second of fine-tuning MiniLM on SST-2: ours beside ``transformers.Trainer``.

    python benchmarks/finetuning_speed.py --data data/sst2 [--rounds 5] [--examples 640]

A turn is an epoch over the same phrases, with the same batch size, dropout, weight decay and clip.
Ours is ``model.fit`` on batches of similar length; ``trainer`` pads each batch to its longest row
(``DataCollatorWithPadding``) in a random order, which is what ``Trainer`` does by default;
``trainer_by_length`` has ``train_sampling_strategy="group_by_length"``. ``_bfloat16`` is the same
with ``dtype="mixed_bfloat16"`` here and ``bf16=True`` there, for processors with instructions for
it. Each lives in a process of its own, the peers' in their environment (``--peer``), and they take
turns. The first turn, which traces a graph for each width of ours, is stated and not counted.
Medians go to ``results/finetuning_speed.json``.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import pathlib
import sys
import tempfile
from collections.abc import Callable
from typing import Any

import turns

RESULT = pathlib.Path(__file__).parent / "results" / "finetuning_speed.json"
BATCH, LENGTH, RATE, DECAY = 32, 64, 1e-5, 0.01


def read(path: pathlib.Path, count: int) -> tuple[list[str], list[int]]:
    """The first phrases of GLUE's file, and their classes."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))[:count]
    return [row["sentence"] for row in rows], [int(row["label"]) for row in rows]


def ours(
    start: str, texts: list[str], labels: list[int], dtype: str = "float32"
) -> Callable[[], Any]:
    import numpy as np

    import keras_bert_zoo
    from keras_bert_zoo.data import batches
    from keras_bert_zoo.data.examples import Examples
    from keras_bert_zoo.training.optimizers import BertAdamW

    names = ["negative", "positive"]
    bundle = keras_bert_zoo.load(start, task="sequence_classification", labels=names, dtype=dtype)
    bundle.model.compile(BertAdamW(RATE, decay=DECAY))
    examples = Examples(texts, labels=np.array(labels))
    train = batches.batches(examples, bundle.tokenizer, batch_size=BATCH, max_length=LENGTH, seed=1)
    return lambda: bundle.model.fit(train, shuffle=False, verbose=0)


def trainer(start: str, texts: list[str], labels: list[int], **options: Any) -> Callable[[], Any]:
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(start)
    rows = [
        {**tokenizer(text, truncation=True, max_length=LENGTH), "label": label}
        for text, label in zip(texts, labels, strict=True)
    ]
    arguments = transformers.TrainingArguments(
        output_dir=tempfile.mkdtemp(),
        per_device_train_batch_size=BATCH,
        num_train_epochs=1,
        learning_rate=RATE,
        weight_decay=DECAY,
        use_cpu=True,
        save_strategy="no",
        disable_tqdm=True,
        **options,
    )
    return transformers.Trainer(
        transformers.AutoModelForSequenceClassification.from_pretrained(start),
        arguments,
        data_collator=transformers.DataCollatorWithPadding(tokenizer),
        train_dataset=rows,
    ).train


WORK: dict[str, Callable[..., Callable[[], Any]]] = {
    "ours": ours,
    "ours_bfloat16": lambda *rows: ours(*rows, dtype="mixed_bfloat16"),
    "trainer": trainer,
    "trainer_bfloat16": lambda *rows: trainer(*rows, bf16=True),
    "trainer_by_length": lambda *rows: trainer(*rows, train_sampling_strategy="group_by_length"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=pathlib.Path, default="data/sst2")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--examples", type=int, default=640)
    parser.add_argument("--peer", default=".venv-peers/bin/python")
    parser.add_argument("--result", type=pathlib.Path, default=RESULT)
    parser.add_argument("--work", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    rows = read(options.data / "train.tsv", options.examples)
    if options.work:
        name, start = options.work
        turns.serve(lambda: WORK[name](start, *rows))
    from keras_bert_zoo import zoo
    from keras_bert_zoo.checkpoints import sources

    start = str(sources.resolve(zoo.resolve("all-minilm-l6-v2")))
    pythons = {name: sys.executable if "ours" in name else options.peer for name in WORK}
    same = [__file__, f"--data={options.data}", f"--examples={options.examples}"]
    commands = {name: [pythons[name], *same, "--work", name, start] for name in WORK}
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        taken = turns.take_turns(commands, options.rounds, pathlib.Path(folder))
    result = {
        "cores": len(os.sched_getaffinity(0)),
        "load_before": before,
        "load_after": os.getloadavg()[0],
        "rounds": options.rounds,
        "examples": options.examples,
        "batch_size": BATCH,
        **turns.summary(taken, options.examples, "trainer"),
    }
    print(json.dumps(result, indent=2))
    options.result.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

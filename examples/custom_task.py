"""A task of your own: pointing at one word of a text.

Usage: ``python examples/custom_task.py CHECKPOINT TRAIN.jsonl OUTPUT``, where a line of the file
is ``{"tokens": ["Ann", "sees", "Bob"], "word": 2}``.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

import keras_bert_zoo
from keras_bert_zoo import tasks
from keras_bert_zoo.checkpoints.tables import Row
from keras_bert_zoo.data.records import records
from keras_bert_zoo.data.rows import Rows
from keras_bert_zoo.data.tagging import joined
from keras_bert_zoo.data.windows import align, windows
from keras_bert_zoo.export import export, predictor, verify
from keras_bert_zoo.layers import Linear
from keras_bert_zoo.models.named_inputs import inputs_like
from keras_bert_zoo.models.task_model import TaskModel
from keras_bert_zoo.tasks.task import Labels, Outputs, Task


@keras.saving.register_keras_serializable("custom_task")
class Pointer(TaskModel):
    """The model: a number for each token, a softmax over the text."""

    task = "pointing"

    def __init__(self, encoder: Any, config: Any = None, *, dtype: Any = None, **kwargs: Any):
        inputs = inputs_like(encoder)
        scores = Linear(1, dtype="float32", name="pointer")(encoder(inputs)["last_hidden_state"])
        outputs = {"logits": scores[..., 0]}
        super().__init__(encoder, config or encoder.config, inputs, outputs, **kwargs)


class Pointing(Task[list[dict[str, Any]]]):
    """The task: what is read, what becomes a row, what is right, what is answered."""

    sequences = ("logits",)

    def read(self, source: str) -> list[dict[str, Any]]:
        return [{**values, "place": place} for place, values in records(source)]

    def asked(self, questions: Sequence[Any]) -> list[dict[str, Any]]:
        return [{"place": f"question {i}", **question} for i, question in enumerate(questions)]

    def rows(self, examples: list[dict[str, Any]], tokenizer: Any, labels: Labels) -> Rows:
        texts = [joined(each["place"], each["tokens"], " ") for each in examples]
        length = self.settings.max_length
        found = windows([text for text, _ in texts], tokenizer, max_length=length, stride=0)
        if len(found.owners) > len(examples):
            raise ValueError(f"A text has more than max_length={length} tokens.")
        words = align([spans for _, spans in texts], found)
        starts = np.cumsum(found.encoded.lengths) - found.encoded.lengths
        first = np.cumsum([0, *(len(each["tokens"]) for each in examples[:-1])])
        if all("word" in each for each in examples):
            wanted = words.first[first + [each["word"] for each in examples]] - starts
            return Rows(found.encoded, {"logits": wanted.astype("int32")}, memory=words)
        return Rows(found.encoded, memory=words)

    def score(
        self, examples: list[dict[str, Any]], rows: Rows, outputs: Outputs, labels: Labels
    ) -> dict[str, float]:
        found = self.answers(examples, rows, outputs, labels)
        right = [a["word"] == b["word"] for a, b in zip(found, examples, strict=True)]
        return {"accuracy": float(np.mean(right))}

    def answers(
        self, examples: list[dict[str, Any]], rows: Rows, outputs: Outputs, labels: Labels
    ) -> list[dict[str, Any]]:
        scores = iter(outputs["logits"][rows.memory.first])
        return [
            {"word": int(np.argmax([next(scores) for _ in each["tokens"]]))} for each in examples
        ]


# The registry row: where the head's variables lie in a checkpoint, and what it is called there.
HEAD = [
    Row("pointer.weight", "pointer/kernel", transposed=True, in_encoder=False),
    Row("pointer.bias", "pointer/bias", in_encoder=False),
]
tasks.register(
    "pointing", Pointing, Pointer, HEAD, published="BertForPointing", labels=False, pooler=False
)


def main(checkpoint: str, train: str, output: str) -> dict[str, Any]:
    """Trains, exports, and asks the file for the first text."""
    recipe = keras_bert_zoo.FinetuneRecipe(
        model=checkpoint,
        task="pointing",
        train=train,
        test=train,
        output=output,
        max_length=24,
        batch_size=16,
        learning_rate=5e-3,
        epochs=6,
    )
    result = keras_bert_zoo.finetune(recipe, verbose=0)
    [(_, question), *_] = records(train)
    artifacts = export(result.bundle, f"{output}/artifacts", ["tflite", "onnx"])
    report = verify(result.bundle, artifacts, train)
    assert report.passed, report.text()
    [answer] = predictor(artifacts[0])([{"tokens": question["tokens"]}])
    return {**result.metrics["test"], **answer}


if __name__ == "__main__":
    print(main(*sys.argv[1:]))

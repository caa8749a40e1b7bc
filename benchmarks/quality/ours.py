"""One run of ours: a recipe, then a predictor of its bundle. ``run.py`` starts it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from typing import Any

from tasks import SUMMARY_BLOCK, SUMMARY_SENTENCES, Row, Run, Task, clock

import keras_bert_zoo
from keras_bert_zoo.training.finetune import finetune
from keras_bert_zoo.training.recipe import FinetuneRecipe

# kind: the keys of a recipe that say what is learned
LEARNED: dict[str, Callable[[Task], dict[str, Any]]] = {
    "classes": lambda task: {"problem_type": "single_label_classification"},
    "number": lambda task: {"problem_type": "regression"},
    "tags": lambda task: {"task": "token_classification", "options": {"stride": task.stride}},
    "answers": lambda task: {
        "task": "question_answering",
        "options": {"stride": task.stride, "max_answer_length": task.max_answer},
    },
    "sentences": lambda task: {
        "task": "extractive_summarization",
        "options": {"sentences": SUMMARY_SENTENCES, "block_ngrams": SUMMARY_BLOCK},
    },
}


def recipe(run: Run, output: str) -> FinetuneRecipe:
    task = run.task
    return FinetuneRecipe(
        model=str(run.start),
        train=str(run.data / "train.jsonl"),
        pair_column="text_pair" if task.pairs else None,
        output=output,
        max_length=task.max_length,
        batch_size=task.batch_size,
        learning_rate=task.learning_rate,
        warmup_ratio=task.warmup,
        weight_decay=task.weight_decay,
        epochs=task.epochs,
        seed=run.seed,
        **LEARNED[task.kind](task),
    )


def tags_of(row: Row, entities: list[dict[str, Any]]) -> list[str]:
    """A tag for each word, of entities with their characters in the words joined by spaces."""
    tags, start = [], 0
    for word in row["tokens"]:
        inside = [each for each in entities if each["start"] <= start < each["end"]]
        tags += [("B-" if e["start"] == start else "I-") + e["label"] for e in inside] or ["O"]
        start += len(word) + 1
    return tags


# kind: what is scored, of a test row and its answer
PREDICTED: dict[str, Callable[[Row, dict[str, Any]], Any]] = {
    "classes": lambda row, answer: max(answer["scores"], key=answer["scores"].get),
    "number": lambda row, answer: next(iter(answer["scores"].values())),
    "tags": lambda row, answer: tags_of(row, answer["entities"]),
    "answers": lambda row, answer: answer["answer"],
    "sentences": lambda row, answer: [each["index"] for each in answer["selected"]],
}


def main() -> None:
    run = Run.from_command_line()
    questions = run.questions()
    with tempfile.TemporaryDirectory() as folder:
        began = clock()
        trained = finetune(recipe(run, f"{folder}/run"))
        learned = clock()
        answers = keras_bert_zoo.predictor(trained.bundle)(questions)
    predict = PREDICTED[run.task.kind]
    predicted = [predict(*pair) for pair in zip(questions, answers, strict=True)]
    run.write(predicted, began, learned, clock())


if __name__ == "__main__":
    main()

"""One run of transformers: its ``Trainer``, as its own examples use it. ``run.py`` starts it.

Dynamic padding, random order, AdamW without decay of LayerNorm and biases, linear warm-up and
decay: what ``Trainer`` does by default, with the numbers of the task. The optimizer is torch's,
which corrects the bias of its moments; epsilon is BERT's.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable
from typing import Any

import transformers
from peer_answers import answers_of, encode_questions
from peer_sentences import SentenceModel, encode_documents, sentences_of
from tasks import Row, Run, Task, clock

Encoded = list[dict[str, Any]]


def encode_texts(task: Task, tokenizer: Any, rows: list[Row], names: list[str]) -> Encoded:
    """Texts or pairs, with a class or a number where it is known."""
    encoded = []
    for row in rows:
        texts = [row[name] for name in ("text", "text_pair") if name in row]
        tokens = dict(tokenizer(*texts, truncation=True, max_length=task.max_length))
        if "label" in row:
            tokens["label"] = names.index(row["label"]) if names else float(row["label"])
        encoded.append(tokens)
    return encoded


def encode_tagged(task: Task, tokenizer: Any, rows: list[Row], names: list[str]) -> Encoded:
    """Words, with the tag of each at its first token where it is known."""
    options = {"truncation": True, "max_length": task.max_length, "is_split_into_words": True}
    encoded = []
    for row in rows:
        tokens = tokenizer(row["tokens"], **options)
        known = dict(tokens)
        if "tags" in row:
            labels = [-100] * len(known["input_ids"])
            for word, place in first_tokens(tokens):
                labels[place] = names.index(row["tags"][word])
            known["labels"] = labels
        encoded.append(known)
    return encoded


def first_tokens(tokens: Any) -> list[tuple[int, int]]:
    """Each word and the place of its first token."""
    places: dict[int, int] = {}
    for place, word in enumerate(tokens.word_ids()):
        if word is not None:
            places.setdefault(word, place)
    return list(places.items())


def tags_of(tokenizer: Any, task: Task, row: Row, logits: Any, names: list[str]) -> list[str]:
    """A tag for each word; ``O`` for those that were cut off."""
    tags = ["O"] * len(row["tokens"])
    options = {"truncation": True, "max_length": task.max_length, "is_split_into_words": True}
    for word, place in first_tokens(tokenizer(row["tokens"], **options)):
        tags[word] = names[logits[place].argmax()]
    return tags


@dataclasses.dataclass(frozen=True)
class Kind:
    """How one kind of task is done with transformers.

    Args:
        model: the class of models.
        collator: pads a batch.
        names: the names of the classes in a row.
        encode: rows to what the model takes.
        decode: its logits for the test rows, to what is scored.
        options: of its config, where there are no classes.
    """

    model: Any
    collator: Any
    names: Callable[[Row], list[str]]
    encode: Callable[[Task, Any, list[Row], list[str]], Encoded]
    decode: Callable[[Task, Any, list[Row], Any, list[str]], list[Any]]
    options: dict[str, Any] = dataclasses.field(default_factory=dict)


_TEXTS = {
    "model": transformers.AutoModelForSequenceClassification,
    "collator": transformers.DataCollatorWithPadding,
    "encode": encode_texts,
}
KINDS = {
    "classes": Kind(
        **_TEXTS,
        names=lambda row: [row["label"]],
        decode=lambda task, tokenizer, rows, logits, names: [
            names[each] for each in logits.argmax(-1)
        ],
    ),
    "number": Kind(
        **_TEXTS,
        names=lambda row: [],
        decode=lambda task, tokenizer, rows, logits, names: logits[:, 0].tolist(),
        options={"num_labels": 1, "problem_type": "regression"},
    ),
    "tags": Kind(
        model=transformers.AutoModelForTokenClassification,
        collator=transformers.DataCollatorForTokenClassification,
        names=lambda row: row["tags"],
        encode=encode_tagged,
        decode=lambda task, tokenizer, rows, logits, names: [
            tags_of(tokenizer, task, *pair, names) for pair in zip(rows, logits, strict=True)
        ],
    ),
    "answers": Kind(
        model=transformers.AutoModelForQuestionAnswering,
        collator=transformers.DataCollatorWithPadding,
        names=lambda row: [],
        encode=encode_questions,
        decode=answers_of,
    ),
    "sentences": Kind(
        model=SentenceModel,
        collator=transformers.DataCollatorForTokenClassification,
        names=lambda row: [],
        encode=encode_documents,
        decode=sentences_of,
    ),
}


def arguments(run: Run, folder: str) -> Any:
    task = run.task
    return transformers.TrainingArguments(
        output_dir=folder,
        per_device_train_batch_size=task.batch_size,
        per_device_eval_batch_size=2 * task.batch_size,
        num_train_epochs=task.epochs,
        learning_rate=task.learning_rate,
        warmup_steps=task.warmup,  # below 1 it is a part of all steps
        weight_decay=task.weight_decay,
        max_grad_norm=task.clip,
        adam_epsilon=1e-6,
        seed=run.seed,
        use_cpu=True,
        save_strategy="no",
        logging_strategy="epoch",  # the mean loss of each
        disable_tqdm=True,
    )


def train(run: Run, kind: Kind, tokenizer: Any, folder: str) -> tuple[Any, list[str]]:
    """The trainer, when it has trained, and the names of the classes."""
    rows = run.rows("train")
    names = sorted({name for row in rows for name in kind.names(row)})
    options = {"id2label": dict(enumerate(names))} if names else kind.options
    transformers.set_seed(run.seed)
    trainer = transformers.Trainer(
        kind.model.from_pretrained(run.start, **options),
        arguments(run, folder),
        data_collator=kind.collator(tokenizer),
        train_dataset=kind.encode(run.task, tokenizer, rows, names),
    )
    trainer.train()
    return trainer, names


def main() -> None:
    run = Run.from_command_line()
    kind, questions = KINDS[run.task.kind], run.questions()
    tokenizer = transformers.AutoTokenizer.from_pretrained(run.start)
    with tempfile.TemporaryDirectory() as folder:
        began = clock()
        trainer, names = train(run, kind, tokenizer, folder)
        learned = clock()
        encoded = kind.encode(run.task, tokenizer, questions, names)
        logits = trainer.predict(encoded).predictions
        predicted = kind.decode(run.task, tokenizer, questions, logits, names)
    run.write(predicted, began, learned, clock())


if __name__ == "__main__":
    main()

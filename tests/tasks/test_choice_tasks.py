"""Multiple choice, next sentences and masked words: asked, answered and scored."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert_zoo import BertEncoder, EncoderConfig, WordPieceTokenizer
from keras_bert_zoo.evaluation.prediction import keras_runner, outputs_of
from keras_bert_zoo.models import TASKS as MODELS
from keras_bert_zoo.tasks import task_named
from keras_bert_zoo.tasks.task import Settings
from keras_bert_zoo.training.recipe import FinetuneRecipe

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghij", "##a", "##b", "."]
LENGTH = 16


@pytest.fixture(scope="module")
def tokenizer():
    return WordPieceTokenizer(WORDS)


@pytest.fixture(scope="module")
def models():
    keras.utils.set_random_seed(5)
    config = EncoderConfig(
        vocab_size=len(WORDS), hidden_size=8, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=8, max_position_embeddings=24, initializer_range=0.5,
    )  # fmt: skip
    return {
        name: MODELS[name](BertEncoder(config))
        for name in ("multiple_choice", "next_sentence", "masked_lm")
    }


def task(name, **options):
    return task_named(name)(Settings(max_length=LENGTH, options=options))


def answers(model, tokenizer, task, examples):
    rows = task.rows(examples, tokenizer, ())
    outputs = outputs_of(keras_runner(model), rows, max_length=LENGTH, batch_size=2)
    return task.answers(examples, rows, outputs, ())


def softmax(logits):
    values = np.exp(np.array(logits, "float64"))
    return values / values.sum(axis=-1, keepdims=True)


def test_choices(models, tokenizer):
    questions = [
        ("a b c", ["d", "e f g h", "i"]),
        {"sent1": "j", "sent2": "a", "ending0": "b b", "ending1": "c", "ending2": "d " * 30},
        {"article": "e", "question": "f _ .", "options": ["a", "b", "c"]},
    ]
    pairs = [
        ("a b c", ["d", "e f g h", "i"]),
        ("j", ["a b b", "a c", "a " + "d " * 30]),
        ("e", ["f a .", "f b .", "f c ."]),
    ]
    choice = task("multiple_choice")
    found = answers(models["multiple_choice"], tokenizer, choice, choice.asked(questions))
    for answer, (text, seconds) in zip(found, pairs, strict=True):
        inputs = tokenizer([text] * 3, seconds, truncation=True, max_length=LENGTH, padding=True)
        inputs = {name: values[None] for name, values in inputs.items()}
        expected = softmax(models["multiple_choice"](inputs)["logits"])[0]
        np.testing.assert_allclose(answer["scores"], expected, atol=1e-5)
        assert answer["choice"] == expected.argmax()
    assert found[0]["chosen"] == pairs[0][1][found[0]["choice"]]
    assert json.loads(json.dumps(found)) == found
    for wrong in ["a", ("a", ["b"], ["c"])]:
        with pytest.raises(ValueError, match="question 1 must be a dict"):
            choice.asked([questions[0], wrong])


def test_questions_have_as_many_choices_as_they_have(models, tokenizer):
    """Together they are answered as each is by itself, and what is missing is never chosen."""
    questions = [("a b", ["c", "d"]), ("e", ["f", "g h", "i", "j k l"]), ("m", ["n", "o", "p"])]
    choice, model = task("multiple_choice"), models["multiple_choice"]
    found = answers(model, tokenizer, choice, choice.asked(questions))
    for answer, question in zip(found, questions, strict=True):
        [alone] = answers(model, tokenizer, choice, choice.asked([question]))
        assert len(answer["scores"]) == len(question[1])
        np.testing.assert_allclose(answer["scores"], alone["scores"], atol=1e-5)
        assert answer["choice"] == alone["choice"]


def test_an_empty_choice_is_none(models, tokenizer):
    choice, model = task("multiple_choice"), models["multiple_choice"]
    examples = choice.asked([("a b", ["", "c", "d"]), ("a b", ["c", "d"])])
    first, second = answers(model, tokenizer, choice, examples)
    assert first["scores"] == [0.0, *second["scores"]]
    assert first["chosen"] == second["chosen"]


def test_what_is_missing_teaches_nothing(models, tokenizer):
    """Loss and gradients are those of the choices that there are."""
    choice, model = task("multiple_choice"), models["multiple_choice"]
    model.compile("sgd")
    rows = choice.rows(choice.asked([("a b", ["c", "d"])]), tokenizer, ())
    inputs = rows.inputs(np.array([0]), 8)
    absent = {name: np.pad(x, ((0, 0), (0, 1), (0, 0))) for name, x in inputs.items()}
    losses, gradients = [], []
    for given in (inputs, absent):
        with tf.GradientTape() as tape:
            loss = model.compute_loss(y={"logits": np.array([1])}, y_pred=model(given))
        losses.append(float(loss))
        gradients.append(tape.gradient(loss, model.trainable_variables))
    np.testing.assert_allclose(losses[0], losses[1], atol=1e-6)
    for one, other in zip(*gradients, strict=True):
        np.testing.assert_allclose(
            tf.convert_to_tensor(one), tf.convert_to_tensor(other), atol=1e-6
        )


def test_scores_of_choices(tokenizer, tmp_path):
    rows = [{"text": "a", "choices": ["b", "c"], "label": index % 2} for index in range(5)]
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    choice = task("multiple_choice")
    examples = choice.read(str(path))
    encoded = choice.rows(examples, tokenizer, ())
    logits = np.array([[2, 1], [2, 1], [1, 2], [1, 2], [3, 0]])
    assert choice.score(examples, encoded, {"logits": logits}, ()) == {"accuracy": 3 / 5}


def test_next_sentences(models, tokenizer, tmp_path):
    following = task("next_sentence")
    questions = [("a b", "c"), {"text": "d", "text_pair": "e f g"}, ("h " * 20, "i")]
    examples = following.asked(questions)
    found = answers(models["next_sentence"], tokenizer, following, examples)
    for answer, first, second in zip(found, examples.texts, examples.text_pairs, strict=True):
        inputs = tokenizer([first], [second], truncation=True, max_length=LENGTH, padding=True)
        expected = softmax(models["next_sentence"](inputs)["logits"])[0, 0]
        assert answer == {"follows": pytest.approx(expected, abs=1e-5)}
    with pytest.raises(ValueError, match=r"takes two\. On the command line: --pairs"):
        following.asked(["a"])

    path = tmp_path / "rows.csv"
    path.write_text("text,text_pair,label\na,b,follows\na,b,random\na,b,0\na,b,1\n")
    examples = following.read(str(path))
    encoded = following.rows(examples, tokenizer, ())
    assert encoded.labels["logits"].tolist() == [0, 1, 0, 1]
    logits = np.array([[1, 0], [1, 0], [1, 0], [0, 1]])
    assert following.score(examples, encoded, {"logits": logits}, ()) == {"accuracy": 0.75}
    path.write_text("text,text_pair,label\na,b,next\n")
    with pytest.raises(ValueError, match=r"rows\.csv, line 2: unknown label 'next'.*'follows'"):
        following.rows(following.read(str(path)), tokenizer, ())


def test_masks_are_filled(models, tokenizer):
    words = task("masked_lm", top_k=3)
    texts = ["a [MASK] c", "[MASK] b [MASK]", "A [MASK]" + " d" * 30]
    found = answers(models["masked_lm"], tokenizer, words, words.asked(texts))
    for text, answer in zip(texts, found, strict=True):
        inputs = tokenizer([text], truncation=True, max_length=LENGTH, padding=True)
        inputs = {name: values.numpy() for name, values in inputs.items()}
        ids = inputs["input_ids"][0]
        places = np.flatnonzero(ids == 4)
        given = {**inputs, "masked_positions": places[None].astype("int32")}
        expected = softmax(models["masked_lm"](given)["prediction_logits"])[0]
        assert len(answer["masks"]) == len(places)
        for place, chances, best in zip(places, expected, answer["masks"], strict=True):
            tokens = [each["token"] for each in best]
            assert tokens == np.argsort(-chances, kind="stable")[:3].tolist()
            np.testing.assert_allclose([each["score"] for each in best], chances[tokens], atol=1e-5)
            filled = ids.copy()
            filled[place] = tokens[0]
            only = len(places) == 1
            sequence = tokenizer.decode(filled[filled != 0], skip_special_tokens=only)
            assert best[0]["sequence"] == sequence
            assert best[0]["token_str"] == tokenizer.decode([tokens[0]])
    assert json.loads(json.dumps(found)) == found
    with pytest.raises(ValueError, match=r"text 1 holds no \[MASK\]"):
        words.rows(words.asked(["[MASK]", "a [mask] b"]), tokenizer, ())


def test_texts_are_scored(models, tokenizer, tmp_path):
    path = tmp_path / "texts.txt"
    path.write_text("a b c\n\n  \nca d.\r\n", encoding="utf-8")
    words = task("masked_lm", likelihood=True)
    examples = words.read(str(path))
    assert examples.texts == ["a b c", "ca d."]
    assert examples.places == [f"{path}, line 1", f"{path}, line 4"]
    rows = words.rows(examples, tokenizer, ())
    assert len(rows) == 3 + 4
    outputs = outputs_of(keras_runner(models["masked_lm"]), rows, max_length=LENGTH, batch_size=3)
    scores = words.score(examples, rows, outputs, ())
    hits = outputs["top_ids"][:, 0, 0] == rows.words[:, 0]
    assert scores["masked_accuracy"] == hits.mean()
    logs = outputs["log_probabilities"][:, 0]
    assert scores["pseudo_perplexity"] == pytest.approx(np.exp(-logs.mean()))
    asked = answers(models["masked_lm"], tokenizer, words, words.asked(examples.texts))
    assert [answer["tokens"] for answer in asked] == [3, 4]
    expected = [logs[:3].sum(), logs[3:].sum()]
    found = [answer["pseudo_log_likelihood"] for answer in asked]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_options_and_recipes_that_do_not_fit():
    with pytest.raises(ValueError, match=r"options of this task are \['choices'\]"):
        task("multiple_choice", choice="sol")
    with pytest.raises(ValueError, match="keras-bert-zoo pretrain"):
        FinetuneRecipe(model="m", output="o", train="t", task="masked_lm")

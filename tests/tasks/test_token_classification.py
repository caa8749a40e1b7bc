"""Tagging: labels of tokens, entities of answers, a model that learns."""

from __future__ import annotations

import dataclasses
import itertools
import json

import numpy as np
import pytest
import safetensors.numpy

from keras_bert_zoo import load, predictor, save
from keras_bert_zoo.config import IGNORED, EncoderConfig
from keras_bert_zoo.data.tagging import TaggedText
from keras_bert_zoo.evaluation import tagging
from keras_bert_zoo.evaluation.prediction import keras_runner
from keras_bert_zoo.tasks.predictor import Predictor
from keras_bert_zoo.tasks.tag_chains import best_tags, chain_scores
from keras_bert_zoo.tasks.task import Settings
from keras_bert_zoo.tasks.token_classification import TRANSITIONS, TokenClassification
from keras_bert_zoo.training.finetune import finetune
from keras_bert_zoo.training.recipe import FinetuneRecipe

LABELS = ("O", "B-PER", "I-PER")


def task(max_length=12, **options):
    return TokenClassification(Settings(max_length=max_length, options=options))


def tagged(words, tags):
    return task().table.tagged("train.conll, line 1", {"tokens": words, "tags": tags})


def test_the_first_token_of_a_word_learns_its_tag(tokenizer):
    example = tagged(["w1", "bobby", "w2"], ["O", "B-PER", "O"])
    rows = task().rows([example], tokenizer, LABELS)
    # [CLS] w1 bob ##by w2 [SEP]
    expected = [IGNORED, 0, 1, IGNORED, 0, IGNORED]
    assert rows.token_labels["logits"].tolist() == expected
    rows = task(subwords="all").rows([example], tokenizer, LABELS)
    assert rows.token_labels["logits"].tolist() == [IGNORED, 0, 1, 2, 0, IGNORED]


def test_every_word_of_a_long_text_learns_once(tokenizer):
    tags = ["B-PER", "I-PER", "O"] * 6
    example = tagged(["w3"] * 18, tags)
    rows = task(8, stride=2).rows([example], tokenizer, LABELS)
    learned = rows.token_labels["logits"]
    assert len(rows) > 2
    assert (learned != IGNORED).sum() == 18
    # What is learned is what is scored: the labels as answers are all right.
    outputs = {"logits": np.eye(3)[np.where(learned == IGNORED, 0, learned)] * 9}
    assert task(8, stride=2).score([example], rows, outputs, LABELS)["f1"] == 1.0


def test_answers_are_entities_with_characters(tokenizer):
    examples = task().asked(["w1 bobby ann, w2", {"tokens": []}, "w2"])
    rows = task().rows(examples, tokenizer, LABELS)
    chosen = np.zeros(rows.tokens, int)
    chosen[[2, 4]] = 1, 2  # bob, ann
    outputs = {"logits": np.eye(3)[chosen] * 5}
    first, second, third = task().answers(examples, rows, outputs, LABELS)
    [entity] = first["entities"]
    assert (entity["label"], entity["text"]) == ("PER", "bobby ann")
    assert (entity["start"], entity["end"]) == (3, 12)
    assert entity["score"] == pytest.approx(np.exp(5) / (np.exp(5) + 2), abs=1e-6)
    assert second == third == {"entities": []}


def test_what_is_asked_has_no_tags_even_where_a_file_has_them(tokenizer, tmp_path):
    entities = [{"start": 0, "end": 2, "label": "ELSE"}]
    questions = [
        {"tokens": ["w1", "w2"], "tags": ["B-ELSE", "O"]},
        {"text": "w1w3 w2", "entities": entities},
    ]
    examples = task().asked(questions)
    # The borders of entities are what is asked for: they do not cut words.
    assert [len(example.words) for example in examples] == [2, 2]
    assert not task().rows(examples, tokenizer, LABELS).token_labels
    file = tmp_path / "unseen.conll"
    file.write_text("w1 B-ELSE\nw2 O\n", encoding="utf-8")
    [example] = task().asked(list(task().questions(str(file))))
    assert (example.text, example.tags) == ("w1 w2", None)


def test_tags_that_are_no_entities_are_answered_for_each_word(tokenizer):
    examples = task().asked([["w1", "w2"]])
    rows = task().rows(examples, tokenizer, ("NN", "VB"))
    outputs = {"logits": np.array([[0, 0], [3, 0], [0, 3], [0, 0]], "float32")}
    [answer] = task().answers(examples, rows, outputs, ("NN", "VB"))
    assert [(unit["label"], unit["text"]) for unit in answer["tags"]] == [
        ("NN", "w1"),
        ("VB", "w2"),
    ]


def test_unknown_tags_and_options_are_named(tokenizer):
    example = TaggedText("w1", ((0, 2),), ("B-LOC",), "test.conll, line 9")
    with pytest.raises(ValueError, match=r"test\.conll, line 9: unknown tag 'B-LOC'"):
        task().rows([example], tokenizer, LABELS)
    with pytest.raises(ValueError, match=r"received \['strid'\]"):
        task(strid=3)
    with pytest.raises(ValueError, match=r"one of \('first', 'all'\), received 'some'"):
        task(subwords="some")


def test_scores_are_seqevals():
    true = [["B-A", "I-A", "O"], ["B-B", "O"]]
    predicted = [["B-A", "I-A", "O"], ["O", "B-B"]]
    assert tagging.score(true, predicted) == {
        "f1": 0.5,
        "precision": 0.5,
        "recall": 0.5,
        "accuracy": 0.6,
    }
    segmented = tagging.score([list("BMES")], [list("BESS")])
    assert segmented["f1"] == pytest.approx(2 * (1 / 3) * (1 / 2) / (1 / 3 + 1 / 2))
    assert set(tagging.score([["NN", "VB"]], [["NN", "NN"]])) == {"accuracy", "f1_macro"}
    # A file may hold no entity, and the scores have the same names.
    alone = tagging.score([["O", "O"]], [["O", "B-X"]], ["O", "B-X", "I-X"])
    assert alone == {"f1": 0.0, "precision": 0.0, "recall": 0.0, "accuracy": 0.5}


@pytest.fixture
def recipe(checkpoint, tmp_path):
    generator = np.random.default_rng(0)
    for name, count in (("train", 200), ("test", 40)):
        lines = []
        for _ in range(count):
            words = [f"w{i}" for i in generator.integers(0, 20, generator.integers(1, 12))]
            tags = ["O"] * len(words)
            at = int(generator.integers(0, len(words) + 1))
            words[at:at], tags[at:at] = ["ann", "bobby"], ["B-PER", "I-PER"]
            if generator.random() < 0.5:
                words.append("rome")
                tags.append("B-LOC")
            lines += [*(f"{w}\t{t}" for w, t in zip(words, tags, strict=True)), ""]
        (tmp_path / f"{name}.conll").write_text("\n".join(lines))
    return FinetuneRecipe(
        model=str(checkpoint),
        output=str(tmp_path / "run"),
        task="token_classification",
        train=str(tmp_path / "train.conll"),
        validation=str(tmp_path / "test.conll"),
        test=str(tmp_path / "test.conll"),
        options={"stride": 4},
        max_length=12,
        buckets=[12],
        batch_size=8,
        learning_rate=1e-2,
        epochs=4,
    )


def test_a_tagger_learns_and_answers(recipe, tmp_path):
    result = finetune(recipe, verbose=0)
    assert result.metrics["test"]["f1"] > 0.9, result.metrics
    assert result.metrics["validation"]["f1"] == max(each["val_f1"] for each in result.history)
    ask = predictor(result.bundle)
    assert ask.task.options.stride == 4  # as it was trained
    [answer] = ask(["w1 ann bobby w2 rome"])
    found = [(entity["label"], entity["text"]) for entity in answer["entities"]]
    assert found == [("PER", "ann bobby"), ("LOC", "rome")]
    assert ask.evaluate(recipe.test)["f1"] == pytest.approx(result.metrics["test"]["f1"])
    assert json.dumps(answer)
    config = json.loads((result.bundle / "config.json").read_text())
    assert config["architectures"] == ["BertForTokenClassification"]
    assert config["problem_type"] is None


@pytest.mark.slow
def test_a_tagger_with_a_crf_learns_is_saved_and_answers(recipe):
    recipe = dataclasses.replace(recipe, options={"stride": 4, "crf": True})
    result = finetune(recipe, verbose=0)
    assert result.metrics["test"]["f1"] > 0.9, result.metrics
    ask = predictor(result.bundle)
    assert ask.evaluate(recipe.test)["f1"] == pytest.approx(result.metrics["test"]["f1"])
    [answer] = ask(["w1 ann bobby w2 rome"])
    found = [(entity["label"], entity["text"]) for entity in answer["entities"]]
    assert found == [("PER", "ann bobby"), ("LOC", "rome")]
    assert all(0.5 < entity["score"] <= 1 for entity in answer["entities"])
    # The chain is what was saved, and not one that begins anew.
    tensors = safetensors.numpy.load_file(result.bundle / "model.safetensors")
    labels = list(ask.labels)
    transitions = tensors["crf.transitions"]
    assert transitions[labels.index("B-PER")].argmax() == labels.index("I-PER")
    np.testing.assert_array_equal(ask.task.transitions(ask.labels)[:-1, :-1], transitions)
    assert "conditional random field" in (result.bundle / "README.md").read_text()
    # As an encoder for something else it goes without.
    load(result.bundle, task="sequence_classification", labels=["a", "b"])


@pytest.fixture
def asked(tokenizer):
    """Three words for which a softmax says O, I-PER, I-PER."""
    examples = task().asked([["w1", "w2", "w3"]])
    rows = task().rows(examples, tokenizer, LABELS)
    logits = np.zeros((5, 3), "float32")
    logits[1:4] = [[3, 0, 0], [0, 1, 2], [0, 0, 3]]
    return examples, rows, {"logits": logits}


def test_constrained_answers_spell_entities(asked):
    examples, rows, outputs = asked
    alone, _ = task()._tags(examples, rows, outputs, LABELS)
    chained, [scores] = task(constrained=True)._tags(examples, rows, outputs, LABELS)
    assert alone == [["O", "I-PER", "I-PER"]]
    assert chained == [["O", "B-PER", "I-PER"]]
    # Of all sequences that spell entities, those with this tag at this word.
    exponentials = np.exp(outputs["logits"][1:4].astype("float64"))
    allowed = tagging.may_follow(LABELS)
    total, wanted = 0.0, np.zeros(3)
    for path in itertools.product(range(3), repeat=3):
        if all(allowed[i, j] for i, j in itertools.pairwise([3, *path, 3])):
            share = np.prod(exponentials[range(3), path])
            total += share
            wanted += share * (np.array(path) == [0, 1, 2])
    np.testing.assert_allclose(scores, wanted / total, atol=1e-6)


def test_words_without_a_token_are_passed_over(tokenizer):
    logits = np.array([[0, 9, 0], [9, 0, 0], [0, 0, 9], [9, 0, 0]], "float32")
    known = np.array([True, False, True, True])
    forbidden = np.where(tagging.may_follow(LABELS), 0.0, -1e4).astype("float32")
    tags, chances = best_tags(logits, known, [0, 3, 1], forbidden)
    assert tags.tolist() == [1, 0, 2, 0]  # I-PER goes on over the unknown word
    assert np.isnan(chances).tolist() == [False, True, False, False]


def test_scores_of_a_chain_count_pairs():
    labels = np.array([IGNORED, 0, 1, IGNORED, 1, 0, IGNORED])
    rates, scores = chain_scores(labels, np.array([4, 3]), 2)
    # From, to: 0, 1, border; one more each than 0-1, 1-border, 1-0, 0-border, border-0, border-1.
    pairs = np.array([[1, 2, 2], [2, 1, 2], [2, 2, 0]])
    by_chance = pairs.sum(1, keepdims=True) * pairs.sum(0) / pairs.sum()
    wanted = np.log(np.where(pairs, pairs, by_chance) / by_chance)
    np.testing.assert_allclose(scores, wanted, atol=1e-6)
    # Both together are the probability of a label behind another.
    behind = pairs[:, :-1] / pairs.sum(1, keepdims=True)
    np.testing.assert_allclose(np.exp(scores[:, :-1] + rates), behind, atol=1e-6)


@pytest.mark.parametrize("learned", [False, True])
def test_a_crf_begins_with_what_is_frequent(checkpoint, tokenizer, learned):
    """Names are rare, but mostly stand together: nothing is one before something is learned."""
    ours = task(crf=True)
    words = ["w1"] * 6 + ["ann", "bob"]
    examples = [tagged(words, ["O"] * 6 + ["B-PER", "I-PER"])] * 3
    examples += [tagged(words[:6], ["O"] * 6)] * 9
    rows = ours.rows(examples, tokenizer, LABELS)
    model = load(checkpoint, task="token_classification", labels=LABELS).model
    classifier = model.get_layer("classifier")
    if learned:
        classifier.bias.assign([0.5, 0.25, 0.25])
    model = ours.prepared(model, rows)
    bias = model.get_layer("classifier").bias.numpy()
    assert learned == np.array_equal(bias, classifier.bias.numpy())
    if not learned:
        ask = Predictor(keras_runner(model), ours, tokenizer, LABELS)
        assert ask([" ".join(words)]) == [{"entities": []}]


@pytest.mark.parametrize(
    ("labels", "wanted"),
    [
        # B-X, I-X, B-Y (whose I-Y is no tag), O, border
        ("B-X I-X B-Y O", ["11111", "11111", "10111", "10111", "10111"]),
        # B-X, I-X, E-X, S-X, O, border
        ("B-X I-X E-X S-X O", ["011000", "011000", "100111", "100111", "100111", "100111"]),
        ("B M E S", ["01100", "01100", "10011", "10011", "10011"]),
        # Without B-X it begins anyhow.
        ("I-X O", ["111", "111", "111"]),
        ("B-X L-X U-X O", ["01000", "10111", "10111", "10111", "10111"]),
    ],
)
def test_which_tags_may_follow(labels, wanted):
    found = tagging.may_follow(labels.split())
    assert ["".join(map(str, row)) for row in found.astype(int)] == wanted


def test_options_that_exclude_each_other():
    with pytest.raises(ValueError, match=r"leave out \{'label_smoothing': 0.1\}"):
        task(crf=True, label_smoothing=0.1)
    with pytest.raises(ValueError, match="'subwords': 'all'"):
        task(crf=True, subwords="all")
    with pytest.raises(ValueError, match="true or false"):
        task(crf=3)
    with pytest.raises(ValueError, match="tags of entities"):
        tagging.may_follow(["NN", "VB"])


def test_a_crf_is_not_made_up(checkpoint):
    model = load(checkpoint, task="token_classification", labels=LABELS).model
    with pytest.raises(ValueError, match="has no CRF"):
        task(crf=True).prepared(model)
    with pytest.raises(ValueError, match=r"leave out \{'focal_gamma': 2\}"):
        task(focal_gamma=2).prepared(model.with_crf())


def test_a_crf_is_not_passed_over(checkpoint, tokenizer, tmp_path):
    model = load(checkpoint, task="token_classification", labels=LABELS).model.with_crf()
    path = save(model, tokenizer, tmp_path / "bundle")
    assert predictor(path).task.bordered is not None
    with pytest.raises(ValueError, match="crf is false, but the model has a CRF"):
        predictor(path, options={"crf": False})
    # What an export leaves beside the graph is no less of one.
    exported = EncoderConfig.from_dict({**model.config.to_dict(), TRANSITIONS: [[0.0] * 4] * 4})
    with pytest.raises(ValueError, match="crf is false, but the model has a CRF"):
        task(crf=False).recall(exported)

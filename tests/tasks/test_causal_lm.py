"""Beginnings of texts that a decoder alone goes on with."""

from __future__ import annotations

import json
import string

import numpy as np
import pytest
from writers import END, START, tiny_writer

from keras_bert_zoo import WordPieceTokenizer, cli, predictor
from keras_bert_zoo.bundle import save
from keras_bert_zoo.generation import generate

# Ids as the tiny models have them, and as many words as they have rows.
WORDS = ("[PAD]", "[SEP]", "[CLS]", "[UNK]", "[MASK]", *string.ascii_lowercase)
WORDS = (*WORDS, *(f"##{letter}" for letter in string.ascii_lowercase), ".", ",", "!", "?")
TEXTS = ["a b c d e", "xyz.", "q"]
WRITES = {"max_new_tokens": 7}


@pytest.fixture(scope="module")
def tokenizer():
    return WordPieceTokenizer(WORDS, model_max_length=40)


SLOW = [pytest.param(kind, marks=pytest.mark.slow) for kind in ("bert", "prefix")]


@pytest.fixture(scope="module", params=["gpt2", *SLOW])
def made(request, tokenizer, tmp_path_factory):
    """A model, what it has seen before each text, and its bundle."""
    model = tiny_writer(request.param)
    # Of these the config of GPT-2 alone names what texts begin with.
    before = [START] if request.param == "gpt2" else []
    return model, before, save(model, tokenizer, tmp_path_factory.mktemp("saved") / "bundle")


def written(made, tokenizer, text, room=33, **options):
    model, before, _ = made
    bare = tokenizer([text], add_special_tokens=False)["input_ids"].values.numpy()
    ids = np.array([[*before, *bare][:room]], "int32")
    inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
    found = generate(model, inputs, jit_compile=False, **WRITES, **options)[0].tolist()
    found = found[: found.index(END)] if END in found else found
    return tokenizer.decode(found, skip_special_tokens=True)


@pytest.mark.parametrize(
    "options",
    # The likeliest token is compared below, where there is little room and by the command.
    [pytest.param({}, marks=pytest.mark.slow), {"num_beams": 3, "no_repeat_ngram_size": 2}],
)
def test_an_answer_is_what_generate_writes_of_the_text_alone(made, tokenizer, options):
    ask = predictor(made[2], options={**WRITES, **options})
    expected = [written(made, tokenizer, text, **options) for text in TEXTS]
    assert ask(TEXTS) == [{"generated_text": text} for text in expected]
    assert ask([{"text": TEXTS[1], "target": "never read"}]) == [{"generated_text": expected[1]}]


def test_a_long_text_leaves_room_for_what_follows(made, tokenizer):
    long = " ".join(string.ascii_lowercase * 3)
    ask = predictor(made[2], options=WRITES)
    assert ask.task.settings.max_length == 33
    assert ask([long]) == [{"generated_text": written(made, tokenizer, long)}]


def test_what_follows_is_scored(made, tokenizer, tmp_path):
    path = tmp_path / "pairs.jsonl"
    targets = [written(made, tokenizer, TEXTS[0]), "something else"]
    rows = [{"text": x, "target": y} for x, y in zip(TEXTS, targets, strict=False)]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    ask = predictor(made[2], options={**WRITES, "metric": "exact_match"}, empty_texts="keep")
    assert ask.evaluate(str(path)) == {"exact_match": 0.5}
    path.write_text(json.dumps({"text": "a"}), encoding="utf-8")
    with pytest.raises(ValueError, match=r"no column \['target'\]"):
        ask.evaluate(str(path))


def test_a_seed_draws_the_same_text(made):
    draws = {**WRITES, "do_sample": True, "temperature": 2.0}
    first, again, other = (
        predictor(made[2], options={**draws, "seed": seed})(TEXTS) for seed in (1, 1, 2)
    )
    assert first == again != other


def test_the_command(made, tokenizer, capsys):
    words = ["predict", str(made[2]), TEXTS[0], "--options", json.dumps(WRITES)]
    assert cli.main(words) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer == {"text": TEXTS[0], "generated_text": written(made, tokenizer, TEXTS[0])}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_new_tokens": 39}, "may be at most 38, received 39"),
        ({"do_sample": True, "num_return_sequences": 2}, "num_return_sequences must be 1"),
    ],
)
def test_what_cannot_be_asked(made, options, message):
    with pytest.raises(ValueError, match=message):
        predictor(made[2], options=options)

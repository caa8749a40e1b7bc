"""What models that write are trained on, judged by and asked."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest
from sequences import SYMBOLS, save_tokenizer, sizes

from keras_bert_zoo import WordPieceTokenizer, bundle, predictor
from keras_bert_zoo.config import ConfigError
from keras_bert_zoo.data.text_files import TextRows
from keras_bert_zoo.evaluation.prediction import outputs_of
from keras_bert_zoo.generation import generate
from keras_bert_zoo.tasks import task_named
from keras_bert_zoo.tasks.task import Settings
from keras_bert_zoo.training.new_models import new_transformer

OPTIONS = {"max_new_tokens": 5, "metric": "exact_match"}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    keras.utils.set_random_seed(3)
    directory = tmp_path_factory.mktemp("seq2seq")
    return new_transformer(sizes(16), save_tokenizer(directory / "tokenizer"))


@pytest.fixture(scope="module")
def saved(made, tmp_path_factory):
    return bundle.save(made.model, made.tokenizer, tmp_path_factory.mktemp("saved") / "bundle")


def task(made, **settings):
    found = task_named("seq2seq")(Settings(**{"max_length": 16, "options": OPTIONS, **settings}))
    found.recall(made.config)
    found.prepared(made.model)
    return found


def answers(made, texts, **settings):
    asking = task(made, **settings)
    examples = asking.asked(texts)
    rows = asking.rows(examples, made.tokenizer, ())
    outputs = outputs_of(asking.runner(made.model), rows, max_length=16, batch_size=2)
    return [each["generated_text"] for each in asking.answers(examples, rows, outputs, ())]


def test_a_new_transformer_takes_its_words_from_the_tokenizer(made):
    assert made.config.decoder.vocab_size == made.tokenizer.vocab_size
    assert made.config.token_ids == {
        "decoder_start_token_id": made.tokenizer.cls_token_id,
        "eos_token_id": made.tokenizer.sep_token_id,
        "pad_token_id": made.tokenizer.pad_token_id,
    }


def test_a_new_one_is_a_transformer(tmp_path):
    with pytest.raises(ConfigError, match=r"must be one of .*'pegasus'.*received 'bert'"):
        new_transformer({"model_type": "bert"}, tmp_path)


@pytest.mark.parametrize("beams", [1, pytest.param(3, marks=pytest.mark.slow)])
def test_an_answer_is_what_generate_writes_of_the_text_alone(made, beams):
    texts = ["s01 s02 s03 s04 s05 s06", "s07 s08", "s19 s00"]
    options = {**OPTIONS, "num_beams": beams, "no_repeat_ngram_size": 2}
    found = answers(made, texts, options=options)
    for text, answer in zip(texts, found, strict=True):
        inputs = {k: x.to_tensor() for k, x in made.tokenizer([text]).items()}
        ids = generate(
            made.model, inputs, jit_compile=False, max_new_tokens=5, num_beams=beams,
            no_repeat_ngram_size=2,
        )[0].tolist()  # fmt: skip
        end = made.config.eos_token_id
        ids = ids[: ids.index(end)] if end in ids else ids
        assert answer == made.tokenizer.decode(ids, skip_special_tokens=True)
        assert set(answer.split()) <= set(SYMBOLS)


def test_texts_and_records_ask_the_same(made):
    plain = answers(made, ["s01 s02", "s03"])
    records = [{"source": "s01 s02", "target": "never read"}, {"text": "s03"}]
    assert answers(made, records) == plain
    named = [{"src": "s01 s02"}, {"src": "s03"}]
    assert answers(made, named, text_column="src") == plain
    with pytest.raises(ValueError, match="question 0 must be a string"):
        task(made).asked([{"sorce": "s01"}])


def test_a_file_is_scored_by_what_is_written(made, saved, tmp_path):
    texts = ["s01 s02 s03", "s04 s05"]
    written = answers(made, texts)
    rows = zip(texts, [written[0], "s00 s00 s00 s00 s01"], strict=True)
    path = tmp_path / "pairs.tsv"
    path.write_text("\n".join("\t".join(row) for row in [("source", "target"), *rows]) + "\n")
    # A model that learned nothing may write nothing.
    ask = predictor(saved, options=OPTIONS, empty_texts="keep")
    assert ask(texts) == [{"generated_text": text} for text in written]
    assert ask.evaluate(str(path)) == {"exact_match": 0.5}
    other = predictor(saved, options={"max_new_tokens": 5}, empty_texts="keep")
    assert set(other.evaluate(str(path))) == {"bleu", "chrf"}
    examples = ask.task.read(str(path))
    tally = ask.task.tally(examples, *ask.outputs(examples), ())
    assert tally.tolist() == [[1.0, 1.0], [0.0, 1.0]]


def test_what_is_learned_does_not_change_what_is_written(made):
    learning = task(made)
    rows = learning.rows(TextRows([], ["s01 s02"], ["s02 s01"], None), made.tokenizer, ())
    inputs = rows.inputs(np.array([0]), [8, 4])
    both = learning.runner(made.model, learning=True)(inputs)
    assert both["logits"].shape == (1, 4, made.tokenizer.vocab_size)
    np.testing.assert_array_equal(both["tokens"], learning.runner(made.model)(inputs)["tokens"])
    assert set(rows.kept(np.array([0]), both)) == {"tokens"}


@pytest.mark.parametrize(("respace", "text"), [(False, "f ( 1 ) 中 文"), (True, "f(1) 中文")])
def test_spaces_of_an_answer_may_be_those_of_its_source(made, respace, text):
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer = WordPieceTokenizer([*special, *"f(1)中文"])
    asking = task(made, options={**OPTIONS, "respace": respace})
    examples = asking.asked(["f(1)"])
    rows = asking.rows(examples, tokenizer, ())
    written = {"tokens": np.array([[5, 6, 7, 8, 9, 10, made.config.eos_token_id, 5]])}
    assert asking.answers(examples, rows, written, ()) == [{"generated_text": text}]


def test_documents_with_summaries_are_pairs(made, tmp_path):
    path = tmp_path / "papers.jsonl"
    sentences = ["s01 s02.", "s03."]
    row = {"sentences": sentences, "summary": {"challenge": ["s04."], "outcome": ["s05.", "s06."]}}
    path.write_text(json.dumps(row), encoding="utf-8")
    reading = task(made, options={**OPTIONS, "summaries": True, "aspect": "outcome"})
    examples = reading.read(str(path))
    assert examples.text_pairs == ["s05.\ns06."]
    assert [" ".join(text.split()) for text in examples.texts] == ["s01 s02. s03."]
    assert reading.asked([{"sentences": sentences}]).texts == examples.texts
    assert reading.asked(["s01 s02."]).texts == ["s01 s02."]


def test_there_must_be_positions_for_what_is_written(made):
    for options in ({"max_new_tokens": 16}, {"max_new_tokens": 64}):
        with pytest.raises(ValueError, match=r"decoder has 16 positions.*at most 15"):
            task(made, options=options)
    with pytest.raises(ValueError, match=r"max_target_length may be at most max_length \(16\)"):
        task(made, options={**OPTIONS, "max_target_length": 17})


def test_an_encoder_alone_writes_nothing(tiny_config, tmp_path):
    from keras_bert_zoo import BertEncoder

    source = bundle.save(BertEncoder(tiny_config), None, tmp_path / "encoder")
    with pytest.raises(ValueError, match="an encoder alone, which writes nothing"):
        predictor(source, task="seq2seq")
    with pytest.raises(ValueError, match="has no tokenizer files"):
        bundle.load(source, task="seq2seq")


def test_the_commands_ask_and_score(saved, tmp_path, capsys):
    from keras_bert_zoo.commands import evaluate, predict

    options = ["--options", json.dumps(OPTIONS)]
    predict.main([str(saved), "s01 s02", *options])
    answer = json.loads(capsys.readouterr().out)
    assert answer["text"] == "s01 s02"
    path = tmp_path / "pairs.jsonl"
    path.write_text(json.dumps({"source": "s01 s02", "target": answer["generated_text"]}))
    evaluate.main([str(saved), str(path), *options])
    assert json.loads(capsys.readouterr().out) == {"exact_match": 1.0}

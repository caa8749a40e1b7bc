"""Checkpoints with another vocabulary: the same answers, fewer or further rows."""

from __future__ import annotations

import json
from typing import Any

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
import tensorflow as tf
import tokenizers
from tokenizers import models, pre_tokenizers, processors, trainers

from keras_bert_zoo import EncoderConfig, PretrainingModel, load, load_tokenizer, save
from keras_bert_zoo.cli import main
from keras_bert_zoo.conversion import resize
from keras_bert_zoo.models import encoder_of
from keras_bert_zoo.tokenizers import TokenizerError, WordPieceTokenizer
from keras_bert_zoo.tokenizers.revision import count, cut, extend

SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LETTERS = "abdefhnoruxgs"
WORDS = [*SPECIALS, "the", "fox", "dog", "##es", "gr", "##ound", "你", "好", *LETTERS]
WORDS += [f"##{letter}" for letter in LETTERS]
TEXTS = ["The fox and the dogs", "foxes 你好 ground"]


@pytest.fixture(scope="module")
def word_pieces():
    return WordPieceTokenizer(WORDS, added_tokens={"<url>": False})


@pytest.fixture(scope="module")
def unigram(tmp_path_factory):
    """XLM-R's kind: padding is 1, and positions count from it."""
    specials = ["<s>", "<pad>", "</s>", "<unk>"]
    theirs = tokenizers.Tokenizer(models.Unigram())
    theirs.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=60, special_tokens=[*specials, "<mask>"], unk_token="<unk>", show_progress=False
    )
    theirs.train_from_iterator(TEXTS * 3 + ["a red bird sang on the ground"] * 3, trainer)
    theirs.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[(token, theirs.token_to_id(token)) for token in ("<s>", "</s>")],
    )
    directory = tmp_path_factory.mktemp("unigram")
    theirs.save(str(directory / "tokenizer.json"))
    return load_tokenizer(directory)


@pytest.fixture(scope="module")
def bundles(word_pieces, unigram, tiny_config, randomise, tmp_path_factory):
    found = {}
    further = {"embedding_size": 16, "intra_bottleneck_size": 12, "num_feedforward_networks": 2}
    for name, tokenizer in (
        ("bert", word_pieces), ("xlm-roberta", unigram), ("mobilebert", word_pieces),
    ):  # fmt: skip
        changes = {
            "model_type": name,
            "vocab_size": tokenizer.vocab_size,
            "pad_token_id": tokenizer.pad_token_id,
            "max_position_embeddings": 40,
            "type_vocab_size": 1 if name == "xlm-roberta" else 2,
            "mask_token_id": tokenizer.mask_token_id,
            **(further if name == "mobilebert" else {}),
        }
        config = EncoderConfig.from_dict({**tiny_config.to_dict(), **changes})
        encoder = encoder_of(config, add_pooling_layer=False)
        model = randomise(PretrainingModel(encoder, next_sentence=False))
        found[name] = save(model, tokenizer, tmp_path_factory.mktemp(name) / "bundle")
    return found


def states(bundle, texts):
    batch = bundle.tokenizer(list(texts), padding=True)
    return np.asarray(bundle.model(batch)["last_hidden_state"]), batch["attention_mask"].numpy()


@pytest.mark.parametrize("name", ["bert", "xlm-roberta", "mobilebert"])
def test_texts_are_answered_as_before_with_fewer_rows(bundles, name, tmp_path):
    done = resize(bundles[name], tmp_path / "small", texts=TEXTS, keep_characters=False, multiple=8)
    assert {each.inputs for each in done.differences} == {"random", "real"}
    assert {each.output for each in done.differences} == {"prediction_logits"}
    before, after = load(bundles[name]), load(tmp_path / "small")
    old, new = before.tokenizer, after.tokenizer
    assert new.vocab_size < old.vocab_size == done.vocabulary["before"]
    assert after.config.vocab_size == done.vocabulary["rows"] == -(-new.vocab_size // 8) * 8
    assert after.config.pad_token_id == new.pad_token_id
    assert after.config.extra["mask_token_id"] == new.mask_token_id
    assert new.tokenize("<mask>" if name == "xlm-roberta" else "<url>") != []
    for text in TEXTS:
        assert new.tokenize(text) == old.tokenize(text)
    (expected, mask), (found, same) = states(before, TEXTS), states(after, TEXTS)
    np.testing.assert_array_equal(mask, same)
    np.testing.assert_allclose(found * mask[..., None], expected * mask[..., None], atol=1e-6)


def test_rows_of_no_token_are_never_predicted(bundles, tmp_path):
    resize(bundles["bert"], tmp_path / "wide", multiple=64)
    bundle = load(tmp_path / "wide", task="masked_lm")
    assert bundle.config.vocab_size == 64
    batch = {**bundle.tokenizer(TEXTS, padding=True), "masked_positions": tf.constant([[1], [2]])}
    scores = np.asarray(bundle.model(batch)["prediction_logits"], "float64")[:, 0]
    chances = np.exp(scores - scores.max(axis=1, keepdims=True))
    assert (chances[:, bundle.tokenizer.vocab_size :] == 0).all()


@pytest.mark.parametrize("name", ["bert", "xlm-roberta"])
def test_further_tokens_are_the_mean_of_their_pieces(bundles, name, tmp_path):
    done = resize(
        bundles[name],
        tmp_path / "more",
        add=["doghouse", "<mask>" if name != "bert" else "the", "doghouse"],
    )
    before, after = load(bundles[name]), load(tmp_path / "more")
    assert done.vocabulary["after"] == done.vocabulary["before"] + 1
    assert after.tokenizer.tokenize("doghouse") == ["doghouse"]
    [index] = after.tokenizer("doghouse", add_special_tokens=False)["input_ids"].to_list()[0]
    pieces = before.tokenizer("doghouse", add_special_tokens=False)["input_ids"].to_list()[0]
    old, new = (bundle.model.get_layer("embeddings").word.numpy() for bundle in (before, after))
    np.testing.assert_allclose(new[index], old[pieces].mean(axis=0), atol=1e-6)
    # Added tokens beyond the words keep their rows, whatever their ids are now.
    if name == "bert":
        places = [each.tokenizer.vocabulary.index("<url>") for each in (before, after)]
        np.testing.assert_array_equal(old[places[0]], new[places[1]])


TEXT = st.text(st.sampled_from("thefoxdgsun 你好z"), max_size=30)


@hypothesis.given(st.lists(TEXT, min_size=1, max_size=5))
@hypothesis.settings(max_examples=15, deadline=None)
def test_any_texts_are_cut_as_before(word_pieces, unigram, texts):
    for tokenizer in (word_pieces, unigram):
        used = count(texts, tokenizer) > 0
        small = cut(tokenizer, used, keep_characters=False)
        assert small.tokenize(texts).to_list() == tokenizer.tokenize(texts).to_list()


def test_characters_stay_unless_told_otherwise(word_pieces):
    nothing = np.zeros(word_pieces.vocab_size, bool)
    kept = cut(word_pieces, nothing, keep_characters=True)
    assert kept.tokenize("fox 你") == ["f", "##o", "##x", "你"]
    assert cut(word_pieces, nothing, keep_characters=False).words == tuple(SPECIALS)


def test_what_cannot_be_done(bundles, word_pieces, make_byte_bpe, tmp_path):
    with pytest.raises(TokenizerError, match=r"\['Dog', '你好'\]"):
        extend(word_pieces, ["Dog", "你好", "doghouse"])
    with pytest.raises(TokenizerError, match="merged from one another"):
        cut(make_byte_bpe, np.ones(make_byte_bpe.vocab_size, bool), True)
    for wrong in ({"min_count": 0}, {"multiple": 1.5}, {"keep_characters": "no"}):
        [name] = wrong
        with pytest.raises((ValueError, TypeError), match=name):
            resize(bundles["bert"], tmp_path / "out", **wrong)
    save(encoder_of(load(bundles["bert"]).config), None, tmp_path / "bare")
    with pytest.raises(ValueError, match="has no tokenizer"):
        resize(tmp_path / "bare", tmp_path / "out", multiple=8)
    assert not (tmp_path / "out").exists()


def test_what_would_do_nothing_or_leave_nothing(bundles, tmp_path):
    wrong: tuple[tuple[dict[str, Any], type[Exception], str], ...] = (
        ({"texts": "The fox"}, TypeError, "texts must be a list of strings.*'The fox'"),
        ({"add": "doghouse"}, TypeError, "add must be a list of strings.*'doghouse'"),
        ({"texts": 3}, TypeError, "texts must be a list of strings"),
        ({}, ValueError, "nothing to do: pass texts, add or multiple"),
        ({"add": None}, ValueError, "nothing to do"),
        ({"add": ["the"]}, ValueError, "nothing to do: .* has these 40 tokens in 40 rows already"),
        ({"texts": ["the fox dog foxes gr ground 你好"]}, ValueError, "nothing to do"),
        ({"texts": []}, ValueError, "texts give no token min_count=1 times.* comes 0 times"),
        ({"texts": ["[MASK] <url>"] * 9}, ValueError, "comes 0 times"),
        ({"texts": TEXTS, "min_count": 9}, ValueError, "comes 2 times.*a lower min_count"),
    )
    for options, error, message in wrong:
        with pytest.raises(error, match=message):
            resize(bundles["bert"], tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()
    done = resize(bundles["bert"], tmp_path / "out", texts=TEXTS, keep_characters=False, add=None)
    assert done.vocabulary["after"] < done.vocabulary["before"]


@pytest.fixture(scope="module")
def make_byte_bpe() -> Any:
    from keras_bert_zoo import ByteBpeTokenizer
    from keras_bert_zoo.tokenizers.byte_bpe.alphabet import CHARACTERS

    specials = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    return ByteBpeTokenizer([*specials, *CHARACTERS], [])


def test_command(bundles, tmp_path, capsys):
    (tmp_path / "corpus.txt").write_text("\n".join(TEXTS), encoding="utf-8")
    (tmp_path / "tokens.txt").write_text("doghouse\n\n", encoding="utf-8")
    words = ["--texts", str(tmp_path / "corpus.txt"), "--add", str(tmp_path / "tokens.txt")]
    assert main(["resize", str(bundles["bert"]), str(tmp_path / "out"), *words]) == 0
    manifest = json.loads((tmp_path / "out" / "conversion.json").read_text())
    sizes = manifest["vocabulary"]
    assert f"{sizes['before']} tokens became {sizes['after']}" in capsys.readouterr().out
    assert load(tmp_path / "out").tokenizer.tokenize("doghouse") == ["doghouse"]


@pytest.mark.parametrize("option", ["--texts", "--add"])
def test_files_in_another_encoding(option, bundles, tmp_path, capsys):
    (tmp_path / "latin.txt").write_bytes("the fox\ncafé dogs\n".encode("latin-1"))
    words = ["resize", str(bundles["bert"]), str(tmp_path / "out")]
    assert main([*words, option, str(tmp_path / "latin.txt")]) == 2
    complaint = capsys.readouterr().err
    assert "latin.txt" in complaint and "UTF-8" in complaint
    if option == "--texts":
        assert "at byte 11" in complaint and r"in the line b'caf\xe9 dogs'" in complaint
    assert not (tmp_path / "out").exists()

"""Masked copies of texts: what is hidden, and what is kept of the answers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_bert_zoo.data.examples import Examples
from keras_bert_zoo.data.masked_rows import each_word, own_masks
from keras_bert_zoo.data.rows import encode
from keras_bert_zoo.tokenizers import WordPieceTokenizer

PIECES = ["a", "b", "c", "##a", "##b", "##c"]
TOKENIZER = WordPieceTokenizer(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *PIECES, "."])
SPECIAL = {0, 2, 3, 4}
TEXTS = st.lists(st.text("abc .", max_size=9), min_size=1, max_size=5)


def rows_of(texts, pairs=None, max_length=24, **options):
    return each_word(encode(Examples(texts, pairs), TOKENIZER, max_length), TOKENIZER, **options)


def by_hand(texts, within_word, max_length):
    """Masked ids, position and truth of each row, one token after the other."""
    for text in texts:
        ids = TOKENIZER([text], truncation=True, max_length=max_length)["input_ids"].numpy()[0]
        ids = ids.tolist()
        for place, truth in enumerate(ids):
            if truth in SPECIAL:
                continue
            hidden = list(ids)
            hidden[place] = 4
            after = place + 1
            while within_word and TOKENIZER.vocabulary[ids[after]].startswith("##"):
                hidden[after] = 4
                after += 1
            yield hidden, place, truth


@settings(deadline=None, max_examples=60)
@given(TEXTS, st.booleans(), st.sampled_from([4, 6, 24]))
def test_each_token_is_masked_once_and_no_other_but_the_rest_of_its_word(texts, within, longest):
    rows = rows_of(texts, max_length=longest, within_word=within)
    expected = list(by_hand(texts, within, longest))
    assert len(rows) == len(expected)
    for index, (ids, place, truth) in enumerate(expected):
        inputs = rows.inputs(np.array([index]), len(ids) + 2)
        assert inputs["input_ids"][0].tolist() == [*ids, 0, 0]
        assert inputs["attention_mask"][0].tolist() == [1] * len(ids) + [0, 0]
        assert inputs["masked_positions"].tolist() == [[place]]
        assert all(values.dtype == "int32" for values in inputs.values())
        assert rows.words[index].tolist() == [truth]
        assert rows.lengths[index] == len(ids)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(st.sampled_from(["a", "b", "[MASK]"]), min_size=1), min_size=1))
def test_own_masks_are_all_found(words):
    words = [[*each, "[MASK]"] for each in words]
    encoded = encode(Examples([" ".join(each) for each in words]), TOKENIZER, 24)
    whole = [each[:22] for each in words]
    if any("[MASK]" not in each for each in whole):
        return
    rows = own_masks(encoded, TOKENIZER)
    inputs = rows.inputs(np.arange(len(words)), 24)
    for index, each in enumerate(whole):
        expected = [place + 1 for place, word in enumerate(each) if word == "[MASK]"]
        assert rows.counts[index] == len(expected)
        found = inputs["masked_positions"][index].tolist()
        assert found[: len(expected)] == expected and not any(found[len(expected) :])
        assert (inputs["input_ids"][index] == 4).sum() == len(expected)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 20), st.integers(0, 10_000), st.booleans())
def test_the_likeliest_are_kept_in_order(top_k, seed, ties):
    generator = np.random.default_rng(seed)
    encoded = encode(
        Examples(["[MASK] a [MASK]", "[MASK]", "b [MASK] [MASK] [MASK]"]), TOKENIZER, 9
    )
    rows = own_masks(encoded, TOKENIZER, top_k=top_k)
    logits = generator.normal(size=(2, 2, 12)).astype("float32")
    logits = logits.round() if ties else logits
    kept = rows.kept(np.array([0, 1]), {"prediction_logits": logits})
    width = min(top_k, 12)
    assert kept["top_ids"].shape == kept["top_scores"].shape == (2, 3, width)
    assert kept["log_probabilities"].shape == (2, 3)
    for row, count in ((0, 2), (1, 1)):
        for place in range(count):
            chances = np.exp(logits[row, place].astype("float64"))
            chances /= chances.sum()
            order = sorted(range(12), key=lambda token: (-chances[token], token))[:width]
            assert kept["top_ids"][row, place].tolist() == order
            np.testing.assert_allclose(kept["top_scores"][row, place], chances[order], rtol=1e-12)
            np.testing.assert_allclose(kept["log_probabilities"][row, place], np.log(chances[4]))
        assert not kept["top_scores"][row, count:].any()
        assert not kept["log_probabilities"][row, count:].any()


def test_special_tokens_that_a_text_spells_out_are_left_alone():
    rows = rows_of(["a [SEP] b", "[MASK] c"], ["b", "[CLS]"])
    words = [TOKENIZER.vocabulary[index] for index in rows.words[:, 0]]
    assert words == ["a", "b", "b", "c"]
    assert rows.owners.tolist() == [0, 0, 0, 1]


def test_a_text_without_a_mask_is_named():
    encoded = encode(Examples(["a [MASK]", "b b b [MASK]"]), TOKENIZER, 5)
    with pytest.raises(ValueError, match=r"text 1 holds no \[MASK\] in the 5 tokens"):
        own_masks(encoded, TOKENIZER)


@pytest.mark.parametrize("top_k", [0, -1, 2.5, True, "5"])
def test_numbers_of_words_that_are_none(top_k):
    with pytest.raises(ValueError, match="top_k must be a whole number"):
        rows_of(["a"], top_k=top_k)

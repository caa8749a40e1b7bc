"""Masked words: rates, lengths, and the same as a plain Python loop over words."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from keras_bert_zoo.data.pretraining.masking import UNIT_LENGTHS, mask_tokens
from keras_bert_zoo.data.pretraining.options import MASKINGS, MaskingOptions

MASK, SIZE, PAD = 4, 1000, 0
ROWS, WIDTH = 8192, 128  # a million tokens
MANY = 1 << 32


def mix(seed, stream, place):
    """The hash, in integers without end."""
    bits = seed ^ ((place + (stream << 24)) * 0x9E3779B1 % MANY)
    bits = (bits ^ (bits >> 16)) * 0x7FEB352D % MANY
    bits = (bits ^ (bits >> 15)) * 0x846CA68B % MANY
    return bits ^ (bits >> 16)


def words_of(special, continues):
    """Lists of places, one for each word, by plain Python."""
    words = []
    for place, (stop, goes_on) in enumerate(zip(special, continues, strict=True)):
        if stop:
            words.append(None)
        elif goes_on and words and words[-1] is not None:
            words[-1].append(place)
        else:
            words.append([place])
    return words


def units_of(words, seed, weights):
    """Lists of words: lengths drawn one after the other; a special token ends a unit."""
    bounds = np.cumsum(weights) / sum(weights)
    units, number, fresh, shift = {}, -1, 0, 0
    for index, word in enumerate(words):
        if index == fresh:
            number += 1
            drawn = np.float32(mix(seed, 1, number) >> 8) * np.float32(2**-24)
            fresh += 1 + int(sum(drawn >= np.float32(bound) for bound in bounds[:-1]))
        shift += word is None
        if word is not None:
            units.setdefault(number + shift, []).append(word)
    return units


def chosen_by_hand(special, continues, seed, options):
    """Google's loop: words in a random order, those that do not fit are passed over."""
    if options.masking == "token":
        units = {place: [[place]] for place in np.flatnonzero(~special).tolist()}
    else:
        words = words_of(special, continues)
        weights = UNIT_LENGTHS[options.masking]
        if len(weights) == 1:
            units = {index: [word] for index, word in enumerate(words) if word}
        else:
            units = units_of(words, seed, weights)
    maskable = int((~special).sum())
    wanted = min(max(round(maskable * options.masked_lm_prob), 1), maskable)
    wanted = min(wanted, options.max_predictions_per_seq)
    taken = []
    for unit in sorted(units, key=lambda unit: mix(seed, 0, unit) >> 1, reverse=True):
        for word in units[unit]:
            if len(taken) + len(word) <= wanted:
                taken += word
    return sorted(taken)


def rows(count=ROWS, width=WIDTH, seed=0, pieces=0.3):
    """``[CLS] … [SEP] … [SEP]`` and padding: ids, special tokens, words that go on."""
    generator = np.random.default_rng(seed)
    ids = generator.integers(5, SIZE, (count, width), dtype="int32")
    lengths = generator.integers(width // 2, width, count, endpoint=True)[:, None]
    middle = generator.integers(2, width // 2 - 1, count)[:, None]
    place = np.arange(width)
    special = (place == 0) | (place == middle) | (place >= lengths - 1)
    ids = np.where(special, np.where(place == 0, 2, np.where(place < lengths, 3, PAD)), ids)
    return ids.astype("int32"), special, generator.random(ids.shape) < pieces


def masked(ids, special, continues, options, seeds=None):
    seeds = np.arange(len(ids), dtype="uint32") if seeds is None else seeds
    result = mask_tokens(
        tf.constant(ids),
        special,
        tf.constant(seeds),
        mask_token_id=MASK,
        vocab_size=SIZE,
        word_continues=continues,
        options=options,
    )
    return {name: value.numpy() for name, value in result._asdict().items()}


@pytest.fixture(scope="module")
def million():
    return rows()


@pytest.fixture(scope="module", params=MASKINGS)
def run(request, million):
    options = MaskingOptions(masking=request.param)
    return options, masked(*million, options)


def test_the_rate_is_kept_and_labels_are_the_ids_that_stood_there(run, million):
    options, result = run
    ids, special, _ = million
    real, positions = result["weights"] == 1, result["positions"]
    maskable = (~special).sum(axis=1)
    wanted = np.clip(np.round(maskable * options.masked_lm_prob), 1, 20)
    counts = real.sum(axis=1)
    assert (counts <= wanted).all()
    # A word of one token that fits is nearly always left.
    assert (counts == wanted).mean() > (0.99 if options.masking != "token" else 0.999999)
    rate = counts.sum() / maskable.sum()
    assert abs(rate - 0.15) < 0.002
    row = np.broadcast_to(np.arange(ROWS)[:, None], positions.shape)
    np.testing.assert_array_equal(result["labels"][real], ids[row, positions][real])
    assert not special[row, positions][real].any()
    assert not positions[~real].any() and not result["labels"][~real].any()
    # Ascending, without gaps: weights are 1 up to the last.
    np.testing.assert_array_equal(real, np.arange(positions.shape[1]) < counts[:, None])
    assert (np.diff(positions, axis=1)[real[:, 1:]] > 0).all()
    changed = result["input_ids"] != ids
    allowed = np.zeros_like(changed)
    allowed[row[real], positions[real]] = True
    assert not (changed & ~allowed).any()


def test_of_ten_masked_words_eight_become_masks_and_one_any_word(run, million):
    options, result = run
    real = result["weights"] == 1
    row = np.broadcast_to(np.arange(ROWS)[:, None], real.shape)
    now, before = result["input_ids"][row, result["positions"]][real], result["labels"][real]
    # Tokens of a span have one fate: fewer independent draws. 5 standard deviations.
    draws = real.sum() / (6 if options.masking == "span" else 1)
    random = (now != MASK) & (now != before)
    expected = {
        0.8 + 0.1 / SIZE: now == MASK,
        0.1 * (1 - 2 / SIZE): random,
        0.1 + 0.1 / SIZE: now == before,
    }
    for rate, cases in expected.items():
        assert abs(cases.mean() - rate) < 5 * np.sqrt(rate * (1 - rate) / draws)
    # Any word of the vocabulary, each as likely.
    counts = np.bincount(now[random], minlength=SIZE)[5:]
    assert stats.chisquare(counts).pvalue > 1e-3


def test_every_place_is_as_likely(million):
    ids, _, continues = million
    special = np.zeros_like(continues)
    counts = np.bincount(
        masked(ids, special, continues, MaskingOptions())["positions"].ravel(), minlength=WIDTH
    )
    # 19 of 128 places, 20 slots: the last is always empty and counts as place 0.
    counts[0] -= ROWS
    assert counts.sum() == 19 * ROWS
    assert stats.chisquare(counts).pvalue > 1e-3


@pytest.mark.parametrize("masking", MASKINGS)
@pytest.mark.parametrize("probability", [0.15, 0.5])
def test_words_are_those_of_a_plain_loop(masking, probability):
    ids, special, continues = rows(200, width=48, seed=3, pieces=0.5)
    options = MaskingOptions(
        masking=masking, masked_lm_prob=probability, max_predictions_per_seq=17
    )
    seeds = np.random.default_rng(5).integers(0, MANY, len(ids), dtype="uint32")
    result = masked(ids, special, continues, options, seeds)
    for index, seed in enumerate(seeds.tolist()):
        expected = chosen_by_hand(special[index], continues[index], seed, options)
        count = int(result["weights"][index].sum())
        assert result["positions"][index, :count].tolist() == expected


@pytest.mark.parametrize("masking", ["whole_word", "ngram", "span"])
def test_words_are_masked_whole(masking, million):
    ids, special, continues = (array[:1000] for array in million)
    result = masked(ids, special, continues, MaskingOptions(masking=masking))
    for index in range(len(ids)):
        taken = set(result["positions"][index][result["weights"][index] == 1].tolist())
        words = [set(word) for word in words_of(special[index], continues[index]) if word]
        assert all(word <= taken or not word & taken for word in words)


@pytest.mark.parametrize(
    ("masking", "expected"),
    [
        ("ngram", np.array([6, 3, 2]) / 11),
        ("span", 0.2 * 0.8 ** np.arange(10) / (1 - 0.8**10)),
    ],
)
def test_lengths_are_as_published(masking, expected):
    # Wide rows and few masks: hardly two units meet, and few are cut where the row has enough.
    ids = np.full((400, 4096), 7, "int32")
    nothing = np.zeros_like(ids)
    options = MaskingOptions(masking=masking, masked_lm_prob=0.02, max_predictions_per_seq=90)
    positions = masked(ids, nothing, nothing, options)["positions"][:, :82]
    breaks = np.diff(positions, axis=1, prepend=-9) != 1
    lengths = np.diff(np.append(np.flatnonzero(breaks.ravel()), positions.size))
    found = np.bincount(lengths, minlength=60)[1 : len(expected) + 1] / len(lengths)
    np.testing.assert_allclose(found, expected, atol=0.02)
    assert abs(lengths.mean() - expected @ np.arange(1, len(expected) + 1)) < 0.2


def test_a_span_has_one_fate():
    # All words are one token, far more than the spans cover: neighbours are of one span.
    ids = np.full((500, 512), 7, "int32")
    nothing = np.zeros_like(ids)
    options = MaskingOptions(masking="span", masked_lm_prob=0.02, mask_rate=0.5, random_rate=0.0)
    result = masked(ids, nothing, nothing, options)
    positions = result["positions"][:, :10]
    fate = np.take_along_axis(result["input_ids"], positions, axis=1) == MASK
    near = np.diff(positions, axis=1) == 1
    same = fate[:, 1:] == fate[:, :-1]
    assert same[near].mean() > 0.97
    assert 0.4 < same[~near].mean() < 0.6


@pytest.mark.parametrize("masking", MASKINGS)
def test_rows_of_hardly_a_word(masking):
    ids = np.array([[2, 9, 3, 0], [2, 3, 0, 0], [2, 9, 8, 3]], "int32")
    special = np.array([[1, 0, 1, 1], [1, 1, 1, 1], [1, 0, 0, 1]])
    continues = np.array([[0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0]])
    options = MaskingOptions(masking=masking, masked_lm_prob=0.4, max_predictions_per_seq=6)
    result = masked(ids, special, continues, options)
    assert result["positions"].shape == (3, 6)
    # One token at least, none where there is no word, and no half of one.
    whole = masking != "token"
    assert result["weights"].sum(axis=1).tolist() == [1, 0, 0 if whole else 1]
    np.testing.assert_array_equal(result["input_ids"][1], ids[1])


def test_words_are_needed_where_they_are_masked_whole():
    ids = tf.zeros((1, 4), tf.int32)
    with pytest.raises(ValueError, match=r"masking='span' needs word_continues"):
        mask_tokens(
            ids,
            tf.zeros_like(ids),
            tf.zeros(1, tf.uint32),
            mask_token_id=1,
            vocab_size=9,
            options=MaskingOptions(masking="span"),
        )

"""Rows and labels beside `transformers`' fast tokenizer and plain loops over its tokens."""

from __future__ import annotations

import numpy as np
import pytest
from test_question_windows import SIZES, VOCABULARY

from keras_bert_zoo.data.question_windows import question_windows, token_places

pytestmark = pytest.mark.parity
LETTERS = ["cat", "notes", "Café", "ÉTÉ", "xyzzy", "東京学", ".", "(", "a!", "[SEP]", "\u200b"]


@pytest.fixture(scope="module")
def tokenizers(tmp_path_factory):
    """Ours and theirs."""
    import transformers

    from keras_bert_zoo.tokenizers import WordPieceTokenizer

    directory = tmp_path_factory.mktemp("tokenizer")
    ours = WordPieceTokenizer(VOCABULARY)
    ours.save(directory)
    return ours, transformers.AutoTokenizer.from_pretrained(directory)


@pytest.fixture(scope="module")
def cases():
    """Questions, contexts, and the characters of an answer."""
    random = np.random.default_rng(5)
    found = []
    for _ in range(150):
        question = " ".join(random.choice(LETTERS[:6], random.integers(1, 9)))
        words = random.choice(LETTERS, random.integers(1, 25)).tolist()
        words[int(random.integers(len(words)))] = "cat"
        first = words.index("cat")
        last = min(first + int(random.integers(4)), len(words) - 1)
        while words[last] == "\u200b":  # no token: a reader would not end an answer there
            last -= 1
        start = len(" ".join(words[:first])) + (first > 0)
        found.append((question, " ".join(words), start, len(" ".join(words[: last + 1]))))
    questions, contexts, starts, ends = zip(*found, strict=True)
    return list(questions), list(contexts), np.array(starts), np.array(ends)


def labels_by_loop(offsets, kinds, start, end):
    """As the example scripts of `transformers` do it: walks over the tokens of one row."""
    context = [index for index, kind in enumerate(kinds) if kind == 1]
    if offsets[context[0]][0] > start or offsets[context[-1]][1] < end:
        return 0, 0
    first, last = context[0], context[-1]
    while first <= context[-1] and offsets[first][0] <= start:
        first += 1
    while last >= context[0] and offsets[last][1] >= end:
        last -= 1
    return first - 1, last + 1


def flat(rows):
    return [value for row in rows for value in row]


def test_rows_and_labels(tokenizers, cases):
    ours, theirs = tokenizers
    questions, contexts, starts, ends = cases
    # Their tokenizer has no limit for a question: it gets those that ours cuts by themselves.
    most = SIZES["max_question_length"]
    cut = [
        theirs.decode(ids[:most])
        for ids in theirs(questions, add_special_tokens=False)["input_ids"]
    ]
    expected = theirs(
        cut,
        contexts,
        truncation="only_second",
        max_length=SIZES["max_length"],
        stride=SIZES["stride"],
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
    )
    windows = question_windows(questions, contexts, ours, **SIZES)
    assert windows.owners.tolist() == expected["overflow_to_sample_mapping"]
    assert windows.encoded.lengths.tolist() == [len(ids) for ids in expected["input_ids"]]
    assert windows.encoded.input_ids.tolist() == flat(expected["input_ids"])
    assert windows.encoded.token_type_ids.tolist() == flat(expected["token_type_ids"])
    assert max(map(len, theirs(cut, add_special_tokens=False)["input_ids"])) == most
    assert len(windows.encoded) > 2 * len(questions)

    kinds = [expected.sequence_ids(row) for row in range(len(windows.encoded))]
    offsets = [
        [span if kind == 1 else (0, 0) for span, kind in zip(*row, strict=True)]
        for row in zip(expected["offset_mapping"], kinds, strict=True)
    ]
    assert windows.offsets.tolist() == [list(span) for span in flat(offsets)]

    places = token_places(windows, starts, ends)
    wanted = [
        labels_by_loop(*row, starts[owner], ends[owner])
        for *row, owner in zip(offsets, kinds, windows.owners, strict=True)
    ]
    np.testing.assert_array_equal(places, wanted)
    assert (places[:, 0] > 0).sum() > 100 and (places[:, 0] == 0).sum() > 100

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_bert_zoo.data.question_windows import question_windows, token_places

VOCABULARY = [
    *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
    *itertools.chain.from_iterable((letter, f"##{letter}") for letter in "abceknost"),
    *("cat", "##cat", "not", "東", "京", "学", ".", ",", "!", "("),
]
# With accents of one and of two characters, without spaces, unknown, and cut into pieces.
WORDS = ("cat", "Cats", "notes", "Café", "cafe\u0301", "e\u0301\u0323s", "ÉTÉ", "xyzzy")
ALONE = ("東京", "学", ".", "(", "a!")  # need no space after them
PARTS = st.lists(
    st.tuples(st.sampled_from(WORDS), st.sampled_from([" ", "\n  "]))
    | st.tuples(st.sampled_from(ALONE), st.sampled_from(["", " "])),
    min_size=1,
    max_size=20,
)
SIZES = {"max_length": 14, "stride": 4, "max_question_length": 5}


@pytest.fixture(scope="module")
def tokenizer():
    from keras_bert_zoo.tokenizers import WordPieceTokenizer

    return WordPieceTokenizer(VOCABULARY)


def texts_of(windows, contexts, places):
    """The text between two tokens of each row, ``None`` where there are none."""
    rows = np.split(windows.offsets, np.cumsum(windows.encoded.lengths)[:-1])
    return [
        contexts[owner][offsets[first, 0] : offsets[last, 1]] if first else None
        for owner, offsets, (first, last) in zip(
            windows.owners.tolist(), rows, places.tolist(), strict=True
        )
    ]


@settings(deadline=None, max_examples=30)
@given(cases=st.lists(st.tuples(PARTS, st.data()), min_size=1, max_size=3))
def test_the_text_between_the_labels_is_the_answer(tokenizer, cases):
    contexts, golds = [], []
    for parts, data in cases:
        pieces = [word + space for word, space in parts]
        first = data.draw(st.integers(0, len(parts) - 1))
        last = data.draw(st.integers(first, min(first + 3, len(parts) - 1)))
        start = len("".join(pieces[:first]))
        contexts.append("".join(pieces))
        golds.append((start, len("".join(pieces[:last]) + parts[last][0])))
    windows = question_windows(["a cat"] * len(cases), contexts, tokenizer, **SIZES)
    places = token_places(windows, *np.array(golds).T)
    found = texts_of(windows, contexts, places)
    for index, (start, end) in enumerate(golds):
        answer = contexts[index][start:end]
        texts = {text for text, owner in zip(found, windows.owners, strict=True) if owner == index}
        assert texts <= {answer, None}
        # A row shares `stride` tokens with the next: so many are whole in one of them.
        if len(tokenizer.tokenize(answer)) <= SIZES["stride"]:
            assert answer in texts


def test_a_context_of_one_megabyte(tokenizer):
    context = "cat " * 250_000 + "学"
    windows = question_windows(
        ["a cat"], [context], tokenizer, max_length=384, stride=128, max_question_length=64
    )
    places = token_places(windows, np.array([1_000_000]), np.array([1_000_001]))
    *others, last = texts_of(windows, [context], places)
    assert last == "学" and set(others) == {None}
    # All rows but the last share 128 of their 379 tokens with the next.
    assert len(places) == 1 + -(-(250_001 - 379) // (379 - 128))

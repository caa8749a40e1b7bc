"""Documents as rows: a [CLS] before each sentence, segments in turn, nothing lost."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_bert_zoo.data.sentence_rows import sentence_rows

CLS, SEP, UNK = 2, 3, 1
A = 5  # the first letter


def test_rows_are_those_of_the_paper(tokenizer):
    encoded, first = sentence_rows([["a b", "c", "d e f"], ["g"]], tokenizer, 32)
    a, b, c, d, e, f, g = range(A, A + 7)
    expected = [CLS, a, b, SEP, CLS, c, SEP, CLS, d, e, f, SEP, CLS, g, SEP]
    assert encoded.input_ids.tolist() == expected
    assert encoded.token_type_ids.tolist() == [0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0]
    assert encoded.lengths.tolist() == [12, 3]
    assert first.tolist() == [0, 4, 7, 12]


def test_long_documents_go_on_and_long_sentences_are_cut(tokenizer, caplog):
    encoded, first = sentence_rows([["a b c", "d", "e " * 20], ["f"]], tokenizer, 8)
    assert encoded.lengths.tolist() == [8, 8, 3]
    assert first.tolist() == [0, 5, 8, 16]
    # The segments start again with each row.
    assert encoded.token_type_ids[first].tolist() == [0, 1, 0, 0]
    assert "1 of 4 sentences were cut at 6 tokens" in caplog.text


def test_a_start_that_a_text_spells_is_none(tokenizer):
    encoded, first = sentence_rows([["a [CLS] b [SEP]", "[CLS]"]], tokenizer, 32)
    assert np.flatnonzero(encoded.input_ids == CLS).tolist() == first.tolist() == [0, 6]
    assert encoded.input_ids[[2, 7]].tolist() == [UNK, UNK]


def test_a_document_without_sentences_has_a_row(tokenizer):
    encoded, first = sentence_rows([[], ["a"], [], ["b", "c"]], tokenizer, 32)
    assert encoded.lengths.tolist() == [2, 3, 2, 6]
    assert first.tolist() == [2, 7, 10]
    encoded, first = sentence_rows([[], []], tokenizer, 32)
    assert encoded.input_ids.tolist() == [CLS, SEP, CLS, SEP]
    assert first.tolist() == []


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(st.text("ab ", max_size=20), min_size=1, max_size=8), min_size=1, max_size=5),
    st.integers(3, 12),
)
def test_no_sentence_is_lost(tokenizer, documents, max_length):
    encoded, first = sentence_rows(documents, tokenizer, max_length)
    ids, ends = encoded.input_ids, np.cumsum(encoded.lengths)
    assert len(first) == sum(map(len, documents))
    assert encoded.lengths.max() <= max_length
    assert np.flatnonzero(ids == CLS).tolist() == first.tolist()
    row_starts = ends - encoded.lengths
    assert set(row_starts) <= set(first)
    for sentence, part in zip(itertools.chain(*documents), np.split(ids, first[1:]), strict=True):
        wanted = [
            A + "ab".index(letter) if len(letter) == 1 else UNK for letter in sentence.split()
        ]
        assert part.tolist() == [CLS, *wanted[: max_length - 2], SEP]
    for start, end in zip(row_starts, ends, strict=True):
        inside = first[(first >= start) & (first < end)]
        assert encoded.token_type_ids[inside].tolist() == [i % 2 for i in range(len(inside))]
    changes = np.flatnonzero(np.diff(encoded.token_type_ids)) + 1
    assert set(changes) <= set(first)
    # A row is left only where the next sentence does not fit, or the document ends.
    borders = np.cumsum([0, *map(len, documents)])
    sizes = np.diff([*first, len(ids)])
    for start in set(row_starts) - {first[at] for at in borders[:-1]}:
        sentence = int(np.searchsorted(first, start))
        row = int(np.searchsorted(ends, start))
        assert encoded.lengths[row] + sizes[sentence] > max_length

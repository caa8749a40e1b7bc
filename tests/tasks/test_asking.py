"""What users pass: texts, pairs and records, and records with misspelt keys."""

from __future__ import annotations

import pytest

from keras_bert_zoo.tasks.asking import texts_of


def test_records_are_read_by_their_columns():
    asked = [{"text": "a", "text_pair": "b", "id": 3}, {"text_pair": "d", "text": "c"}]
    assert texts_of(asked) == (["a", "c"], ["b", "d"])
    # A column of another name is not the second text.
    assert texts_of([{"text": "a", "text_b": "b", "label": "x"}]) == (["a"], None)


@pytest.mark.parametrize(
    ("question", "hint"),
    [
        ({"txt": "a"}, "'text' by 'txt'"),
        ({"text": "a", "text_piar": "b"}, "'text_pair' by 'text_piar'"),
        ({"Text": "a"}, "'text' by 'Text'"),
    ],
)
def test_misspelt_keys_are_named(question, hint):
    with pytest.raises(ValueError, match=rf"question 1 must be .* Did you mean {hint}\?$"):
        texts_of([{"text": "a"}, question])

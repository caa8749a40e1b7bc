from __future__ import annotations

import numpy as np
import pytest

from keras_bert_zoo.data.labels import encode_labels, label_names

SINGLE, MULTI, NUMBER = (
    "single_label_classification",
    "multi_label_classification",
    "regression",
)


@pytest.mark.parametrize(
    ("values", "problem_type", "names"),
    [
        (["pos", "neg", "pos"], SINGLE, ("neg", "pos")),
        (["10", "9", "10"], SINGLE, ("9", "10")),
        ([1, 0], SINGLE, ("0", "1")),
        (["b|a", "c", ""], MULTI, ("a", "b", "c")),
        ([["x", "y"], []], MULTI, ("x", "y")),
        (["1.5", "2"], NUMBER, ("score",)),
        ([[1, 2]], NUMBER, ("score_0", "score_1")),
        (["a", "", "b"], SINGLE, ("a", "b")),
        ([[" x"], ["y"]], MULTI, ("x", "y")),
    ],
)
def test_names_are_found_in_the_data(values, problem_type, names):
    assert label_names(values, problem_type) == names


@pytest.mark.parametrize(
    ("values", "problem_type", "names", "wanted"),
    [
        (["pos", " neg ", "1"], SINGLE, ("neg", "pos"), [1, 0, 1]),
        (["1", 2], SINGLE, ("2", "1"), [1, 0]),  # a name comes before an index
        (["a|c", "", "1"], MULTI, ("a", "b", "c"), [[1, 0, 1], [0, 0, 0], [0, 1, 0]]),
        ([["c"], [0, 1]], MULTI, ("a", "b", "c"), [[0, 0, 1], [1, 1, 0]]),
        (["1.5", 2], NUMBER, ("score",), [1.5, 2.0]),
        ([[1, 2], "3|4"], NUMBER, ("x", "y"), [[1, 2], [3, 4]]),
    ],
)
def test_encodings(values, problem_type, names, wanted):
    encoded = encode_labels(values, problem_type, names)
    np.testing.assert_array_equal(encoded, wanted)
    assert encoded.dtype == ("int32" if problem_type == SINGLE else "float32")


@pytest.mark.parametrize(
    ("value", "problem_type", "names", "complaint"),
    [
        ("postive", SINGLE, ("negative", "positive"), "Did you mean 'positive'"),
        (2, SINGLE, ("a", "b"), "0 to 1"),
        (-1, SINGLE, ("a", "b"), "unknown label -1"),
        (True, SINGLE, ("a", "b"), "name or index"),
        (0.5, SINGLE, ("a", "b"), "name or index"),
        (None, SINGLE, ("a", "b"), "name or index"),
        ("  ", SINGLE, ("a", "b"), "the label is empty"),
        ("0", SINGLE, ("1", "2", "3"), r"unknown label '0'\. Known are \['1', '2', '3'\]\."),
        ("0", SINGLE, ("-1", "1"), "unknown label '0'"),
        ("0|1", MULTI, ("1", "2"), "unknown label '0'"),
        ([None, "a"], MULTI, ("a", "b"), "name or index, received None"),
        ("1e39", NUMBER, ("score",), "finite"),
        ("a|d", MULTI, ("a", "b"), "unknown label 'd'"),
        ("high", NUMBER, ("score",), "must be a number"),
        ("nan", NUMBER, ("score",), "finite"),
        ("1|2", NUMBER, ("score",), "expected 1"),
    ],
)
def test_bad_labels_are_named_with_their_place(value, problem_type, names, complaint):
    with pytest.raises(ValueError, match=complaint) as caught:
        encode_labels([value], problem_type, names, ["train.csv, line 9"])
    assert str(caught.value).startswith("train.csv, line 9: ")

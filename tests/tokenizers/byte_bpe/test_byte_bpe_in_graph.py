"""The tokenizer inside ``tf.data``, ``tf.function`` and a SavedModel."""

from __future__ import annotations

import itertools

import pytest
import tensorflow as tf
from in_graph import CALLS, operators, served_and_eager, traced_and_eager

TEXTS = ["Hello wörld  <mask>", "", "x" * 301 + " 你好！", "a  b<s>", "e\u0301 it's [MASK]"]
KINDS = ("roberta", "prefix", "modernbert", "whole words")
# Each kind cuts texts in a way of its own, each call packs them in one: together with every other
# is slow.
QUICK = {
    *(("ragged", kind) for kind in KINDS),
    ("longest", "whole words"),
    ("windows", "roberta"),
    ("windows", "modernbert"),
    ("fixed", "prefix"),
}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        pytest.param(*case, marks=[] if case in QUICK else pytest.mark.slow)
        for case in itertools.product(CALLS, KINDS)
    ],
)
def test_graph_and_eager_agree(make_pair, name, kind):
    first = ["ab"] * len(TEXTS) if name == "windows" else TEXTS
    second = [f"{text} and more of it all" for text in TEXTS]
    traced, eager = traced_and_eager(make_pair(kind).ours, first, second, CALLS[name])
    assert traced == eager


def test_in_a_dataset(make_pair):
    tokenizer = make_pair("roberta").ours
    dataset = tf.data.Dataset.from_tensor_slices(TEXTS).batch(3)
    dataset = dataset.map(lambda text: tokenizer(text)["input_ids"], num_parallel_calls=2)
    rows = [row for batch in dataset for row in batch.to_list()]
    assert rows == [tokenizer(text)["input_ids"].to_list()[0] for text in TEXTS]


@pytest.mark.parametrize(
    ("kind", "foreign"),
    [
        ("roberta", set()),
        ("modernbert", {"NormalizeUTF8WithOffsetsMap", "FindSourceOffsets"}),
    ],
)
def test_nothing_but_core_operators_is_left_in_the_graph(make_pair, kind, foreign):
    assert {name for name in operators(make_pair(kind).ours) if _is_foreign(name)} == foreign


def _is_foreign(operator: str) -> bool:
    return operator.startswith(("TFText>", "NormalizeUTF8", "FindSource", "Fast", "Wordpiece"))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["roberta", "prefix"])
def test_a_session_serves_the_same_ids(make_pair, tmp_path, kind):
    tokenizer = make_pair(kind).ours

    def encode(text):
        return tokenizer(text, padding=True, return_offsets_mapping=True)

    served, eager = served_and_eager(tokenizer, encode, tmp_path, TEXTS)
    assert served == eager

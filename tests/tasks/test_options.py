"""Options of every task: what is no value of one is refused by its name."""

from __future__ import annotations

import dataclasses
import re

import pytest

from keras_bert_zoo.tasks import TASKS, task_named
from keras_bert_zoo.tasks.task import Settings

OPTIONS = [
    (name, field.name) for name in TASKS for field in dataclasses.fields(task_named(name).Options)
]


def made(name, **options):
    return task_named(name)(Settings(max_length=64, options=options))


@pytest.mark.parametrize(("name", "option"), OPTIONS)
def test_a_wrong_type_is_refused_by_name(name, option):
    for value in (object(), {"a": object()}, [object()]):
        with pytest.raises(ValueError, match=rf"options: {option} must be .*, received .*object"):
            made(name, **{option: value})


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("masked_lm", {"top_k": True}, "top_k must be an integer of at least 1, received True"),
        ("masked_lm", {"likelihood": 1}, "likelihood must be true or false, received 1"),
        ("token_classification", {"stride": "8"}, "at least 0, received '8'"),
        ("token_classification", {"inconsistent": "repare"}, r"\(did you mean 'repair'\?\)"),
        ("question_answering", {"null_threshold": float("nan")}, "a number, received nan"),
        ("sentence_embedding", {"matryoshka": [64, 0]}, r"each of it an integer.*\[64, 0\]"),
        ("sentence_embedding", {"scale": 0, "margin": -1}, "scale must be .*; margin must be"),
    ],
)
def test_values_out_of_range(name, options, message):
    with pytest.raises(ValueError, match=message):
        made(name, **options)


@pytest.mark.parametrize(
    ("name", "misspelt", "option"),
    [("token_classification", "strid", "stride"), ("sequence_classification", "temp", None)],
)
def test_an_unknown_option_and_the_near_one(name, misspelt, option):
    hint = f" Did you mean {option!r} by {misspelt!r}?" if option else ""
    with pytest.raises(ValueError, match=re.escape(f"received ['{misspelt}'].{hint}") + "$"):
        made(name, **{misspelt: 1})


def test_what_is_none_by_default_may_be_none():
    for name, option in OPTIONS:
        if getattr(made(name).options, option) is None:
            assert getattr(made(name, **{option: None}).options, option) is None


@pytest.mark.parametrize(
    ("name", "setting", "reason"),
    [
        ("question_answering", "text_column", "the keys of its files are fixed"),
        ("token_classification", "pair_column", "a text with tags is a single one"),
        ("masked_lm", "label_column", "its texts are their own labels"),
        ("causal_lm", "label_column", "what is to follow is in pair_column"),
    ],
)
def test_a_column_that_files_have_not_is_refused(name, setting, reason):
    with pytest.raises(ValueError, match=rf"no use for \['{setting}'\]: {reason}"):
        task_named(name)(Settings(max_length=64, **{setting: "column"}))

"""What docs/translation.md states: its options and its recipes."""

from __future__ import annotations

import dataclasses
import pathlib
import re

import yaml

from keras_bert_zoo.tasks import task_named
from keras_bert_zoo.training.recipe import FinetuneRecipe

PAGE = (pathlib.Path(__file__).parents[2] / "docs/translation.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_every_option_is_on_the_page():
    for field in dataclasses.fields(task_named("seq2seq").Options):
        assert f"`{field.name}`" in PAGE


def test_every_piece_of_a_recipe_is_one():
    for block in blocks("yaml"):
        values = yaml.safe_load(block)
        start = {} if "new_model" in values else {"model": "m"}
        FinetuneRecipe(**values, **start, task="seq2seq", output="o", train="t.tsv")

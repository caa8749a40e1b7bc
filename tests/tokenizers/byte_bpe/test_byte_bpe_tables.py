"""The classes of characters, on every code point there is, against the reference."""

from __future__ import annotations

import pathlib
import runpy

import pytest
import tensorflow as tf

from keras_bert_zoo.tokenizers.byte_bpe import words

SCRIPT = pathlib.Path(__file__).parents[3] / "scripts" / "build_byte_bpe_tables.py"


@pytest.mark.parametrize(
    "step", [101, pytest.param(1, marks=pytest.mark.slow)], ids=["sample", "all"]
)
def test_every_code_point_is_of_the_class_of_the_reference(step):
    script = runpy.run_path(str(SCRIPT))
    points = script["CODE_POINTS"][::step]
    texts = tf.constant([chr(point).encode() for point in points])
    found = {
        name: tf.strings.regex_full_match(texts, f"[{words.characters(name)}]").numpy()
        for name in ("letters", "numbers", "spaces")
    }
    different = []
    for index, point in enumerate(points):
        ours = [name for name, matches in found.items() if matches[index]] or ["others"]
        if ours != [script["class_of"](point)]:
            different.append(f"U+{point:04X}")
    assert different == []

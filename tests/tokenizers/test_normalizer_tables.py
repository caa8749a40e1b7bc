"""The normaliser, on every code point there is, against the reference."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_text as tf_text
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from keras_bert_zoo.tokenizers.normalizer import STAND_INS, normalizer_model

CODE_POINTS = [
    point for point in range(0x110000) if not 0xD800 <= point <= 0xDFFF and point not in STAND_INS
]
CHOICES = list(itertools.product((False, True), repeat=3))


@pytest.mark.parametrize(
    "step", [101, pytest.param(1, marks=pytest.mark.slow)], ids=["sample", "all"]
)
@pytest.mark.parametrize(("lower", "strip", "chinese"), CHOICES)
def test_every_code_point_becomes_the_words_of_the_reference(lower, strip, chinese, step):
    normalizer = BertNormalizer(
        clean_text=True, handle_chinese_chars=chinese, strip_accents=strip, lowercase=lower
    )
    pre_tokenizer = BertPreTokenizer()
    model = tf.constant(normalizer_model(lower=lower, strip=strip, chinese=chinese))
    texts = [f"b{chr(point)}b" for point in CODE_POINTS[::step]]
    ours = tf_text.FastBertNormalizer(model_buffer=model).normalize(texts).numpy()
    cache: dict[str, list[str]] = {}
    different = []
    for point, text, normalized in zip(CODE_POINTS[::step], texts, ours, strict=True):
        theirs = normalizer.normalize_str(text)
        if theirs not in cache:
            cache[theirs] = [word for word, _ in pre_tokenizer.pre_tokenize_str(theirs)]
        # bytes.split would also cut at vertical tabs and the like.
        if [word for word in normalized.decode().split(" ") if word] != cache[theirs]:
            different.append(f"U+{point:04X}")
    assert different == []


def test_stand_ins_are_words_of_their_own():
    model = tf.constant(normalizer_model(lower=True, strip=True, chinese=True))
    texts = [f"b{chr(point)}b" for point in STAND_INS]
    normalized = tf_text.FastBertNormalizer(model_buffer=model).normalize(texts).numpy()
    assert [text.decode() for text in normalized] == [f"b {chr(p)} b" for p in STAND_INS]


def test_the_model_is_small_and_built_once():
    model = normalizer_model(lower=True, strip=True, chinese=True)
    assert model.dtype == np.uint8
    assert model.nbytes < 1_500_000
    assert normalizer_model(lower=True, strip=True, chinese=True) is model

"""The tokenizer that goes into TFLite files, run by LiteRT, against the one it stands for."""

from __future__ import annotations

import random
import unicodedata

import numpy as np
import pytest

from keras_bert_zoo.data.rows import INPUTS
from keras_bert_zoo.export.signature import Signature, TensorSpec

LENGTH = 192
CASES = [{"do_lower_case": True}, {"do_lower_case": False}]
ASSIGNED = [
    point
    for point in range(0x110000)
    if not 0xD800 <= point <= 0xDFFF and unicodedata.category(chr(point)) not in ("Cn", "Co")
]
SIGNATURE = Signature("text", (TensorSpec("text", "string", (1,)),), ())
WORDS = ["x", "é", "e\u0301", "п", "ก", "😀", "각", "각", "ß"]


class Converted:
    """A tokenizer as a TFLite file, run in a process of its own as artifacts are."""

    def __init__(self, tokenizer, path):
        from keras_bert_zoo.export.tflite.text import convert_tokenizer

        self.tokenizer, self.path = tokenizer, path
        path.write_bytes(convert_tokenizer(tokenizer, LENGTH, INPUTS))

    def differences(self, texts):
        """Texts of which any of the three rows differs."""
        from keras_bert_zoo.export import measurement, process

        expected = self.tokenizer(texts, truncation=True, max_length=LENGTH, padding="max_length")
        rows = {name: tensor.numpy() for name, tensor in expected.items()}
        calls = [(0, {"text": np.array([text.encode()], object)}) for text in texts]
        request = ("tflite-text", str(self.path), [SIGNATURE], calls, 1)
        outputs = process.call(measurement._measure, *request).outputs
        return [
            text
            for index, (text, got) in enumerate(zip(texts, outputs, strict=True))
            if any(not np.array_equal(got[name][0], rows[name][index]) for name in rows)
        ]


@pytest.fixture(scope="module", params=CASES, ids=["uncased", "cased"])
def converted(request, make_pair, tmp_path_factory):
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.tflite"
    return Converted(make_pair(**request.param).ours, path)


@pytest.mark.parity
def test_every_assigned_code_point(converted):
    pieces = [f"a{chr(point)}b {chr(point)}" for point in ASSIGNED]
    # Few enough that no text is truncated.
    texts = [" ".join(pieces[start : start + 30]) for start in range(0, len(pieces), 30)]
    assert converted.differences(texts) == []


def test_long_words_are_measured_in_characters(converted):
    counts = (1, 33, 34, 50, 51, 99, 100, 101, 133, 134, 300)
    texts = [f"a {word * count}, b" for word in WORDS for count in counts]
    assert converted.differences(texts) == []


def test_random_mixtures(converted):
    generator = random.Random(0)
    pieces = [*"aZ 0.,[]é中，가", "\x00", "\u200d", "👍🏽", "##", "\ue001", "\ufffd", "word"]
    texts = ["".join(generator.choices(pieces, k=generator.randint(0, 40))) for _ in range(2000)]
    texts += [" ".join(generator.choices(pieces, k=500)) for _ in range(20)]
    assert converted.differences(texts) == []


def test_special_tokens_in_a_text_are_text(converted):
    assert converted.differences(["a [MASK] b"]) == ["a [MASK] b"]


def test_no_room(tokenizer):
    from keras_bert_zoo.tokenizers.device import DeviceTokenizer

    with pytest.raises(ValueError, match="length must be at least 3, received 2"):
        DeviceTokenizer(tokenizer, 2)

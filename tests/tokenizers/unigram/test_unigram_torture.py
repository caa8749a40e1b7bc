"""Ids and character spans on texts that break tokenizers, against the reference."""

from __future__ import annotations

import random

import hypothesis
import hypothesis.strategies as st
import pytest
from test_tokenizer_torture import ASSIGNED, TEXTS

pytestmark = pytest.mark.parity
LITERALS = [
    "a <mask> b  <mask>c\u3000<mask> \n<mask>",
    "<s></s><pad><unk><mask><mask> <mask>",
    "<s <s>> <<s>> </s >",
    " <mask>",
    "<mask> ",
    " \t<mask> <mask> </s> x",
    "＜ｓ＞ ＜unk＞x ＜MASK＞<unk>",
    "x<unk>ﷻ<unk> ﷻ<unk>",
]
SPACES = [
    "a  b   c    ",
    "   ",
    "\t\n a\r\nb \n\n c\u00a0\u00a0d\u3000",
    "▁a ▁ b▁▁c ▁",
    "a\u200b\u200bb\ufeffc \u200b",
    "  \u00a0  x",
]
QUOTES = ["``a'' '''b'' ````c", "`` `` ''", "''''' a"]
# The character map sees grapheme clusters: of fewer than six bytes, and of more.
CLUSTERS = [
    "①\u0301 ①\u0301\u0301 ｶ\u0301 ｶﾞ é\u0301 e\u0301\u0302",
    "\r\n a\r\nb \r \n",
    "\u0600① \u0601\u0602½",
    "\u0958\u0301 क\u094d\u0958\u0301 क\u0958\u0301 क\u094d\u200d\u0958\u0301",
    "©\u200d☺\u0301 ©\u0301\u200d①\u0301 ☺\u200d①\u0301 x\u200d☺\ufe0f",
    "ᄀ\u1161\u0301 \u1161\u0301 가\u11a8\u0301 각\u0301",
    "\x01abc \x01\x01½b",
    "\x01",
    "\x01\x02 \x01",
    "ﬁ\x01x ½\x01\x02x ﷺ\x01\u0301y",
    "½\x7f\u0301x ½",
    "a\x00①\x00\u0301",
]
FORMS = [
    "q\u0301\u0323\u0327x e\u0301\u0323 \u1e17\u0323 \u0344 a\u0344 \u0301\u0f73",
    "\u1112\u1161\u11ab 한 \u1100\u1161\u11a8\u11a8 \u0cc6\u0cc2\u0cd5",
    "ﬁ\u0301x \u212b \u1fb7\u0323 Å\u0327 \u0958 \u2adc",
    "\u0301a \u0327\u0301 a\u0345\u302e",
]


def test_odd_texts(unigram_pair):
    texts = [*TEXTS, *LITERALS, *SPACES, *QUOTES, *CLUSTERS, *FORMS]
    assert unigram_pair.differences(texts) == []


def test_the_languages_of_the_vocabulary(unigram_pair, unigram_corpus):
    assert unigram_pair.differences(unigram_corpus) == []


@pytest.mark.parametrize(
    "step", [61, pytest.param(1, marks=pytest.mark.slow)], ids=["sample", "all"]
)
@pytest.mark.parametrize("form", ["{}", "a{}b", "①{}\u0301", "a\u0301{}\u0323"])
def test_assigned_code_points(unigram_pair, form, step):
    texts = [form.format(chr(point)) for point in ASSIGNED[::step]]
    assert unigram_pair.differences(texts) == []


def test_random_mixtures(unigram_pair):
    generator = random.Random(0)
    pieces = [*"aZe 0.,▁é中，가①½ﬁ\u0301\u0323\u094d\u200d\x01", "<mask>", "<s>", "<unk>", "  "]
    pieces += ["``", "''", "\r\n", "\u3000", "👍🏽", "क", "©", "ﷺ", "\u0600", "\u1161", "İ", "ẞ"]
    texts = ["".join(generator.choices(pieces, k=generator.randint(1, 15))) for _ in range(2000)]
    texts += ["".join(map(chr, generator.choices(ASSIGNED, k=4))) for _ in range(2000)]
    assert unigram_pair.differences(texts) == []


@hypothesis.given(st.data(), st.lists(st.text(max_size=20), min_size=1, max_size=20))
@hypothesis.settings(max_examples=60, deadline=None, derandomize=True)
def test_any_texts(named_unigram_pair, unigram_names, data, texts):
    name = data.draw(st.sampled_from(unigram_names))
    assert named_unigram_pair(name).differences(texts) == []


def test_equally_good_segmentations(unigram_pair):
    words = ["=", "-", "哈", "ha", ".", "ab", "x", "…", "😀"]
    texts = [word * count for word in words for count in (2, 3, 5, 8, 13, 21, 34, 55, 89, 144)]
    assert unigram_pair.differences([*texts, *(f"a{text} b{text}" for text in texts)]) == []


def test_long_texts(unigram_pair):
    sentence = "Größe, 你好 <mask> world! "
    assert (
        unigram_pair.differences([sentence * 3000, "哈" * 2000, "x" * 2000, "", "你好" * 1000])
        == []
    )


def test_bytes_that_are_no_text(unigram_pair):
    generator = random.Random(1)
    alphabet = bytes.fromhex("41 20 5b c3 a9 ed a0 80 f0 9f 98 ff c0 e4 bd f4 90 ef bf be bb 00")
    texts = [bytes(generator.choices(alphabet, k=generator.randint(1, 12))) for _ in range(2000)]
    texts += [
        b"\xed\xa0\x80",
        b"\xff<mask>\xfe",
        b"\xc0\x80",
        b"\xf4\x90\x80\x80",
        b"\xef\xbb\xbfa",
    ]
    assert unigram_pair.differences(texts) == []


def test_no_text(unigram_pair):
    assert unigram_pair.differences([]) == []

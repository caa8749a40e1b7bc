"""Ids and character offsets on texts that break tokenizers, against the reference."""

from __future__ import annotations

import random
import unicodedata

import pytest
from tokenizers.normalizers import BertNormalizer

STRIP_ACCENTS = BertNormalizer(
    clean_text=True, handle_chinese_chars=True, strip_accents=True, lowercase=False
)
CASES = [{"do_lower_case": True}, {"do_lower_case": False}]
SLOW_CASES = [
    {"do_lower_case": True, "strip_accents": False},
    {"do_lower_case": False, "strip_accents": True},
    {"do_lower_case": True, "tokenize_chinese_chars": False},
]
ALL_CASES = [*CASES, *(pytest.param(case, marks=pytest.mark.slow) for case in SLOW_CASES)]
ASSIGNED = [
    point
    for point in range(0x110000)
    if not 0xD800 <= point <= 0xDFFF and unicodedata.category(chr(point)) not in ("Cn", "Co")
]
WORDS = {
    "latin": "x",
    "accent": "é",
    "decomposed": "e\u0301",
    "cyrillic": "п",
    "chinese": "中",
    "emoji": "😀",
    "hangul": "각",
    "old hangul": "각",
}
TEXTS = [
    "",
    " ",
    "\x00",
    "a\x00b",
    "\u200b\u200d\u00ad\ufeff",
    "\ue000\ue001\uf8ff\U000f0000\U0010ffff",
    "e\u0301\u0323 \u0301 a\u0301\u0302\u0303\u0304b",
    "👩\u200d🔬 👩🏽\u200d❤\ufe0f\u200d💋\u200d👨🏾 🇩🇪🇫🇷 1\ufe0f\u20e3",
    "\u1112\u1161\u11ab 한 한글 \u3131\u314f",
    "שָׁלוֹם עֲלֵיכֶם \u202eabc\u202c مَرْحَبًا بِكُمْ",
    "İstanbul IĞDIR ıi ẞß ΑΣ ΣΑΣ ΌΣΟΣ ǅ ﬁ ﬀ Ω Å",
    "你好，世界！ 全角ＡＢＣ１２３。「引用」・ㇱ",
    "a\u2028b\u2029c\u0085d\u000be\u000cf\u001cg\u00a0h\u3000i\u1680j\u180ek",
    "[MASK]",
    "a[MASK]b",
    "[mask] [Mask] [MASK [MASK]] [[MASK]]",
    "[CLS][SEP][PAD][UNK][MASK]",
    "é[MASK]\u0301é 中[SEP]中",
    "##ing ## # [unused1] foo##bar",
    "$1.50 a_b c|d e^f `g` ~h <i> j=k l+m",
    "\u00a1¿§¶†‡•…‰′″‹›⁂№℠™©®°±×÷",
    "x" * 99 + "ß" + " " + "x" * 100 + "ß",
]


@pytest.fixture(params=ALL_CASES, ids=lambda case: ",".join(f"{k}={v}" for k, v in case.items()))
def pair(request, make_pair):
    return make_pair(**request.param)


def test_odd_texts(pair):
    assert pair.differences(TEXTS) == []


@pytest.mark.parametrize("name", WORDS)
def test_long_words(pair, name):
    word = WORDS[name]
    texts = [word * count for count in (1, 2, 33, 34, 50, 51, 99, 100, 101, 300, 5000)]
    texts += [f"a {text}[MASK]{text}, b" for text in texts]
    assert pair.differences(texts) == []


@pytest.mark.parametrize(
    ("form", "step"), [("a{}b", 1), ("{}", 41), pytest.param("{}", 1, marks=pytest.mark.slow)]
)
def test_every_assigned_code_point(pair, form, step):
    assert pair.differences([form.format(chr(point)) for point in ASSIGNED[::step]]) == []


def test_random_mixtures(pair):
    generator = random.Random(0)
    marks = [p for p in ASSIGNED if unicodedata.category(chr(p)) == "Mn"][:200]
    pieces = [*"aZ 0.,[]é中，가", "[MASK]", "\x00", "\u200d", "👍🏽", "##", "\ue001", "\ufffd"]
    pieces += [chr(point) for point in generator.sample(marks, 30)]
    texts = ["".join(generator.choices(pieces, k=generator.randint(1, 15))) for _ in range(5000)]
    texts += ["".join(map(chr, generator.choices(ASSIGNED, k=4))) for _ in range(5000)]
    different = pair.differences(texts)
    assert [text for text, *_ in different if not _reorders(text)] == []


def test_reordered_marks_differ_in_offsets_alone(make_pair):
    texts = ["a\u0345\u302eb", "\U0001d15f\u0334", "ᬓ\u1b44\u1b34", "a\u0301\u302e\u0323b"]
    pair = make_pair()
    ids = pair.ours(texts)["input_ids"].to_list()
    assert ids == [encoding.ids for encoding in pair.theirs.encode_batch(texts)]


def test_bytes_that_are_no_text(pair):
    generator = random.Random(1)
    alphabet = bytes.fromhex("41 20 5b c3 a9 ed a0 80 f0 9f 98 ff c0 e4 bd f4 90 ef bf be bb 00")
    texts = [bytes(generator.choices(alphabet, k=generator.randint(1, 12))) for _ in range(10_000)]
    texts += [
        b"\xed\xa0\x80",
        b"\xff[MASK]\xfe",
        b"\xc0\x80",
        b"\xf4\x90\x80\x80",
        b"\xef\xbb\xbfa",
    ]
    assert pair.differences(texts) == []


def test_lone_surrogates_count_as_replacement_characters(make_pair):
    pair = make_pair()
    got = pair.ours("a\ud800b \udc00 \ude00\ud83d", return_offsets_mapping=True)
    encoding = pair.theirs.encode("a\ufffdb \ufffd \ufffd\ufffd")
    assert got["input_ids"].to_list() == [encoding.ids]
    assert [tuple(span) for span in got["offset_mapping"].to_list()[0]] == encoding.offsets


def test_a_megabyte(make_pair):
    sentence = "Größe, 你好 [MASK] world! "
    text = sentence * (1_000_000 // len(sentence.encode()) + 1)
    assert len(text.encode()) >= 1_000_000
    assert make_pair().differences([text, "x" * 1_000_000]) == []


def _reorders(text: str) -> bool:
    """Whether NFD may move a mark that the reference keeps where it deletes accents."""
    marks = (character for character in text if unicodedata.combining(character))
    return any(STRIP_ACCENTS.normalize_str(mark) for mark in marks)

"""Ids and character offsets on texts that break tokenizers, against the reference."""

from __future__ import annotations

import itertools
import random
import unicodedata

import hypothesis
import hypothesis.strategies as st
import pytest

from keras_bert_zoo.data.tweets import load_tweets

pytestmark = pytest.mark.parity
ASSIGNED = [
    point
    for point in range(0x110000)
    if not 0xD800 <= point <= 0xDFFF and unicodedata.category(chr(point)) not in ("Cn", "Co")
]
SPACES = [*" \t\n\r\x0b\x0c\x85\xa0\u1680\u2003\u2028\u3000", "\x1c", "\u200b", "\ufeff"]
LITERALS = ["<mask>", "<s>", "</s>", "[MASK]", "[CLS]", "[unused0]", "|||IP|||", "<mask", "mask>"]
PIECES = [*"aZ 09.,'\"_é中，가ñ", "'s", "'ll", "'S", "n't", "the", " the", "\x00", "\u200d"]
PIECES += ["👍🏽", "\ue001", "\ufffd", "²", "½", "Ⅷ", "\u0301", "e\u0301", *SPACES, *LITERALS]
TEXTS = [
    "",
    " ",
    "  ",
    "\n",
    " \n \n",
    "\x00",
    "a\x00b",
    "a  b   c    d\n\n  e \t f  ",
    " leading and trailing  ",
    "it's I'm we'll they've you're he'd IT'S 's 'll  's ''s '' 'x don't",
    "a 's b  's c '  's",
    "1234567890 12a3 ½²Ⅷ ٣٤٥ 一二三",
    "\u200b\u200d\u00ad\ufeff",
    "\ue000\ue001\uf8ff\U000f0000\U0010ffff",
    "👩\u200d🔬 👩🏽\u200d❤\ufe0f\u200d💋\u200d👨🏾 🇩🇪🇫🇷 1\ufe0f\u20e3",
    "\u1112\u1161\u11ab\u1112\u1161 한 한글 \u3131\u314f",
    "e\u0301x q\u0301 A\u030a\u212b \u0344 \u0958 \ufb1d Ω",
    "שָׁלוֹם עֲלֵיכֶם \u202eabc\u202c مَرْحَبًا بِكُمْ",
    "İstanbul IĞDIR ıi ẞß ΑΣ ΌΣΟΣ ǅ ﬁ ﬀ Ω Å",
    "你好，世界！ 全角ＡＢＣ１２３。「引用」・ㇱ",
    "a\u2028b\u2029c\u0085d\u000be\u000cf\u001cg\u00a0h\u3000i\u1680j\u180ek",
    "<mask>",
    "a<mask>b",
    "a <mask> b",
    "a  \n\t <mask>  b<mask><mask> <mask>",
    "\u3000\xa0<mask>\u3000x",
    "<s><pad></s><unk>",
    "<mask <<mask>> <MASK> < mask> <s<s>",
    " <s> x </s> ",
    "[CLS][SEP][PAD][UNK][MASK] [MASK]  [MASK]",
    "[MASK]\u0338 ]\u0338 [MASK]\u0301e\u0301",
    "x    [MASK]      y          z[unused0]|||IP||| |||IP|||",
    "\u0120 Ġ ĠĠ Ċ Â é",
    "https://example.com/a?b=c&d=%20#e @user #tag :-) <3 ...!!!???",
    "x" * 99 + "ß" + " " + "=" * 700,
]


def test_odd_texts(pair):
    assert pair.differences(TEXTS) == []


def test_real_texts(pair):
    assert pair.differences([tweet.text for tweet in load_tweets()["test"][:300]]) == []


def test_long_words(pair):
    words = ("x", "é", "中", "😀", "ab", "the", "=", " ", "\n", "e\u0301")
    texts = [word * count for word in words for count in (1, 2, 7, 33, 100, 300)]
    texts += [f"a {text}<mask>{text}[MASK], b" for text in texts]
    texts += [word * 3001 for word in words]
    assert pair.differences(texts) == []


@pytest.mark.parametrize("form", ["{0}", "a{0}b", "1{0}{0}1", "  {0} {0}'s"])
@pytest.mark.parametrize(
    "step", [41, pytest.param(1, marks=pytest.mark.slow)], ids=["sample", "all"]
)
@pytest.mark.parametrize("kind", ["roberta", "modernbert"])
def test_every_assigned_code_point(make_pair, kind, form, step):
    # Twice in a row it has four marks, see docs/tokenizer.md.
    texts = [form.format(chr(point)) for point in ASSIGNED[::step]]
    texts = [text for text in texts if "\u0344\u0344" not in text]
    assert make_pair(kind).differences(texts) == []


def test_random_mixtures(pair):
    generator = random.Random(0)
    texts = ["".join(generator.choices(PIECES, k=generator.randint(1, 15))) for _ in range(1500)]
    texts += ["".join(map(chr, generator.choices(ASSIGNED, k=4))) for _ in range(1500)]
    if pair.ours.options.normalizer:
        texts = [text for text in texts if not _reorders(text)]
    assert pair.differences(texts) == []


@hypothesis.given(st.lists(st.text(max_size=30) | st.sampled_from(PIECES), max_size=12))
@hypothesis.settings(max_examples=60, deadline=None, derandomize=True)
def test_any_text(make_pair, parts):
    text = "".join(parts)
    for kind in ("roberta", "prefix", "modernbert"):
        if not (kind == "modernbert" and _reorders(text)):
            assert make_pair(kind).differences([text]) == []


def test_reordered_marks_differ_in_offsets_alone(make_pair):
    texts = ["a\u0345\u0301b", "a\u0301\u0323b", "e\u0301\u0327 \u0323\u0301", "ᬓ\u1b44\u1b34"]
    pair = make_pair("modernbert")
    ids = pair.ours(texts)["input_ids"].to_list()
    assert ids == [encoding.ids for encoding in pair.theirs.encode_batch(texts)]


@pytest.mark.parametrize("kind", ["roberta", "modernbert"])
def test_bytes_that_are_no_text(make_pair, kind):
    generator = random.Random(1)
    alphabet = bytes.fromhex("41 20 3c c3 a9 ed a0 80 f0 9f 98 ff fe c0 e4 bd f4 90 ef bf be bb 00")
    texts = [bytes(generator.choices(alphabet, k=generator.randint(1, 12))) for _ in range(3000)]
    alone = [b"\xed\xa0\x80", b"\xff<mask>\xfe", b"\xc0\x80", b"\xf4\x90\x80\x80", b"\xfe\xff"]
    pair = make_pair(kind)
    assert pair.differences(texts) == []
    # Each in a batch of its own, so that nothing else in it is a reason to look for such bytes.
    assert [pair.differences([text]) for text in alone] == [[]] * len(alone)


@pytest.mark.slow
def test_a_megabyte(make_pair):
    sentence = "Größe, 你好 <mask>  world! "
    text = sentence * (1_000_000 // len(sentence.encode()) + 1)
    generator = random.Random(2)
    word = "".join(generator.choices("acgt", k=200_000))
    texts = [text, "x" * 1_000_000, word, *["short"] * 100]
    assert make_pair("roberta").differences(texts) == []


def _reorders(text: str) -> bool:
    """Whether normalising may move marks, or knows some that one of the two does not."""
    marks = [unicodedata.combining(c) for c in unicodedata.normalize("NFD", text)]
    together = any(first and second for first, second in itertools.pairwise(marks))
    return together or any(unicodedata.category(c) == "Cn" for c in text)

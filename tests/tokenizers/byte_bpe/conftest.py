"""Byte-level BPE tokenizers of the reference, and ours read from their files."""

from __future__ import annotations

import functools
import json
import pathlib
from collections.abc import Callable, Sequence

import pytest
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers
from tokenizers.implementations import ByteLevelBPETokenizer
from tokenizers.processors import ByteLevel, RobertaProcessing, TemplateProcessing
from tokenizers.processors import Sequence as Steps

from keras_bert_zoo.data.tweets import load_tweets
from keras_bert_zoo.tokenizers import ByteBpeTokenizer, load_tokenizer

ROBERTA = ("<s>", "<pad>", "</s>", "<unk>")
# As ModernBERT's: several spaces are tokens, looked for in the normalised text.
SPACES = [" " * count for count in range(24, 1, -1)]
BERT = ("[UNK]", "[CLS]", "[SEP]", "[PAD]")
OTHERS = """def f(x):\n    return {"a": x ** 2}  # größer als 我们 你好，世界！
Ελληνικά кириллица العربية עברית हिन्दी ไทย 한국어 日本語 😀👍🏽 naïve café""".splitlines()


@functools.cache
def trained(size: int = 2000) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """A vocabulary and its merges, of tweets and a little of everything."""
    texts = [tweet.text for tweet in load_tweets()["train"][:1500]] + OTHERS * 5
    trainer = ByteLevelBPETokenizer()
    trainer.train_from_iterator(texts, size, min_frequency=2, show_progress=False)
    model = json.loads(trainer.to_str())["model"]
    return model["vocab"], [tuple(pair) for pair in model["merges"]]


def tokenizer_of(
    first: Sequence[str] = (),
    last: Sequence[str] = (),
    *,
    add_prefix_space: bool = False,
    ignore_merges: bool = False,
) -> Tokenizer:
    """The reference without special tokens; ``first`` and ``last`` are in its vocabulary."""
    vocabulary, merges = trained()
    words = [*first, *sorted(vocabulary, key=vocabulary.__getitem__), *last]
    ids = {word: index for index, word in enumerate(words)}
    tokenizer = Tokenizer(models.BPE(vocab=ids, merges=merges, ignore_merges=ignore_merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=add_prefix_space)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def add_special(tokenizer: Tokenizer, specials: Sequence[str], mask: str) -> None:
    tokenizer.add_special_tokens([AddedToken(token, normalized=False) for token in specials])
    tokenizer.add_special_tokens([AddedToken(mask, lstrip=True, normalized=False)])


def roberta(*, trim_offsets: bool = True, **options: bool) -> Tokenizer:
    tokenizer = tokenizer_of(ROBERTA, ["<mask>"], **options)
    add_special(tokenizer, ROBERTA, "<mask>")
    ends = [(token, tokenizer.token_to_id(token)) for token in ("</s>", "<s>")]
    prefix = options.get("add_prefix_space", False)
    tokenizer.post_processor = RobertaProcessing(
        *ends, trim_offsets=trim_offsets, add_prefix_space=prefix
    )
    return tokenizer


def modernbert(*, second_type: int = 0, trim: bool = False) -> Tokenizer:
    """All special tokens are beyond the vocabulary of the model."""
    tokenizer = tokenizer_of()
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.add_tokens([AddedToken(spaces, normalized=True) for spaces in SPACES])
    tokenizer.add_tokens([AddedToken("|||IP|||", normalized=True)])
    add_special(tokenizer, BERT, "[MASK]")
    tokenizer.add_special_tokens([AddedToken("[unused0]", rstrip=True, normalized=False)])
    template = bert_template(tokenizer, second_type)
    trimming = ByteLevel(add_prefix_space=False, trim_offsets=True)
    tokenizer.post_processor = Steps([trimming, template]) if trim else template
    return tokenizer


def deberta() -> Tokenizer:
    """RoBERTa's vocabulary in BERT's rows."""
    tokenizer = tokenizer_of(BERT, ["[MASK]"])
    add_special(tokenizer, BERT, "[MASK]")
    tokenizer.post_processor = bert_template(tokenizer, second_type=1)
    return tokenizer


def bert_template(tokenizer: Tokenizer, second_type: int) -> TemplateProcessing:
    return TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair=f"[CLS]:0 $A:0 [SEP]:0 $B:{second_type} [SEP]:{second_type}",
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in ("[CLS]", "[SEP]")],
    )


KINDS: dict[str, Callable[[], Tokenizer]] = {
    "roberta": roberta,
    "untrimmed": lambda: roberta(trim_offsets=False),
    "prefix": lambda: roberta(add_prefix_space=True),
    "prefix untrimmed": lambda: roberta(add_prefix_space=True, trim_offsets=False),
    "whole words": lambda: roberta(ignore_merges=True),
    "modernbert": modernbert,
    "types and trimmed": lambda: modernbert(second_type=1, trim=True),
    "deberta": deberta,
}


class Pair:
    """Our tokenizer, read from the files of the reference, and the reference."""

    def __init__(self, theirs: Tokenizer, directory: pathlib.Path) -> None:
        self.directory, self.theirs = directory, theirs
        theirs.save(str(directory / "tokenizer.json"))
        self.ours: ByteBpeTokenizer = load_tokenizer(directory)

    def differences(self, texts: Sequence[str | bytes]) -> list[tuple]:
        """Texts whose ids or offsets differ."""
        decoded = [t if isinstance(t, str) else t.decode("utf-8", "replace") for t in texts]
        got = self.ours(texts, return_offsets_mapping=True)
        ids, offsets = got["input_ids"].to_list(), got["offset_mapping"].to_list()
        return [
            (texts[i], encoding.tokens, encoding.offsets, offsets[i])
            for i, encoding in enumerate(self.theirs.encode_batch(decoded))
            if encoding.ids != ids[i] or [list(span) for span in encoding.offsets] != offsets[i]
        ]


@pytest.fixture(scope="session")
def make_pair(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Pair]:
    """Builds the ``Pair`` of a kind, once."""
    return functools.cache(lambda kind: Pair(KINDS[kind](), tmp_path_factory.mktemp("tokenizer")))


@pytest.fixture(scope="session", params=KINDS)
def pair(request: pytest.FixtureRequest, make_pair: Callable[[str], Pair]) -> Pair:
    return make_pair(request.param)

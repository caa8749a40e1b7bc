"""Pipelines as published tokenizers have them, over vocabularies trained here."""

from __future__ import annotations

import base64
import functools
import io
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import tensorflow as tf
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from keras_bert_zoo.tokenizers.template import Template
from keras_bert_zoo.tokenizers.unigram import spiece
from keras_bert_zoo.tokenizers.unigram.pipeline import Pipeline
from keras_bert_zoo.tokenizers.unigram.segmenter import UnigramSegmenter

DOCS = pathlib.Path(__file__).parents[3] / "docs"
SENTENCES = [
    "Le cœur a ses raisons que la raison ne connaît point ; l'été, à Noël, où çà et là.",
    "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich, 1.234,56 €.",
    "Příliš žluťoučký kůň úpěl ďábelské ódy. Trăm năm trong cõi người ta.",
    "Съешь же ещё этих мягких французских булок, да выпей чаю. Ξεσκεπάζω την ψυχοφθόρα βδελυγμία.",
    "你好，世界！今天天气很好，我们一起去公园玩吧。哈哈哈哈，机器学习是人工智能的一个分支。",
    "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。カタカナ、ﾊﾝｶｸ。",
    "다람쥐 헌 쳇바퀴에 타고파. 키스의 고유조건은 입술끼리 만나야 하고.",
    "صِف خَلقَ خَودِ كَمِثلِ الشَمسِ إِذ بَزَغَت. עטלף אבק נס דרך מזגן שהתפוצץ",
    "ऋषियों को सताने वाले दुष्ट राक्षसों का सर्वनाश। เป็นมนุษย์สุดประเสริฐเลิศคุณค่า",
    "😀 😃 👩‍🔬 👍🏽 ❤️ 🇩🇪 ½ ① ﬁ ™ … — “quoted” ''double'' ``back``",
]
SPECIALS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
METASPACE = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
ONE_SPACE = {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}
LSTRIP = {"<mask>": {"lstrip": True}}
STRIP = {"type": "Strip", "strip_left": True, "strip_right": True}


@functools.cache
def corpus() -> list[str]:
    files = sorted(DOCS.glob("*.md"))
    return SENTENCES * 20 + [line for file in files for line in file.read_text("utf-8").split("\n")]


@functools.cache
def trained() -> tuple[tuple[str, float], ...]:
    """A vocabulary of 2,000 pieces."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=2000, special_tokens=list(SPECIALS), unk_token="<unk>", show_progress=False
    )
    # Special tokens that the documentation mentions must not become pieces of their own.
    texts = [text for text in corpus()[::2] if "<" not in text]
    tokenizer.train_from_iterator(texts, trainer)
    return tuple(map(tuple, json.loads(tokenizer.to_str())["model"]["vocab"]))


@functools.cache
def precompiled(rule: str = "nmt_nfkc") -> dict[str, str]:
    """The map of characters that published models hold."""
    sentencepiece = pytest.importorskip("sentencepiece")
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["a b c d"] * 10),
        model_writer=model,
        vocab_size=8,
        hard_vocab_limit=False,
        normalization_rule_name=rule,
        minloglevel=2,
    )
    charsmap = base64.b64encode(spiece.read(model.getvalue()).charsmap).decode()
    return {"type": "Precompiled", "precompiled_charsmap": charsmap}


def pipeline(
    normalizers: Sequence[Mapping] = (),
    pre_tokenizers: Sequence[Mapping] = (METASPACE,),
    flags: Mapping[str, Mapping[str, bool]] = LSTRIP,
    **model: Any,
) -> dict[str, Any]:
    """The content of a ``tokenizer.json``."""
    vocabulary = model.pop("vocab", trained())
    added = [
        {
            "id": [piece for piece, _ in vocabulary].index(token),
            "content": token,
            **dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False),
            "special": True,
            **flags.get(token, {}),
        }
        for token in SPECIALS
        if token in dict(vocabulary)
    ]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": {"type": "Sequence", "normalizers": list(normalizers)},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": list(pre_tokenizers)},
        "post_processor": None,
        "decoder": METASPACE,
        "model": {"type": "Unigram", "unk_id": 3, "byte_fallback": False, "vocab": list(vocabulary)}
        | model,
    }


def _replace(old: str, new: str) -> dict[str, Any]:
    return {"type": "Replace", "pattern": {"String": old}, "content": new}


def _with_bytes() -> list[tuple[str, float]]:
    """The vocabulary with the 256 bytes, and without the letters of some scripts."""
    kept = [(p, s) for p, s in trained() if not any("а" <= c <= "я" or c >= "一" for c in p)]
    return kept + [(f"<0x{byte:02X}>", -15.0) for byte in range(256)]


PIPELINES = {
    # XLM-R, CamemBERT and multilingual-e5.
    "xlm-r": lambda: pipeline([precompiled()], [{"type": "WhitespaceSplit"}, METASPACE]),
    # bge-m3.
    "bge-m3": lambda: pipeline([precompiled(), ONE_SPACE]),
    "albert": lambda: pipeline(
        [
            _replace("``", '"'),
            _replace("''", '"'),
            {"type": "NFKD"},
            {"type": "StripAccents"},
            {"type": "Lowercase"},
            precompiled(),
            ONE_SPACE,
        ],
        [{"type": "WhitespaceSplit"}, METASPACE],
    ),
    "deberta-v3": lambda: pipeline(
        [STRIP, precompiled(), ONE_SPACE], flags={"<unk>": {"normalized": True}}
    ),
    # What transformers 5 saves for DeBERTa.
    "deberta-nfc": lambda: pipeline(
        [
            {"type": "Replace", "pattern": {"Regex": "\\s{2,}|[\\n\\r\\t]"}, "content": " "},
            {"type": "NFC"},
            {"type": "Strip", "strip_left": False, "strip_right": True},
        ]
    ),
    # What transformers converts a SentencePiece model to.
    "converted": lambda: pipeline(
        [
            precompiled("nmt_nfkc_cf"),
            {"type": "Strip", "strip_left": False, "strip_right": True},
            {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": "▁"},
        ]
    ),
    # What tokenizers' own SentencePieceUnigramTokenizer does.
    "trained": lambda: pipeline(
        [{"type": "Nmt"}, {"type": "NFKC"}, ONE_SPACE, {"type": "Lowercase"}],
        flags={"<mask>": {"rstrip": True, "normalized": True}, "<s>": {"normalized": True}},
    ),
    "bytes": lambda: pipeline(
        [{"type": "Prepend", "prepend": "▁"}, _replace(" ", "▁"), {"type": "NFD"}],
        [],
        {},
        vocab=_with_bytes(),
        byte_fallback=True,
    ),
    "first": lambda: pipeline(
        [{"type": "Strip", "strip_left": True, "strip_right": False}],
        [METASPACE | {"prepend_scheme": "first", "split": False}],
        {"<mask>": {"lstrip": True, "rstrip": True}, "</s>": {"lstrip": True}},
    ),
    "nothing": lambda: pipeline([], []),
}


class Pair:
    """Our segmenter and the reference, of the same content."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self.content = content
        self.source = Pipeline(content)
        self.ours = UnigramSegmenter(self.source)
        self.theirs = Tokenizer.from_str(json.dumps(content))

    def differences(self, texts: Sequence[str | bytes]) -> list[tuple]:
        """Texts whose ids or spans differ."""
        decoded = [t if isinstance(t, str) else t.decode("utf-8", "replace") for t in texts]
        raw = [t.encode() if isinstance(t, str) else t for t in texts]
        pieces = self.ours(tf.constant(raw, tf.string), with_spans=True)
        ids, spans = pieces.ids.to_list(), pieces.spans.to_list()
        return [
            (texts[i], encoding.tokens, encoding.ids, ids[i], encoding.offsets, spans[i])
            for i, encoding in enumerate(
                self.theirs.encode_batch(decoded, add_special_tokens=False)
            )
            if encoding.ids != ids[i] or [list(span) for span in encoding.offsets] != spans[i]
        ]


@functools.cache
def named_pair(name: str) -> Pair:
    return Pair(PIPELINES[name]())


@pytest.fixture(scope="session", params=PIPELINES)
def unigram_pair(request) -> Pair:
    """Every pipeline, built once."""
    return named_pair(request.param)


@pytest.fixture(scope="session")
def named_unigram_pair():
    """One of the pipelines by name."""
    return named_pair


@pytest.fixture(scope="session")
def unigram_names() -> list[str]:
    """Those of the pipelines."""
    return [*PIPELINES]


@pytest.fixture(scope="session")
def unigram_corpus() -> list[str]:
    """Every third line of what the vocabulary was trained on."""
    return SENTENCES + corpus()[len(SENTENCES) * 20 :: 3]


@pytest.fixture(scope="session")
def make_unigram_pair():
    """Builds a ``Pair`` for the content of a ``tokenizer.json``."""
    return Pair


@pytest.fixture(scope="session")
def make_pipeline():
    """Builds the content of a ``tokenizer.json``."""
    return pipeline


@pytest.fixture(scope="session")
def make_unigram_content():
    """Builds the content of a ``tokenizer.json`` by its name in ``PIPELINES``, with a template."""

    def build(name: str) -> dict[str, Any]:
        template = Template.roberta if name == "xlm-r" else Template.bert
        ids = {"<s>": 0, "</s>": 2}
        return PIPELINES[name]() | {"post_processor": template("<s>", "</s>").to_json(ids)}

    return build

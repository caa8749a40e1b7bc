"""examples/web: the tokenizer in Node, and the page in headless Chromium."""

from __future__ import annotations

import itertools
import json
import random
import runpy
import shutil

import pytest
import tokenizers

from keras_bert_zoo.data.tweets import load_tweets
from keras_bert_zoo.tokenizers import WordPieceTokenizer

from . import edge_clients as clients

pytestmark = pytest.mark.clients
SENTENCES = (
    "It's a charming and often affecting journey.",
    "Bleak, desperate café society: 你好！",
)


@pytest.fixture(scope="module")
def torture() -> dict:
    return runpy.run_path(str(clients.ROOT / "tests/tokenizers/test_tokenizer_torture.py"))


@pytest.fixture(scope="module", params=[True, False], ids=["lower-cased", "cased"])
def tokenizer(request, tmp_path_factory):
    """Ours, and the file it wrote."""
    vocabulary = clients.classifier().tokenizer.vocabulary
    ours = WordPieceTokenizer(vocabulary, do_lower_case=request.param)
    directory = tmp_path_factory.mktemp("tokenizer")
    ours.save(directory)
    return ours, directory / "tokenizer.json"


def different(tokenizer, texts: list[str]) -> list:
    """Texts to which JavaScript gives other ids than ours or Hugging Face's."""
    ours, path = tokenizer
    found = clients.node("tokenize.mjs", {"tokenizer": str(path), "texts": texts})
    reference = tokenizers.Tokenizer.from_file(str(path)).encode_batch(texts)
    mine = ours(texts)["input_ids"].to_list()
    rows = zip(texts, found, mine, reference, strict=True)
    return [text for text, js, own, theirs in rows if not js == own == theirs.ids]


def test_every_code_point(tokenizer, torture):
    points = [chr(point) for point in torture["ASSIGNED"]]
    assert different(tokenizer, [f"a{c}b {c}" for c in points]) == []


def test_code_points_that_nothing_is_assigned_to(tokenizer, torture):
    assigned = set(torture["ASSIGNED"])
    points = [p for p in range(0x110000) if not 0xD800 <= p < 0xE000 and p not in assigned]
    texts = [f"a{chr(point)}b" for point in random.Random(2).sample(points, 20_000)]
    assert different(tokenizer, texts) == []


def test_odd_texts_and_long_words(tokenizer, torture):
    texts = list(torture["TEXTS"])
    counts = (1, 2, 33, 34, 50, 51, 99, 100, 101, 300)
    texts += [word * n for word, n in itertools.product(torture["WORDS"].values(), counts)]
    texts += [f"a {text}[MASK]{text}, b" for text in texts]
    assert different(tokenizer, texts) == []


def test_random_mixtures(tokenizer, torture):
    generator = random.Random(6)
    pieces = [
        *"aZ 0.,[]é中，가Σς",
        "[MASK]",
        "\x00",
        "\u200d",
        "👍🏽",
        "##",
        "\ue001",
        "\ufffd",
        "ing",
    ]
    texts = ["".join(generator.choices(pieces, k=generator.randint(1, 20))) for _ in range(10_000)]
    assert different(tokenizer, texts) == []


def test_tweets(tokenizer):
    texts = [tweet.text for split in load_tweets().values() for tweet in split]
    assert len(texts) > 10_000
    assert different(tokenizer, texts) == []


def test_lone_surrogates_are_deleted_as_ours_are(tokenizer):
    ours, path = tokenizer
    texts = ["a\ud800b", "\udc00 x \ud83d"]
    found = clients.node("tokenize.mjs", {"tokenizer": str(path), "texts": texts})
    assert found == ours(texts)["input_ids"].to_list()


def test_foreign_tokenizer_is_refused(tokenizer, tmp_path):
    _, path = tokenizer
    content = json.loads(path.read_text(encoding="utf-8"))
    content["model"]["type"] = "BPE"
    (tmp_path / "tokenizer.json").write_text(json.dumps(content))
    request = {"tokenizer": str(tmp_path / "tokenizer.json"), "texts": ["a"]}
    with pytest.raises(RuntimeError, match="model is BPE, expected WordPiece"):
        clients.node("tokenize.mjs", request)


@pytest.mark.parametrize("metadata", [None, "mediapipe"], ids=["logits", "scores"])
def test_typed_text_gets_the_label_that_python_gives(metadata, tmp_path):
    artifact = clients.artifacts("classifier", metadata=metadata)["tflite-int8"]
    request = {"model": str(artifact.path), "type": SENTENCES, "screenshot": f"{tmp_path}/page.png"}
    seen = clients.node("browser.mjs", request)
    assert (seen["foreign"], seen["errors"]) == ([], [])
    expected = clients.keras_outputs(clients.classifier(), SENTENCES)
    for result, scores in zip(seen["answer"], expected, strict=True):
        label, value = result["scores"][0]
        assert label == clients.LABELS[scores.argmax()]
        # int8 against float32, and three digits on the page.
        assert float(value) == pytest.approx(scores.max(), abs=0.05)
    words = seen["answer"][1]["tokens"]
    assert words[:5] == ["[CLS]", "bleak", ",", "desperate", "cafe"]
    assert (tmp_path / "page.png").stat().st_size > 10_000


def test_the_page_says_what_is_wrong(tmp_path):
    artifact = clients.artifacts("classifier", metadata="mediapipe")["tflite-int8"]
    shutil.copytree(artifact.path, tmp_path / "model")
    manifest = json.loads((tmp_path / "model/manifest.json").read_text())
    manifest["signatures"][0]["inputs"][0]["axes"] = [1, "sequence"]
    (tmp_path / "model/manifest.json").write_text(json.dumps(manifest))
    seen = clients.node("browser.mjs", {"model": str(tmp_path / "model"), "type": []})
    assert seen["status"] == "The model has an open length. Export it with one: --lengths 128."


def test_the_example_and_the_tests_use_one_version_of_litert():
    packages = [clients.ROOT / "examples/web", clients.HERE]
    versions = [json.loads((p / "package.json").read_text())["dependencies"] for p in packages]
    assert len({version["@litertjs/core"] for version in versions}) == 1

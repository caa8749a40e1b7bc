"""MediaPipe Tasks load the files unchanged and return what Keras returns."""

from __future__ import annotations

import pathlib
import random
import runpy
import types

import numpy as np
import pytest

from keras_bert_zoo.export.formats import FORMATS
from keras_bert_zoo.export.tflite.mediapipe import INPUTS
from keras_bert_zoo.export.tflite.mediapipe_tokenizer import MediaPipeTokenizer, different_texts
from keras_bert_zoo.export.tflite.metadata import TextModel, attach

from . import edge_clients as clients

pytestmark = pytest.mark.clients
# About twice what was seen on these texts; float32 was within 3e-7.
TOLERANCES = {"tflite": 1e-4, "tflite-float16": 5e-4, "tflite-int8": 0.03}


@pytest.mark.parametrize("name", TOLERANCES)
def test_text_classifier(name):
    artifact = clients.artifacts("classifier", metadata="mediapipe")[name]
    results = clients.mediapipe("classify", artifact.file, clients.ENGLISH)
    assert all(set(row) == set(clients.LABELS) for row in results)
    scores = np.array([[row[label] for label in clients.LABELS] for row in results])
    expected = clients.keras_outputs(clients.classifier(), clients.ENGLISH)
    assert set(expected.argmax(axis=1)) == {0, 1, 2}
    np.testing.assert_allclose(scores, expected, atol=TOLERANCES[name])


@pytest.mark.parametrize("name", TOLERANCES)
def test_text_embedder(name):
    options = {"metadata": "mediapipe", "normalize": True}
    artifact = clients.artifacts("encoder", **options)[name]
    vectors = np.array(clients.mediapipe("embed", artifact.file, clients.ENGLISH))
    expected = clients.keras_outputs(clients.encoder(), clients.ENGLISH)
    np.testing.assert_allclose(vectors, expected, atol=TOLERANCES[name])
    assert (vectors * expected).sum(axis=1).min() > 0.99


def test_its_own_reader_understands_the_metadata():
    artifact = clients.artifacts("classifier", metadata="mediapipe")["tflite-int8"]
    shown = clients.mediapipe("display", artifact.file)
    assert shown["files"] == {
        "labels.txt": "".join(f"{label}\n" for label in clients.LABELS),
        "vocab.txt": (artifact.path / "vocab.txt").read_text(encoding="utf-8"),
    }
    (graph,) = shown["metadata"]["subgraph_metadata"]
    assert sorted(each["name"] for each in graph["input_tensor_metadata"]) == sorted(
        INPUTS.values()
    )
    (output,) = graph["output_tensor_metadata"]
    assert output["associated_files"] == [{"name": "labels.txt", "type": "TENSOR_AXIS_LABELS"}]
    (unit,) = graph["input_process_units"]
    assert unit["options_type"] == "BertTokenizerOptions"
    assert unit["options"] == {"vocab_file": [{"name": "vocab.txt", "type": "VOCABULARY"}]}
    assert shown["metadata"]["min_parser_version"] == "1.1.0"


@pytest.fixture(scope="module")
def echo(tmp_path_factory) -> pathlib.Path:
    """A model with MiniLM's vocabulary that returns its three inputs, end to end."""
    import keras

    inputs = {name: keras.Input((None,), dtype="int32", name=name) for name in INPUTS}
    rows = [keras.ops.cast(tensor, "float32") for tensor in inputs.values()]
    model = keras.Model(inputs, {"embeddings": keras.ops.concatenate(rows, axis=-1)})
    model.config = types.SimpleNamespace(max_tokens=512)
    path = tmp_path_factory.mktemp("echo") / "model.tflite"
    FORMATS["tflite"].export(types.SimpleNamespace(model=model), path, lengths=[clients.LENGTH])
    vocabulary = clients.classifier().tokenizer.vocabulary
    path.write_bytes(attach(path.read_bytes(), TextModel("echo", INPUTS, "ids", vocabulary)))
    return path


@pytest.fixture(scope="module")
def nasty() -> list[str]:
    """The texts of the tokenizer's own torture, random mixtures, and every class of character."""
    torture = runpy.run_path(str(clients.ROOT / "tests/tokenizers/test_tokenizer_torture.py"))
    generator = random.Random(3)
    points = [p for p in torture["ASSIGNED"] if p]
    texts = [text for text in torture["TEXTS"] if text]
    texts += [word * count for word in torture["WORDS"].values() for count in (1, 33, 34, 50, 101)]
    texts += [f"a{chr(point)}b {chr(point)}" for point in generator.sample(points, 3000)]
    texts += [f"a{chr(point)}b {chr(point)}" for point in range(1, 0x2100)]
    pieces = [*"aZ 0.,[]é中，가\t\n\v", "[MASK]", "\u200d", "👍🏽", "##", "\u00a0", "\x01", "ing"]
    texts += ["".join(generator.choices(pieces, k=generator.randint(1, 90))) for _ in range(2000)]
    return texts


def test_our_copy_of_its_tokenizer_gives_its_ids(echo, nasty):
    vocabulary = clients.classifier().tokenizer.vocabulary
    tokenizer = MediaPipeTokenizer(vocabulary, clients.LENGTH)
    rows = np.array(clients.mediapipe("embed", echo, nasty)).astype(int)
    ids, masks, segments = np.split(rows, 3, axis=1)
    assert not segments.any()
    theirs = [row[mask > 0].tolist() for row, mask in zip(ids, masks, strict=True)]
    assert different_texts(tokenizer, nasty, theirs) == []
    assert not ids[masks == 0].any()


def test_ascii_and_chinese_texts_have_the_ids_of_bert():
    bundle = clients.classifier()
    generator = random.Random(4)
    alphabet = [chr(point) for point in range(0x20, 0x7F)] + [*"好世界，。！"]
    texts = ["".join(generator.choices(alphabet, k=60)) for _ in range(2000)]
    encoded = bundle.tokenizer(texts, truncation=True, max_length=clients.LENGTH)
    ids = encoded["input_ids"].to_list()
    tokenizer = MediaPipeTokenizer(bundle.tokenizer.vocabulary, clients.LENGTH)
    assert different_texts(tokenizer, texts, ids) == []

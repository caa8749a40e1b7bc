"""Models that write, exported: each runtime writes what ``generate`` writes."""

from __future__ import annotations

import string

import numpy as np
import pytest
import tensorflow as tf
from writers import CONFIGS, START, rows, tiny_writer, with_segments

from keras_bert_zoo import generation
from keras_bert_zoo.bundle import Bundle
from keras_bert_zoo.export.artifact import Artifact
from keras_bert_zoo.export.errors import ExportError
from keras_bert_zoo.export.formats import WRITER_FORMATS
from keras_bert_zoo.export.runtimes import open_sessions
from keras_bert_zoo.export.tflite import model as tflite_model
from keras_bert_zoo.export.writing.conversion import write
from keras_bert_zoo.export.writing.litert import LiteRtWriter
from keras_bert_zoo.tokenizers import WordPieceTokenizer

WRITES = {"max_new_tokens": 7}
TWO_SIDED = [kind for kind, values in CONFIGS.items() if "decoder_start_token_id" in values]
# As many words as the tiny models have rows.
WORDS = ("[PAD]", "[SEP]", "[CLS]", "[UNK]", "[MASK]", *string.ascii_lowercase, *"中文你好,.")
WORDS = (*WORDS, *(f"##{letter}" for letter in string.ascii_lowercase[: 61 - len(WORDS)]))


def expected(model, inputs, **options):
    return generation.generate(model, inputs, jit_compile=False, **{**WRITES, **options})


def exported(model, directory, name, *, length=12, tokenizer=None, **options):
    directory.mkdir()
    bundle = Bundle(model, tokenizer, model.config)
    write(bundle, directory, name, {"length": length, "generation": {**WRITES, **options}})
    return directory / WRITER_FORMATS[name].file


@pytest.fixture(scope="module", params=TWO_SIDED)
def model(request):
    return tiny_writer(request.param)


def one(inputs, row):
    count = inputs["attention_mask"][row].sum()
    return {name: values[row : row + 1, :count] for name, values in inputs.items()}


@pytest.mark.parametrize("options", [{}, {"num_beams": 3, "no_repeat_ngram_size": 2}])
@pytest.mark.parametrize("kind", ["marian", "encoder-decoder", "gpt2"])
def test_a_savedmodel_writes(kind, options, tmp_path):
    model = tiny_writer(kind)
    inputs = rows() if kind == "gpt2" else with_segments(model, rows())
    path = exported(model, tmp_path / "a", "writer-savedmodel-ids", **options)
    ids = expected(model, inputs, **options)
    loaded = tf.saved_model.load(str(path)).signatures["ids"]
    tensors = {name: tf.constant(values) for name, values in inputs.items()}
    np.testing.assert_array_equal(loaded(**tensors)["ids"], ids)


def test_both_signatures_of_a_savedmodel(tmp_path):
    model, tokenizer = tiny_writer("encoder-decoder"), WordPieceTokenizer(WORDS)
    path = exported(model, tmp_path / "a", "writer-savedmodel", tokenizer=tokenizer)
    texts = ["a bc, 中文", "好", "xyz."]
    inputs = {name: x.numpy() for name, x in tokenizer(texts, padding=True).items()}
    ids = expected(model, inputs)
    signatures = Artifact.load(tmp_path / "a").signatures
    runs = open_sessions("tensorflow-text", str(path), signatures, 1)
    np.testing.assert_array_equal(runs[0].run(inputs)["ids"], ids)
    found = runs[1].run({"text": np.array(texts, object)})["text"]
    assert found.tolist() == tokenizer.batch_decode(ids, skip_special_tokens=True)
    assert any(found)


def test_a_tflite_file_writes(model, tmp_path):
    writer = LiteRtWriter(exported(model, tmp_path / "a", "writer-tflite"))
    inputs = with_segments(model, rows())
    ids = expected(model, inputs)
    for row in range(len(ids)):
        np.testing.assert_array_equal(writer(one(inputs, row))[0], ids[row])
    with pytest.raises(ValueError, match="at most 12"):
        writer({name: np.ones((1, 13)) for name in inputs})


def test_logits_of_any_text_are_those_of_keras(model, tmp_path):
    """Random models write the same word again: what they score is compared for other words."""
    writer = LiteRtWriter(exported(model, tmp_path / "a", "writer-tflite"))
    inputs = one(with_segments(model, rows()), 1)
    text = np.array([[START, *range(20, 26)]], "int32")
    whole = {"decoder_input_ids": text, "decoder_attention_mask": np.ones_like(text)}
    expected = np.asarray(model({**inputs, **whole})["logits"])[0]
    kept = writer.read(inputs)
    for place, token in enumerate(text[0]):
        logits, kept = writer.step(token, place, kept)
        np.testing.assert_allclose(logits, expected[place], atol=1e-4)


def test_weights_are_in_a_tflite_file_once(model, tmp_path):
    path = exported(model, tmp_path / "a", "writer-tflite")
    weights = sum(weight.numpy().nbytes for weight in model.weights)
    buffers = tflite_model.read(path.read_bytes()).buffers
    stored = sum(len(buffer.data) for buffer in buffers if buffer.data is not None)
    # Fixed positions are no weights, and the rest is scalars and shapes.
    assert weights <= stored < 1.15 * weights


def test_eight_bits_stay_near(model, tmp_path):
    path = exported(model, tmp_path / "a", "writer-tflite-int8")
    writer, inputs = LiteRtWriter(path), with_segments(model, rows())
    assert writer(one(inputs, 0)).shape == (1, 7)


def test_onnx_files_write(model, tmp_path):
    ort = pytest.importorskip("keras_bert_zoo.export.writing.ort")
    pytest.importorskip("tf2onnx")
    writer = ort.OrtWriter(exported(model, tmp_path / "a", "writer-onnx"))
    inputs = with_segments(model, rows())
    np.testing.assert_array_equal(writer(inputs), expected(model, inputs))


def test_what_is_refused(tmp_path):
    model = tiny_writer("gpt2")
    with pytest.raises(ExportError, match="an encoder and a decoder"):
        exported(model, tmp_path / "a", "writer-tflite")
    with pytest.raises(ExportError, match="do_sample"):
        exported(model, tmp_path / "b", "writer-savedmodel-ids", do_sample=True)
    with pytest.raises(ExportError, match="positions of the decoder"):
        exported(model, tmp_path / "c", "writer-savedmodel-ids", max_new_tokens=40)
    with pytest.raises(ExportError, match="Text in and text out"):
        exported(model, tmp_path / "d", "writer-savedmodel")

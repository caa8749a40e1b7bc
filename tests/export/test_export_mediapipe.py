"""TFLite files with MediaPipe's metadata: what is in them, and that they run as before."""

from __future__ import annotations

import dataclasses
import io
import zipfile

import numpy as np
import pytest
from tensorflow.lite.python import schema_py_generated as schema

import keras_bert_zoo
from keras_bert_zoo.data.examples import Examples
from keras_bert_zoo.export import Runner, export, verify
from keras_bert_zoo.export.errors import ExportError
from keras_bert_zoo.export.formats import FORMATS
from keras_bert_zoo.export.tflite.mediapipe import INPUTS
from keras_bert_zoo.export.tflite.mediapipe_tokenizer import MediaPipeTokenizer
from keras_bert_zoo.export.tflite.metadata import ENTRY, TextModel, attach

LENGTH = 80
VOCABULARY = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "caf", "##é", "cafe", "a", "##b", ".", "好")


@pytest.fixture(scope="module")
def plain(keras_bundle, tmp_path_factory) -> bytes:
    """The classifier without metadata."""
    path = tmp_path_factory.mktemp("plain") / "model.tflite"
    FORMATS["tflite"].export(keras_bundle, path, lengths=[LENGTH])
    return path.read_bytes()


@pytest.fixture(scope="module")
def artifacts(bundle, tmp_path_factory):
    output = tmp_path_factory.mktemp("exports")
    formats = ["tflite", "tflite-int8"]
    return export(
        bundle, output, formats, lengths=LENGTH, metadata="mediapipe", progress=False
    )  # fmt: skip


@pytest.fixture(scope="module")
def description() -> TextModel:
    return TextModel("bert", INPUTS, "scores", ("[PAD]", "[UNK]"), ("yes", "no"))


def read(content: bytes) -> schema.ModelT:
    return schema.ModelT.InitFromPackedBuf(content)


def test_classifier_passes_verification(bundle, artifacts, texts):
    labels = np.array([2, 1, 0, 2, 1, 1], "int32")
    report = verify(bundle, artifacts, Examples(texts, None, labels), threads=1, progress=False)
    assert report.passed, report.to_markdown()
    exact, quantised = report.rows
    assert exact.max_difference < 1e-5
    assert (exact.agreement, exact.metric) == (1.0, report.keras.metric)
    assert 1e-5 < quantised.max_difference < 0.05
    note = "MediaPipe tokenizes 1 of 6 texts otherwise, e.g. 'Café prices fell; nobody knows why.'"
    assert exact.notes == (note,)
    assert f"tflite: {note}" in report.to_markdown()


def test_artifact_has_one_output_and_its_files(artifacts, bundle):
    for artifact in artifacts:
        assert [spec.name for spec in artifact.signature.outputs] == ["scores"]
        assert artifact.options["metadata"] == "mediapipe"
        with zipfile.ZipFile(artifact.file) as archive:
            assert archive.read("labels.txt") == b"down\nflat\nup\n"
            assert archive.read("vocab.txt") == (artifact.path / "vocab.txt").read_bytes()
            assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}


def test_metadata_names_the_inputs_in_the_order_of_the_tensors(artifacts):
    model = read(artifacts[0].file.read_bytes())
    (entry,) = [entry for entry in model.metadata if entry.name == ENTRY.encode()]
    content = bytes(model.buffers[entry.buffer].data)
    assert content[4:8] == b"M001"
    signature = {each.tensorIndex: each.name.decode() for each in model.signatureDefs[0].inputs}
    expected = [INPUTS[signature[index]].encode() for index in model.subgraphs[0].inputs]
    # The builder writes back to front.
    assert sorted(expected, key=content.index, reverse=True) == expected


def test_the_model_itself_is_kept(plain, description):
    made = attach(plain, description)
    assert plain in made
    assert made.index(plain) % 16 == 0
    before, after = read(plain), read(made)
    assert len(after.buffers) == len(before.buffers) + 1
    assert [entry.name for entry in after.metadata[:-1]] == [e.name for e in before.metadata]
    assert (after.version, after.description) == (before.version, before.description)
    for old, new in zip(before.buffers, after.buffers, strict=False):
        np.testing.assert_array_equal(old.data, new.data)
    assert attach(plain, description) == made


def test_attach_refuses_what_would_be_misread(plain, description):
    with pytest.raises(ExportError, match="has metadata already"):
        attach(attach(plain, description), description)
    inputs = {"ids": "ids"}
    with pytest.raises(ExportError, match=r"for the inputs \['ids'\], but the model has"):
        attach(plain, dataclasses.replace(description, inputs=inputs))
    for name, texts in {"labels": ("a\nb",), "vocabulary": ("a", "")}.items():
        with pytest.raises(ExportError, match=f"The {name} must be texts of one line"):
            attach(plain, dataclasses.replace(description, **{name: texts}))


def test_attach_refuses_constants_outside_the_tables(plain, description):
    import flatbuffers

    model = read(plain)
    model.buffers[-1].offset = len(plain)
    builder = flatbuffers.Builder(len(plain))
    builder.Finish(model.Pack(builder), b"TFL3")
    with pytest.raises(ExportError, match="keeps constants behind its tables"):
        attach(bytes(builder.Output()), description)


@pytest.mark.slow
@pytest.mark.parametrize("problem", ["multi_label_classification", "regression"])
def test_other_heads(make_bundle, texts, tmp_path, problem):
    source = make_bundle(tmp_path / "bundle", problem_type=problem)
    options = {"lengths": LENGTH, "metadata": "mediapipe", "progress": False}
    artifacts = export(source, tmp_path / "out", ["tflite"], **options)
    kind = "float32" if problem == "regression" else "int32"
    labels = np.random.default_rng(1).integers(0, 2, (len(texts), 3)).astype(kind)
    report = verify(source, artifacts, Examples(texts, None, labels), progress=False)
    assert report.passed and report.rows[0].max_difference < 1e-5
    assert report.rows[0].metric == pytest.approx(report.keras.metric, abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("normalize", [False, True])
def test_encoder_gives_embeddings(make_bundle, texts, tmp_path, normalize):
    source = make_bundle(tmp_path / "bundle", problem_type=None)
    options = {"lengths": LENGTH, "metadata": "mediapipe", "progress": False}
    artifacts = export(source, tmp_path / "out", ["tflite"], normalize=normalize, **options)
    assert [spec.name for spec in artifacts[0].signature.outputs] == ["embeddings"]
    with zipfile.ZipFile(artifacts[0].file) as archive:
        assert archive.namelist() == ["vocab.txt"]
    report = verify(source, artifacts, Examples(texts), progress=False)
    assert report.passed and report.rows[0].max_difference < 1e-5
    loaded = keras_bert_zoo.load(source)
    inputs = loaded.tokenizer(list(texts[:1]), padding="max_length", max_length=LENGTH)
    inputs = {name: tensor.numpy() for name, tensor in inputs.items()}
    length = np.linalg.norm(Runner(artifacts[0], threads=1)(inputs)["embeddings"])
    assert (abs(length - 1) < 1e-5) == normalize


@pytest.mark.slow
def test_pairs_are_verified_as_ids(bundle, artifacts, texts):
    report = verify(bundle, artifacts[:1], Examples(texts, texts[::-1]), progress=False)
    assert report.passed
    assert "takes single texts" in report.rows[0].notes[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"metadata": "mediapipe"}, "needs one fixed length, received None"),
        ({"metadata": "coreml", "lengths": 16}, r"one of \['mediapipe'\], received 'coreml'"),
        ({"normalize": True}, "pass metadata='mediapipe'"),
        pytest.param(
            {"metadata": "mediapipe", "lengths": 16, "normalize": True},
            "bundle is a classifier",
            marks=pytest.mark.slow,
        ),
        ({"metadata": "mediapipe", "lengths": 81}, "from 1 to 80"),
    ],
)
def test_options_that_make_no_file(bundle, tmp_path, options, message):
    with pytest.raises(ExportError, match=message):
        export(bundle, tmp_path, ["tflite"], progress=False, **options)
    assert not list(tmp_path.iterdir())


def test_metadata_needs_a_format_that_takes_it(bundle, tmp_path):
    with pytest.raises(ExportError, match=r"is for the formats \['tflite', .*received \['onnx'\]"):
        export(bundle, tmp_path, ["onnx"], lengths=16, metadata="mediapipe", progress=False)


@pytest.mark.parametrize(
    ("tokenizer", "message"),
    [
        (None, "has no tokenizer"),
        ({"do_lower_case": False}, "vocabulary is cased"),
        ({"cls_token": "<s>"}, r"has .*'cls_token': '<s>'"),
    ],
)
def test_tokenizer_that_mediapipe_cannot_stand_for(keras_bundle, tmp_path, tokenizer, message):
    from keras_bert_zoo.tokenizers import WordPieceTokenizer

    if tokenizer is not None:
        words = [*keras_bundle.tokenizer.vocabulary, "<s>"]
        tokenizer = WordPieceTokenizer(words, **tokenizer)
    bundle = dataclasses.replace(keras_bundle, tokenizer=tokenizer)
    with pytest.raises(ExportError, match=message):
        FORMATS["tflite"].export(bundle, tmp_path / "m", lengths=[LENGTH], metadata="mediapipe")
    assert not list(tmp_path.iterdir())


def test_a_model_that_tags_tokens_is_refused(keras_bundle, tmp_path):
    import keras

    inputs = keras_bundle.model.input
    hidden = keras.ops.one_hot(inputs["input_ids"], 3)
    model = keras.Model(inputs, {"logits": hidden})
    model.config = keras_bundle.config
    bundle = dataclasses.replace(keras_bundle, model=model)
    with pytest.raises(ExportError, match=r"text classifiers and encoders, .*'logits': \(None, "):
        FORMATS["tflite"].export(bundle, tmp_path / "m", lengths=[LENGTH], metadata="mediapipe")


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("CAFE a.b", ["cafe", "a", ".", "[UNK]"]),
        ("Café CAFÉ", ["caf", "##é", "[UNK]"]),
        ("ab好a", ["a", "##b", "好", "a"]),
        ("a\u00a0b\ta", ["[UNK]", "a"]),
        ("a" + "b" * 99 + " " + "a" + "b" * 100, ["a", *["##b"] * 99, "[UNK]"]),
        ("a\0b", ["a"]),
        ("[CLS]", ["[UNK]", "[UNK]", "[UNK]"]),
    ],
)
def test_rules_of_its_tokenizer(text, tokens):
    ids = MediaPipeTokenizer(VOCABULARY, 200)(text)
    assert [VOCABULARY[index] for index in ids] == ["[CLS]", *tokens, "[SEP]"]
    assert MediaPipeTokenizer(VOCABULARY, 3)("a a a") == [2, 7, 3]


def test_an_archive_is_found_behind_the_model(plain, description):
    names = zipfile.ZipFile(io.BytesIO(attach(plain, description))).namelist()
    assert names == ["vocab.txt", "labels.txt"]

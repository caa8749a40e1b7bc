"""Models that write, exported: each runtime writes what ``generate`` writes."""

from __future__ import annotations

import functools
import json
import math
import shutil
import string

import numpy as np
import pytest
import tensorflow as tf
from writers import CONFIGS, START, rows, tiny_writer, with_segments

import keras_bert_zoo
from keras_bert_zoo import BertEncoder, cli, generation
from keras_bert_zoo.bundle import Bundle, save
from keras_bert_zoo.export import Runner, export, predictor, verify
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
    write(bundle, directory, name, {"lengths": [length], "generation": {**WRITES, **options}})
    return directory / WRITER_FORMATS[name].file


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(kind, marks=[pytest.mark.slow] * (kind != "encoder-decoder"))
        for kind in TWO_SIDED
    ],
)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def model(kind):
    return tiny_writer(kind)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Gives the artifact of a kind in a format, made once."""

    @functools.cache
    def of(kind, name):
        directory = tmp_path_factory.mktemp("made") / name
        tokenizer = WordPieceTokenizer(WORDS, model_max_length=16)
        exported(tiny_writer(kind), directory, name, length=16, tokenizer=tokenizer)
        return directory

    return of


@pytest.fixture(scope="module")
def tflite_file(made, kind):
    return made(kind, "writer-tflite") / "model.tflite"


def one(inputs, row):
    count = inputs["attention_mask"][row].sum()
    return {name: values[row : row + 1, :count] for name, values in inputs.items()}


@pytest.mark.parametrize(
    "options",
    # What follows asks for the likeliest tokens, of the same kinds.
    [pytest.param({}, marks=pytest.mark.slow), {"num_beams": 3, "no_repeat_ngram_size": 2}],
)
@pytest.mark.parametrize(
    "kind",
    [
        *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("marian", "encoder-decoder")),
        "gpt2",
    ],
)
def test_a_savedmodel_writes(kind, options, tmp_path):
    model = tiny_writer(kind)
    inputs = rows() if kind == "gpt2" else with_segments(model, rows())
    path = exported(model, tmp_path / "a", "writer-savedmodel-ids", **options)
    ids = expected(model, inputs, **options)
    loaded = tf.saved_model.load(str(path)).signatures["ids"]
    tensors = {name: tf.constant(values) for name, values in inputs.items()}
    np.testing.assert_array_equal(loaded(**tensors)["ids"], ids)


def test_both_signatures_of_a_savedmodel(made):
    model, tokenizer = tiny_writer("encoder-decoder"), WordPieceTokenizer(WORDS)
    artifact = Artifact.load(made("encoder-decoder", "writer-savedmodel"))
    texts = ["a bc, 中文", "好", "xyz."]
    inputs = {name: x.numpy() for name, x in tokenizer(texts, padding=True).items()}
    ids = expected(model, inputs)
    runs = open_sessions("tensorflow-text", str(artifact.file), artifact.signatures, 1)
    np.testing.assert_array_equal(runs[0].run(inputs)["ids"], ids)
    found = runs[1].run({"text": np.array(texts, object)})["text"]
    assert found.tolist() == tokenizer.batch_decode(ids, skip_special_tokens=True)
    assert any(found)


def test_a_tflite_file_writes(model, tflite_file):
    writer = LiteRtWriter(tflite_file)
    inputs = with_segments(model, rows())
    ids = expected(model, inputs)
    for row in range(len(ids)):
        np.testing.assert_array_equal(writer(one(inputs, row))[0], ids[row])
    with pytest.raises(ValueError, match="at most 16"):
        writer({name: np.ones((1, 17)) for name in inputs})


def refused_as_by_generate(write, model):
    """A loop around files refuses what ``generate`` does, in the same words."""
    ids, mask = np.array([[START, 5, 6]]), np.ones((1, 3), "int32")
    for changes in (
        {"input_ids": np.array([[START, 61, 6]])},
        {"input_ids": np.array([[START, -1, 6]])},
        {"input_ids": ids + 0.5},
        {"attention_mask": 0 * mask},
        {"attention_mask": 2 * mask},
        {"input_ids": ids[:, :0], "attention_mask": mask[:, :0]},
        {"input_ids": np.ones((1, 41)), "attention_mask": np.ones((1, 41))},
    ):
        inputs = {"input_ids": ids, "attention_mask": mask, **changes}
        # The files of ONNX read no segments.
        inputs = {**with_segments(model, inputs), "other": ids}
        with pytest.raises(ValueError) as wanted:
            expected(model, inputs)
        with pytest.raises(ValueError) as found:
            write(inputs)
        assert str(found.value) == str(wanted.value)


def test_a_tflite_file_reads_what_generate_reads(model, tflite_file):
    refused_as_by_generate(LiteRtWriter(tflite_file), model)


def test_logits_of_any_text_are_those_of_keras(model, tflite_file):
    """Random models write the same word again: what they score is compared for other words."""
    writer = LiteRtWriter(tflite_file)
    inputs = one(with_segments(model, rows()), 1)
    text = np.array([[START, *range(20, 26)]], "int32")
    whole = {"decoder_input_ids": text, "decoder_attention_mask": np.ones_like(text)}
    expected = np.asarray(model({**inputs, **whole})["logits"])[0]
    kept = writer.read(inputs)
    for place, token in enumerate(text[0]):
        logits, kept = writer.step(token, place, kept)
        np.testing.assert_allclose(logits, expected[place], atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["marian", "pegasus"])
def test_a_table_behind_a_norm_is_in_a_tflite_file_once(kind, tmp_path):
    """The converter multiplies scales of norms into the weights behind them, if it can."""
    model = tiny_writer(kind, changes={"vocab_size": 3000})
    path = exported(model, tmp_path / "a", "writer-tflite")
    assert path.stat().st_size < 1.3 * sum(weight.numpy().nbytes for weight in model.weights)


def test_weights_are_in_a_tflite_file_once(model, tflite_file):
    weights = sum(weight.numpy().nbytes for weight in model.weights)
    buffers = tflite_model.read(tflite_file.read_bytes()).buffers
    stored = sum(len(buffer.data) for buffer in buffers if buffer.data is not None)
    # Fixed positions are no weights, and the rest is scalars and shapes; 1.22 was measured of the
    # tied, of which no tensor is there twice either.
    assert weights <= stored < (1.25 if model.config.tied else 1.15) * weights


def test_eight_bits_stay_near(model, tmp_path):
    path = exported(model, tmp_path / "a", "writer-tflite-int8")
    writer, inputs = LiteRtWriter(path), with_segments(model, rows())
    assert writer(one(inputs, 0)).shape == (1, 7)


@pytest.fixture(scope="module")
def onnx_files(made, kind):
    """The writer's module, and the directory of its files."""
    ort = pytest.importorskip("keras_bert_zoo.export.writing.ort")
    pytest.importorskip("tf2onnx")
    return ort, made(kind, "writer-onnx") / "onnx"


def test_onnx_files_write(model, onnx_files):
    ort, path = onnx_files
    inputs = with_segments(model, rows())
    np.testing.assert_array_equal(ort.OrtWriter(path)(inputs), expected(model, inputs))


def test_onnx_files_read_what_generate_reads(model, onnx_files):
    ort, path = onnx_files
    refused_as_by_generate(ort.OrtWriter(path), model)


def test_logits_of_onnx_files_are_those_of_keras(model, onnx_files):
    """Of any words: three at once, then one after the other."""
    ort, path = onnx_files
    writer, inputs = ort.OrtWriter(path), with_segments(model, rows())
    text = np.random.default_rng(3).integers(3, 61, (3, 7)).astype("int32")
    whole = {"decoder_input_ids": text, "decoder_attention_mask": np.ones_like(text)}
    wanted = np.asarray(model({**inputs, **whole})["logits"])
    memory, kept, found = writer.read(inputs), writer.nothing(3), []
    for new in (text[:, :3], *np.split(text[:, 3:], 4, axis=1)):
        logits, kept = writer.step(new, memory, kept)
        found.append(logits)
    np.testing.assert_allclose(np.concatenate(found, axis=1), wanted, atol=1e-4)


def test_weights_of_a_decoder_are_in_its_onnx_file_once(model, onnx_files):
    onnx = pytest.importorskip("onnx")
    ort, path = onnx_files
    graph = onnx.load(path / f"{ort.DECODER}.onnx").graph
    own = {weight.path for layer in (model.decoder, model.head) for weight in layer.weights}
    known = {weight.path for weight in model.weights}
    assert sorted(x.name for x in graph.initializer if x.name in known) == sorted(own)
    [choice] = [node for node in graph.node if node.op_type == "If"]
    inside = [x for branch in choice.attribute for x in branch.g.initializer]
    assert sum(math.prod(x.dims) for x in inside) < 100  # shapes


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"do_sample": True}, "do_sample"),
        ({"max_new_tokens": 40}, "positions of the decoder"),
        ({"suppress_tokens": (61,)}, "from 0 to 60, received"),
        ({"num_beams": 62}, "the 61 words"),
    ],
)
def test_what_no_graph_can_do(tmp_path, options, message):
    with pytest.raises(ExportError, match=message):
        exported(tiny_writer("gpt2"), tmp_path / "a", "writer-savedmodel-ids", **options)


def test_text_needs_a_tokenizer(tmp_path):
    with pytest.raises(ExportError, match="needs a tokenizer"):
        exported(tiny_writer("gpt2"), tmp_path / "a", "writer-savedmodel")


TEXTS = ["a bc, 中文", "好", "xyz."]


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Bundles by kind."""
    found = {}
    for kind in ("encoder-decoder", "bert", "gpt2"):
        place = tmp_path_factory.mktemp("bundles") / kind
        found[kind] = save(tiny_writer(kind), WordPieceTokenizer(WORDS, model_max_length=16), place)
    return found


@pytest.mark.parametrize(
    ("kind", "formats", "options", "message"),
    [
        (
            "bert",
            ["writer-onnx"],
            {},
            r"'writer-onnx'\] are for models that write \(encoder and dec",
        ),
        ("bert", ["onnx"], {}, r"'onnx'\] are for encoders; models that .*\['writer-savedmodel'"),
        ("encoder-decoder", ["writer-onx"], {}, "Did you mean 'writer-onnx'"),
        ("encoder-decoder", None, {"task": "masked_lm"}, r"\['task'\] are for encoders"),
        ("encoder-decoder", None, {"min_fidelity": 0.5}, r"\['min_fidelity'\] are for encoders"),
        ("encoder-decoder", ["writer-onnx"], {"lengths": 9}, r"lengths=\[9\] are for .*writer-tfl"),
        ("encoder-decoder", ["writer-tflite"], {"lengths": [9, 10]}, "one length"),
        # Told before the first format is written.
        (
            "encoder-decoder",
            ["writer-savedmodel-ids", "writer-tflite"],
            {"lengths": 5000},
            "lengths must be from 1 to .* received",
        ),
    ],
)
def test_formats_and_options_of_another_kind(saved, kind, formats, options, message, tmp_path):
    with pytest.raises(ExportError, match=message):
        export(saved[kind], tmp_path, formats, progress=False, **options)
    assert not list(tmp_path.iterdir())


def test_encoders_do_not_write(tiny_config, tmp_path):
    source = save(BertEncoder(tiny_config), None, tmp_path / "encoder")
    for formats, options in ((["writer-onnx"], {}), (["onnx"], {"generation": WRITES})):
        with pytest.raises(
            ExportError, match=r"writer-onnx.*\bonnx|generation=.* are for the form"
        ):
            export(source, tmp_path / "out", formats, progress=False, **options)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow) if name == "writer-savedmodel-ids" else name
        for name in WRITER_FORMATS
        if "int8" not in name
    ],
)
def test_an_artifact_is_asked_as_the_bundle_is(saved, made, name, tmp_path):
    if "onnx" in name:
        pytest.importorskip("tf2onnx")
    artifact = made("encoder-decoder", name)
    ask = predictor(artifact)
    keras = keras_bert_zoo.predictor(saved["encoder-decoder"], options=WRITES)
    answers = ask(TEXTS)
    assert answers == keras(TEXTS)
    assert any(answer["generated_text"] for answer in answers)
    file = tmp_path / "pairs.jsonl"
    rows = [{"source": text, "target": "a b c"} for text in TEXTS]
    file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    assert ask.evaluate(str(file)) == keras.evaluate(str(file))
    with pytest.raises(ExportError, match=r"writes as it was exported: leave \['num_beams'\] out"):
        predictor(artifact, options={"num_beams": 2})


@pytest.mark.slow
def test_strings_have_the_spaces_that_the_training_asked_for(tmp_path):
    words = (*WORDS[:5], *(chr(0x4E00 + index) for index in range(len(WORDS) - 5)))
    tokenizer = WordPieceTokenizer(words, model_max_length=16)
    place = save(tiny_writer("encoder-decoder"), tokenizer, tmp_path / "bundle")
    config = json.loads((place / "config.json").read_text())
    config["task_specific_params"] = {"seq2seq": {"options": {"respace": True, **WRITES}}}
    (place / "config.json").write_text(json.dumps(config))
    texts = ["一丁 七", "万"]
    [artifact] = export(place, tmp_path / "out", ["writer-savedmodel"], progress=False)
    answers = [each["generated_text"] for each in keras_bert_zoo.predictor(place)(texts)]
    run = Runner(artifact, threads=1)
    assert [run({"text": [text]})["text"][0] for text in texts] == answers
    plain = keras_bert_zoo.predictor(place, options={"respace": False})(texts)
    assert (
        answers
        == [each["generated_text"].replace(" ", "") for each in plain]
        != [each["generated_text"] for each in plain]
    )
    report = verify(place, [artifact], texts, progress=False)
    assert report.passed, report.failures()


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "task"), [("encoder-decoder", "seq2seq"), ("gpt2", "causal_lm")])
def test_strings_are_cut_where_the_training_did(saved, kind, task, tmp_path):
    place = shutil.copytree(saved[kind], tmp_path / "bundle")
    config = json.loads((place / "config.json").read_text())
    # Each word once: of whatever text, the likeliest alone would be the same again and again.
    options = {**WRITES, "no_repeat_ngram_size": 1}
    config["task_specific_params"] = {task: {"max_length": 6, "options": options}}
    (place / "config.json").write_text(json.dumps(config))
    texts = ["a b c x y z 中 文 你 好", "z y x a b c 好 你", "a"]
    [artifact] = export(place, tmp_path / "out", ["writer-savedmodel"], progress=False)
    run = Runner(artifact, threads=1)
    served = [run({"text": [text]})["text"][0] for text in texts]
    assert served == [each["generated_text"] for each in keras_bert_zoo.predictor(place)(texts)]
    longer = keras_bert_zoo.predictor(place, max_length=12)(texts)
    assert served != [each["generated_text"] for each in longer]
    # What is cut is compared too.
    report = verify(place, [artifact], texts, progress=False)
    assert report.passed, report.failures()


@pytest.mark.slow
def test_the_commands_export_verify_and_ask(saved, tmp_path, capsys):
    place, output = str(saved["encoder-decoder"]), tmp_path / "out"
    names = ["writer-savedmodel", "writer-tflite-int8"]
    words = ["--formats", *names, "--lengths", "16", "--generation", "{max_new_tokens: 7}"]
    assert cli.main(["export", place, "--output", str(output), *words]) == 0
    report = tmp_path / "report.json"
    artifacts = [str(output / name) for name in names]
    assert cli.main(["verify", place, *artifacts, "--report", str(report)]) == 0
    exact, small = json.loads(report.read_text())["rows"]
    assert (exact["passed"], exact["agreement"], exact["equal_tokens"]) == (True, 1.0, 1.0)
    assert small["passed"] and 0 <= small["equal_tokens"] <= 1
    assert "Tokens: share" in report.with_suffix(".html").read_text()
    assert Artifact.load(artifacts[0]).verification["texts"] == 5
    capsys.readouterr()
    assert cli.main(["predict", artifacts[0], *TEXTS]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["text"] for line in lines] == TEXTS
    # Of a bundle with other weights nothing passes.
    other = save(
        tiny_writer("encoder-decoder", scale=0.3), WordPieceTokenizer(WORDS), tmp_path / "b"
    )
    assert cli.main(["verify", str(other), artifacts[0]]) == 1


@pytest.mark.slow
def test_references_are_judged_and_texts_compared(saved, tmp_path):
    place = saved["encoder-decoder"]
    [artifact] = export(place, tmp_path, ["writer-savedmodel"], generation=WRITES, progress=False)
    file = tmp_path / "pairs.jsonl"
    rows = [{"source": text, "target": "a b c"} for text in TEXTS]
    file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    metric = {"options": {"metric": "exact_match"}}
    report = verify(place, [artifact], str(file), progress=False, limit=2, **metric)
    assert report.passed and (report.texts, report.metric) == (2, "exact_match")
    assert (report.keras.metric, report.rows[0].metric, report.rows[0].drop) == (0.0, 0.0, 0.0)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "before"), [("bert", ""), ("gpt2", "[CLS]")])
def test_a_decoder_alone_goes_on_with_texts(saved, kind, before, tmp_path):
    """Also when it has seen a token before each text, which its config names."""
    place, options = saved[kind], {"generation": WRITES, "progress": False}
    [artifact] = export(place, tmp_path, **options)
    assert artifact.format == "writer-savedmodel"
    file = tmp_path / "texts.jsonl"
    file.write_text("\n".join(json.dumps({"text": text}) for text in TEXTS), encoding="utf-8")
    for given in (TEXTS, str(file)):
        report = verify(place, [artifact], given, progress=False)
        assert report.passed and report.texts == len(TEXTS)
    tokenizer = WordPieceTokenizer(WORDS)
    texts = [before + text for text in TEXTS]
    inputs = tokenizer(texts, padding=True, add_special_tokens=False)
    ids = expected(tiny_writer(kind), {name: x.numpy() for name, x in inputs.items()})
    written = tokenizer.batch_decode(ids, skip_special_tokens=True)
    assert artifact.run({"text": TEXTS})["text"].tolist() == written


def test_a_decoder_alone_has_nothing_to_say_of_empty_texts(tmp_path):
    """Where nothing stands before a text, an empty one is refused, and an empty batch is none."""
    model, tokenizer = (
        tiny_writer("gpt2", changes={"bos_token_id": None}),
        WordPieceTokenizer(WORDS),
    )
    path = exported(model, tmp_path / "a", "writer-savedmodel", tokenizer=tokenizer)
    ask = tf.saved_model.load(str(path)).signatures["serving_default"]
    assert ask(text=tf.zeros([0], tf.string))["text"].shape == (0,)
    assert ask(text=tf.constant(["a"]))["text"].shape == (1,)
    for texts in ([""], ["a", " "]):
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"of input_ids is empty"):
            ask(text=tf.constant(texts))


@pytest.mark.parametrize("kind", [pytest.param("bert", marks=pytest.mark.slow), "gpt2"])
def test_a_decoder_alone_is_asked_as_the_bundle_is(saved, kind, tmp_path):
    place, tokenizer = saved[kind], WordPieceTokenizer(WORDS, model_max_length=16)
    exported(tiny_writer(kind), tmp_path / "a", "writer-savedmodel-ids", tokenizer=tokenizer)
    ask, keras = predictor(tmp_path / "a"), keras_bert_zoo.predictor(place, options=WRITES)
    answers = ask(TEXTS)
    assert answers == keras(TEXTS)
    assert any(answer["generated_text"] for answer in answers)
    with pytest.raises(ExportError, match=r"writes as it was exported: leave \['do_sample'\] out"):
        predictor(tmp_path / "a", options={"do_sample": True})

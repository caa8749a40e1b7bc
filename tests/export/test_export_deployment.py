"""The tree for TensorFlow Serving: what is in it, and that its warm-up requests are right."""

from __future__ import annotations

import collections
import json
import shutil
import threading

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format
from task_models import REMEMBERED
from tensorflow_serving.config import model_server_config_pb2

import keras_bert_zoo
from keras_bert_zoo import cli
from keras_bert_zoo.data.examples import Examples
from keras_bert_zoo.export import process
from keras_bert_zoo.export.artifact import MANIFEST, describe
from keras_bert_zoo.export.conversion import export
from keras_bert_zoo.export.errors import ExportError
from keras_bert_zoo.export.savedmodel import warmup
from keras_bert_zoo.export.savedmodel.deployment import deploy

KERAS = ("keras", "keras_hub", "tf_keras")
SIZES = (1, 3)


@pytest.fixture(scope="module")
def tree(artifacts, texts, tmp_path_factory):
    """Two models, the first by the command line."""
    directory = tmp_path_factory.mktemp("serving")
    table = directory.parent / "texts.jsonl"
    table.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    command = ["deploy", str(artifacts["savedmodel"].path), "--data", str(table)]
    assert cli.main([*command, "--output", str(directory), "--batch-sizes", "1,3"]) == 0
    pairs = Examples(texts, texts[::-1])
    done = deploy(artifacts["savedmodel-ids"], directory, pairs, name="ids", batch_sizes=SIZES)
    assert (done.version, done.requests) == (1, len(SIZES) * 4)
    return directory


def test_a_version_holds_what_was_exported(tree, artifacts):
    version = tree / "models/bert/1"
    for path in artifacts["savedmodel"].file.rglob("*"):
        if path.is_file():
            copy = version / path.relative_to(artifacts["savedmodel"].file)
            assert copy.read_bytes() == path.read_bytes()
    assert {path.name for path in (version / "assets.extra").iterdir()} == {
        "tf_serving_warmup_requests",
        "manifest.json",
    }
    assert {path.name for path in tree.rglob("*")} >= {"variables", "saved_model.pb"}
    assert not list(tree.rglob(".*"))


def test_requests_cover_signatures_sizes_and_lengths(tree, artifacts):
    requests = list(warmup.read_requests(tree / "models/bert/1"))
    by_name = collections.defaultdict(list)
    for name, inputs in requests:
        by_name[name].append(next(iter(inputs.values())).shape)
    assert list(by_name) == [s.name for s in artifacts["savedmodel"].signatures]
    for shapes in by_name.values():
        assert {shape[0] for shape in shapes} == set(SIZES)
    assert len({shape[1] for shape in by_name["ids"]}) >= 4
    texts = {text for name, inputs in requests for text in inputs.get("text", ())}
    assert len(texts) == 6


@pytest.mark.parametrize(("model", "form"), [("bert", "savedmodel"), ("ids", "savedmodel-ids")])
def test_replayed_requests_give_keras_answers(tree, artifacts, keras_bundle, model, form):
    path = tree / "models" / model / "1"
    runtime = {"savedmodel": "tensorflow-text", "savedmodel-ids": "tensorflow"}[form]
    arguments = (path, runtime, artifacts[form].signatures, 1)
    outputs = process.call(warmup.replay, *arguments, hide=KERAS)
    requests = list(warmup.read_requests(path))
    for request, answer in zip(requests, outputs, strict=True):
        main = "logits" if request.signature == "ids" else "scores"
        expected = in_keras(keras_bundle, request)
        np.testing.assert_allclose(answer[main], expected, atol=1e-5)


def in_keras(bundle, request):
    """What a request should return, from the Keras model."""
    inputs = request.inputs
    if request.signature == "ids":
        return bundle.model(inputs, training=False)["logits"].numpy()
    if "examples" in inputs:
        features = {"text": tf.io.FixedLenFeature((), tf.string)}
        inputs = {"text": tf.io.parse_example(inputs["examples"], features)["text"].numpy()}
    # By name: the fields of a map come in any order.
    texts = [inputs[name].tolist() for name in ("text", "text_pair") if name in inputs]
    ids = bundle.tokenizer(*texts, truncation=True, max_length=80, padding=True)
    return tf.nn.softmax(bundle.model(ids, training=False)["logits"]).numpy()


def test_pairs_of_the_data_reach_the_ids(tree):
    (_, inputs), *_ = warmup.read_requests(tree / "models/ids/1")
    assert inputs["token_type_ids"].max() == 1


def test_models_config_is_what_a_server_parses(tree):
    config = model_server_config_pb2.ModelServerConfig()
    text_format.Parse((tree / "models.config").read_text(), config)
    rows = [(c.name, c.base_path, c.model_platform) for c in config.model_config_list.config]
    assert rows == [
        ("bert", "/serving/models/bert", "tensorflow"),
        ("ids", "/serving/models/ids", "tensorflow"),
    ]


# tensorflow-serving-api has no protos of these two files: their fields, as published in
# session_bundle_config.proto and monitoring_config.proto of tensorflow/serving.
FIELDS = {
    "Wrapped": [("value", 1, "INT64", None)],
    "BatchingParameters": [
        ("max_batch_size", 1, "MESSAGE", "Wrapped"),
        ("batch_timeout_micros", 2, "MESSAGE", "Wrapped"),
        ("max_enqueued_batches", 3, "MESSAGE", "Wrapped"),
        ("num_batch_threads", 4, "MESSAGE", "Wrapped"),
        ("pad_variable_length_inputs", 7, "BOOL", None),
    ],
    "PrometheusConfig": [("enable", 1, "BOOL", None), ("path", 2, "STRING", None)],
    "MonitoringConfig": [("prometheus_config", 1, "MESSAGE", "PrometheusConfig")],
}


def message(name):
    file = descriptor_pb2.FileDescriptorProto(name="serving.proto", package="s", syntax="proto3")
    for kind, fields in FIELDS.items():
        row = file.message_type.add(name=kind)
        for field, number, type_, of in fields:
            added = row.field.add(name=field, number=number, label="LABEL_OPTIONAL")
            added.type = descriptor_pb2.FieldDescriptorProto.Type.Value(f"TYPE_{type_}")
            if of:
                added.type_name = f".s.{of}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"s.{name}"))()


def test_batching_and_monitoring_have_published_fields(tree):
    batching, monitoring = message("BatchingParameters"), message("MonitoringConfig")
    text_format.Parse((tree / "batching_parameters.config").read_text(), batching)
    text_format.Parse((tree / "monitoring.config").read_text(), monitoring)
    assert batching.max_batch_size.value == max(SIZES)
    # The server pads with the first value of a row, which for a mask is 1.
    assert not batching.pad_variable_length_inputs
    assert monitoring.prometheus_config.enable


@pytest.mark.slow
def test_the_next_version_leaves_the_rest_alone(tree, artifacts, texts, tmp_path):
    shutil.copytree(tree, tmp_path / "tree")
    tree = tmp_path / "tree"
    edited = (
        (tree / "models.config")
        .read_text()
        .replace('platform: "tensorflow"', 'platform: "tensorflow" model_version_policy { all {} }')
    )
    (tree / "models.config").write_text(edited)
    (tree / "batching_parameters.config").write_text("num_batch_threads { value: 9 }")
    (tree / "models/ids/7").mkdir()
    (tree / "models/ids/not-a-version").mkdir()
    before = {p: p.read_bytes() for p in tree.rglob("*") if p.is_file()}
    done = deploy(artifacts["savedmodel-ids"], tree, Examples(texts), name="ids", batch_sizes=[2])
    assert (done.path, done.version, done.requests) == (tree / "models/ids/8", 8, 4)
    assert {p: p.read_bytes() for p in before} == before
    added = {p for p in tree.rglob("*") if p.is_file()} - set(before)
    assert added and all(path.is_relative_to(done.path) for path in added)


@pytest.mark.slow
def test_a_model_that_does_not_load_is_not_published(artifacts, texts, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(artifacts["savedmodel-ids"].path, broken)
    (broken / "model/variables/variables.index").unlink()
    (broken / MANIFEST).unlink()
    describe(broken, "savedmodel-ids", None, artifacts["savedmodel-ids"].signatures, {}, "")
    with pytest.raises(ExportError, match=r"cannot be served: .*checkpoint"):
        deploy(broken, tmp_path / "tree", Examples(texts))
    assert not (tmp_path / "tree").exists()


@pytest.fixture(scope="module")
def answerer(make_bundle, tmp_path_factory):
    """A SavedModel that finds answers in contexts."""
    directory = tmp_path_factory.mktemp("answerer")
    plain = keras_bert_zoo.load(make_bundle(directory / "encoder", problem_type=None))
    model = keras_bert_zoo.QuestionAnswerer(plain.model)
    bundle = keras_bert_zoo.save(model, plain.tokenizer, directory / "bundle")
    config = json.loads((bundle / "config.json").read_text())
    short = {"task_specific_params": {"question_answering": REMEMBERED["question_answering"]}}
    (bundle / "config.json").write_text(json.dumps({**config, **short}))
    return export(bundle, directory, ["savedmodel"], progress=False)[0]


@pytest.mark.slow
def test_questions_are_read_as_their_task_reads_them(answerer, tmp_path, capsys):
    data, tree = tmp_path / "q.jsonl", tmp_path / "tree"
    data.write_text('{"id": "1", "question": "up?", "context": "shares rise.", "answers": []}\n')
    words = ["deploy", str(answerer.path), "--output", str(tree), "--data", str(data)]
    assert cli.main([*words, "--text_column", "question"]) == 2
    assert "keys of its files are fixed" in capsys.readouterr().err
    assert not tree.exists()
    assert cli.main([*words, "--batch_sizes", "2"]) == 0
    found = dict(warmup.read_requests(tree / "models/bert/1"))
    assert [*found["serving_default"]["question"]] == [b"up?"] * 2
    assert [*found["serving_default"]["context"]] == [b"shares rise."] * 2
    assert found["ids"]["token_type_ids"].max() == 1


@pytest.mark.slow
def test_what_a_task_cannot_read_leaves_nothing(answerer, tmp_path):
    with pytest.raises(ValueError, match="must be a dict with"):
        deploy(answerer, tmp_path / "tree", Examples(["no context"]))
    with pytest.raises(ExportError, match="no texts"):
        deploy(answerer, tmp_path / "tree", [])
    assert not (tmp_path / "tree").exists()


@pytest.mark.parametrize(
    ("form", "options", "complaint"),
    [
        ("tflite", {}, "artifact must be of .*savedmodel.*: 'tflite'"),
        ("savedmodel", {"name": "a/b"}, "name must match .*: 'a/b'"),
        ("savedmodel", {"batch_sizes": [0, 1]}, "batch_sizes must be positive"),
        ("savedmodel", {"batch_sizes": []}, "batch_sizes must be positive"),
        ("savedmodel", {"examples": Examples([])}, "no texts"),
        pytest.param(
            "savedmodel",
            {"batch_sizes": range(1, 64)},
            "1008 requests, at most 1000",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_what_cannot_be_deployed_is_refused(artifacts, texts, tmp_path, form, options, complaint):
    arguments = {"examples": Examples(texts), **options}
    with pytest.raises(ExportError, match=complaint):
        deploy(artifacts[form], tmp_path, **arguments)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_broken_models_config_stays_and_is_named(artifacts, texts, tmp_path):
    (tmp_path / "models.config").write_text("model_config_list { oops")
    with pytest.raises(ExportError, match=r"models.config is no ModelServerConfig"):
        deploy(artifacts["savedmodel"], tmp_path, Examples(texts))
    assert [path.name for path in tmp_path.iterdir()] == ["models.config"]


def test_batch_sizes_that_are_no_numbers(capsys):
    command = ["deploy", "exports/savedmodel", "--output=o", "--data=tweets://test"]
    assert cli.main([*command, "--batch_sizes=1;8"]) == 2
    assert "batch_sizes must be whole numbers" in capsys.readouterr().err


@pytest.mark.slow
def test_deploying_at_once_makes_whole_versions(artifacts, texts, tmp_path):
    artifact, seen, done = artifacts["savedmodel-ids"], set(), threading.Event()

    def watch():
        """What a server sees: every numeric directory, the moment it appears."""
        last = False
        while not last:
            last = done.is_set()
            for path in tmp_path.glob("models/bert/[0-9]*"):
                files = {str(f.relative_to(path)) for f in path.rglob("*") if f.is_file()}
                seen.add((path.name, frozenset(files)))

    watcher = threading.Thread(target=watch)
    watcher.start()
    writers = [
        threading.Thread(target=deploy, args=(artifact, tmp_path, Examples(texts)))
        for _ in range(3)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    done.set()
    watcher.join()
    assert {name for name, _ in seen} == {"1", "2", "3"}
    assert len({files for _, files in seen}) == 1

"""Every task in every kind of runtime: asked and judged as in Keras."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from task_models import ASKED, LONG, ON_REQUEST, REMEMBERED, models_of

import keras_bert_zoo
from keras_bert_zoo import cli
from keras_bert_zoo.commands.predict import opened
from keras_bert_zoo.data.examples import Examples
from keras_bert_zoo.data.summaries import sentence_spans
from keras_bert_zoo.evaluation.embeddings import encode, evaluate_similarity
from keras_bert_zoo.export.artifact import Artifact, is_artifact
from keras_bert_zoo.export.asking import predictor
from keras_bert_zoo.export.conversion import export
from keras_bert_zoo.export.errors import ExportError
from keras_bert_zoo.export.formats import WHOLE_TEXTS
from keras_bert_zoo.export.measurement import measure
from keras_bert_zoo.export.savedmodel.deployment import deploy
from keras_bert_zoo.export.search.quantization import quantize
from keras_bert_zoo.export.verification.verification import verify

FORMATS = ("savedmodel", "tflite", "tflite-int8", "onnx")
EXACT = ("savedmodel", "tflite", "onnx")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def bundles(make_bundle, randomise, tmp_path_factory):
    directory = tmp_path_factory.mktemp("tasks")
    plain = keras_bert_zoo.load(make_bundle(directory / "encoder", problem_type=None))
    found = {}
    for task, model in models_of(plain.model).items():
        found[task] = keras_bert_zoo.save(randomise(model), plain.tokenizer, directory / task)
        file = found[task] / "config.json"
        config = {**json.loads(file.read_text()), "task_specific_params": REMEMBERED}
        file.write_text(json.dumps(config))
    return found


@pytest.fixture(scope="module")
def exported(bundles, tmp_path_factory):
    output = tmp_path_factory.mktemp("exported")
    return {
        task: export(
            bundle,
            output / task,
            FORMATS,
            task=task if task in ON_REQUEST else None,
            progress=False,
        )
        for task, bundle in bundles.items()
    }


def near(ours, theirs):
    """Whether answers are the same but for the last digits of their scores."""
    if isinstance(ours, dict):
        return ours.keys() == theirs.keys() and all(near(ours[k], theirs[k]) for k in ours)
    if isinstance(ours, list):
        return len(ours) == len(theirs) and all(map(near, ours, theirs))
    return ours == pytest.approx(theirs, abs=1e-4) if isinstance(ours, float) else ours == theirs


def artifacts_of(bundle, output):
    return export(bundle, output, ["onnx"], progress=False)


def test_a_manifest_of_something_else_makes_no_artifact(bundles, exported, tmp_path):
    path = exported["masked_lm"][0].path
    assert is_artifact(path) and is_artifact(str(path)) and not is_artifact("hf://a/b")
    (tmp_path / "manifest.json").write_text("{}")
    shutil.copytree(bundles["masked_lm"], tmp_path / "bundle")
    (tmp_path / "bundle" / "manifest.json").write_text("{}")
    assert not is_artifact(tmp_path / "runs" / "bundle")
    assert keras_bert_zoo.load(tmp_path / "bundle").config.vocab_size


@pytest.mark.parametrize("task", ASKED)
def test_artifacts_answer_as_keras(bundles, exported, task):
    expected = keras_bert_zoo.predictor(bundles[task], task=task)(ASKED[task])
    for artifact in exported[task]:
        assert artifact.task == Artifact.load(artifact.path).task == task
        found = predictor(artifact)(ASKED[task])
        assert near(found, expected) or artifact.format not in EXACT


@pytest.mark.parametrize("task", ASKED)
def test_artifacts_are_verified(bundles, exported, task):
    examples = ASKED[task]
    if task in WHOLE_TEXTS:
        examples = Examples([text for pair in examples for text in pair])
    report = verify(bundles[task], exported[task], examples, progress=False)
    assert report.passed, report.failures()
    for row in report.rows:
        assert row.agreement is None if task in WHOLE_TEXTS else 0 <= row.agreement <= 1
        if row.format in EXACT:
            assert row.max_difference < 1e-5
            assert (row.cosine or row.agreement) == pytest.approx(1)
        if row.format == "savedmodel":
            assert row.text_difference < 1e-5
    sizes = {row.format: row.batch_sizes for row in report.rows}
    assert sizes["tflite"] == (1,) and sizes["onnx"][0] == 1 < sizes["onnx"][-1]


def test_verification_sees_other_answers(bundles, exported, make_bundle, randomise, tmp_path):
    """Of another model with the same labels: weights, numbers and answers differ."""
    bundle = keras_bert_zoo.load(bundles["token_classification"])
    other = keras_bert_zoo.save(randomise(bundle.model, 3), bundle.tokenizer, tmp_path / "other")
    [row] = verify(
        other,
        [a for a in exported["token_classification"] if a.format == "onnx"],
        ASKED["token_classification"],
        progress=False,
    ).rows
    assert any("other weights" in problem for problem in row.problems)
    assert any("from Keras, more than" in problem for problem in row.problems)
    assert row.agreement < 1


def test_the_metric_of_labelled_files(bundles, exported, tmp_path, capsys):
    """What `evaluate` finds with Keras, for each artifact, and what it loses."""
    data = tmp_path / "tags.jsonl"
    lines = [
        {"tokens": ["shares", "of", "the", "fox"], "tags": ["B-X", "O", "O", "B-Y"]},
        {"tokens": ["the", "dog"], "tags": ["O", "B-Y"]},
        {"tokens": LONG.split(), "tags": ["O"] * len(LONG.split())},
    ]
    data.write_text("\n".join(map(json.dumps, 4 * lines)))
    path, chosen = str(bundles["token_classification"]), exported["token_classification"]
    scores = {}
    for source in (path, *[str(artifact.path) for artifact in chosen]):
        assert not cli.main(["evaluate", source, str(data)])
        scores[source] = json.loads(capsys.readouterr().out)
    report = tmp_path / "report.json"
    paths = [str(artifact.path) for artifact in chosen]
    assert not cli.main(["verify", path, *paths, "--data", str(data), "--report", str(report)])
    found = json.loads(report.read_text())
    assert found["metric"] == "f1"
    assert found["keras"]["metric"] == pytest.approx(scores[path]["f1"])
    for row in found["rows"]:
        assert row["metric"] == pytest.approx(scores[row["path"]]["f1"])
        assert row["drop"] == pytest.approx(found["keras"]["metric"] - row["metric"])
    for value, row in (("metric", found["keras"]), *(("drop", row) for row in found["rows"])):
        low, high = row[f"{value}_interval"]
        assert low - 1e-6 <= row[value] <= high + 1e-6 and low < high


def test_the_metric_of_an_embedders_labelled_pairs(bundles, tmp_path):
    words = LONG.replace(",", "").replace(";", "").split()
    pairs = [(f"the {a} of the {b}", f"{b} {a} up") for a, b in zip(words, words[5:], strict=False)]
    data = tmp_path / "pairs.tsv"
    rows = [f"{a}\t{b}\t{number % 4}" for number, (a, b) in enumerate(pairs)]
    data.write_text("\n".join(["one\ttwo\tscore", *rows]))
    bundle = bundles["sentence_embedding"]
    formats = ["tflite", "tflite-text", "tflite-int8"]
    artifacts = export(bundle, tmp_path / "out", formats, progress=False)
    report, paths = tmp_path / "report.json", [str(artifact.path) for artifact in artifacts]
    columns = ["--text_column", "one", "--pair_column", "two", "--label_column", "score"]
    words = ["verify", str(bundle), *paths, "--data", str(data), *columns]
    assert not cli.main([*words, "--report", str(report)])
    loaded = keras_bert_zoo.load(bundle, task="sentence_embedding")
    labels = [number % 4 for number in range(len(pairs))]
    scores = evaluate_similarity(loaded.model, loaded.tokenizer, *zip(*pairs, strict=True), labels)
    found = json.loads(report.read_text())
    assert found["metric"] == "spearman"
    assert found["keras"]["metric"] == pytest.approx(scores["spearman"], abs=0.01)
    assert found["keras"]["metric_interval"][0] < found["keras"]["metric_interval"][1]
    *exact, rounded = found["rows"]
    assert [row["drop"] for row in exact] == pytest.approx([0, 0], abs=0.01)
    assert [row["cosine"] for row in exact] == pytest.approx([1, 1])
    low, high = rounded["drop_interval"]
    assert low <= rounded["drop"] <= high
    texts = [*pairs[0], *pairs[1], *pairs[0]]
    vectors = encode(loaded.model, loaded.tokenizer, texts)
    for artifact in artifacts[:2]:
        found = predictor(artifact).encode(texts)
        np.testing.assert_allclose(found, vectors, rtol=0, atol=1e-5)
    with pytest.raises(ExportError, match="Only pairs may have labels"):
        verify(bundle, artifacts, Examples(["up"], labels=np.ones(1)), progress=False)


@pytest.mark.parametrize("task", [task for task in ASKED if task not in WHOLE_TEXTS])
def test_every_task_can_be_served(exported, tmp_path, task):
    artifact = exported[task][0]
    done = deploy(artifact, tmp_path / "tree", ASKED[task], batch_sizes=[1, 3])
    assert done.requests == 2 * 4 * len(artifact.signatures)


def test_files_are_read_before_there_is_a_model(bundles, exported, tmp_path):
    chosen = exported["token_classification"][:1]
    (tmp_path / "no-bundle").mkdir()
    shutil.copy(bundles["token_classification"] / "config.json", tmp_path / "no-bundle")
    with pytest.raises(FileNotFoundError, match=r"nowhere\.conll"):
        verify(tmp_path / "no-bundle", chosen, str(tmp_path / "nowhere.conll"), progress=False)
    data = tmp_path / "texts.jsonl"
    data.write_text('{"words": ["up"], "tags": ["O"]}\n')
    with pytest.raises(ValueError, match=r"texts\.jsonl, line 1.*'tokens'"):
        verify(tmp_path / "no-bundle", chosen, str(data), progress=False)
    with pytest.raises(ExportError, match="no artifacts"):
        verify(tmp_path / "no-bundle", [], str(data), progress=False)


def test_the_length_of_a_mean_is_the_embedders(bundles, tmp_path):
    """Clients know a mean by its hidden states; that its length is 1 is beside the graph."""
    plain = keras_bert_zoo.load(bundles["sentence_embedding"])
    embedder = keras_bert_zoo.SentenceEmbedder(plain.model, normalize=True, max_seq_length=6)
    path = keras_bert_zoo.save(embedder, plain.tokenizer, tmp_path / "bundle")
    [artifact] = export(path, tmp_path / "exported", ["onnx"], progress=False)
    assert artifact.task is None
    [expected] = keras_bert_zoo.predictor(path)(["the dog"])
    [found] = predictor(artifact)(["the dog"])
    assert found["embedding"] == pytest.approx(expected["embedding"], abs=1e-5)
    # So is where texts are cut.
    vectors = encode(embedder, plain.tokenizer, [LONG])
    np.testing.assert_allclose(predictor(artifact).encode([LONG]), vectors, rtol=0, atol=1e-5)
    assert np.abs(predictor(artifact, max_length=12).encode([LONG]) - vectors).max() > 1e-3


def test_a_crf_goes_along(bundles, randomise, tmp_path):
    """Its scores are beside the graph; the strings' signature finds the best path inside it."""
    plain = keras_bert_zoo.load(bundles["token_classification"])
    chained = randomise(plain.model.with_crf(), 5)
    path = keras_bert_zoo.save(chained, plain.tokenizer, tmp_path / "bundle")
    asked = ASKED["token_classification"]
    found = export(path, tmp_path / "exported", ["savedmodel", "onnx"], progress=False)
    options = {"constrained": True}
    for artifact in found:
        assert near(predictor(artifact)(asked), keras_bert_zoo.predictor(path)(asked))
        expected = keras_bert_zoo.predictor(path, options=options)(asked)
        assert near(predictor(artifact, options=options)(asked), expected)
        with pytest.raises(ValueError, match="crf is false"):
            predictor(artifact, options={"crf": False})
    chain = keras_bert_zoo.predictor(path)(asked)
    assert not near(chain, keras_bert_zoo.predictor(bundles["token_classification"])(asked))
    report = verify(path, found, asked, progress=False)
    assert report.passed and report.rows[0].text_difference < 1e-5, report.failures()


def test_summaries_of_texts_and_of_sentences(bundles, exported):
    """Both signatures in the session loader; `verify` asks that which fits what it was given."""
    task = "extractive_summarization"
    [artifact] = [each for each in exported[task] if each.format == "savedmodel"]
    signatures = {signature.name: signature for signature in artifact.signatures}
    assert [*signatures] == ["ids", "serving_default", "sentences"]
    text = ASKED[task][0]
    [answer] = keras_bert_zoo.predictor(bundles[task])([text])
    sentences = [text[start:end] for start, end in sentence_spans(text)]
    for name, given in (
        ("serving_default", {"text": [text, ""]}),
        ("sentences", {"sentences": [[*sentences, ""], [""] * (len(sentences) + 1)]}),
    ):
        [found] = measure(artifact, [signatures[name]], [given]).outputs
        assert found["summary_text"].tolist() == [answer["summary_text"], ""]
        assert found["indices"][0].tolist() == [each["index"] for each in answer["selected"]]
        assert found["texts"][1].tolist() == [""] * len(answer["selected"])
    for asked in ([text, ""], [["The fox. No dog.", "up"], ["no", "the price of the dog"], []]):
        [row] = verify(bundles[task], [artifact], asked, progress=False).rows
        assert not row.problems and row.text_difference < 1e-5


def test_verification_sees_other_sentences(bundles, exported, randomise, tmp_path):
    task = "extractive_summarization"
    bundle = keras_bert_zoo.load(bundles[task])
    other = keras_bert_zoo.save(randomise(bundle.model, 3), bundle.tokenizer, tmp_path / "other")
    shutil.copy(bundles[task] / "config.json", other)
    chosen = [each for each in exported[task] if each.format == "savedmodel"]
    [row] = verify(other, chosen, ASKED[task], progress=False).rows
    assert any("texts get other ['summary_text', 'texts']" in each for each in row.problems)


def test_what_is_empty_is_verified_too(bundles, exported):
    task = "question_answering"
    asked = [*ASKED[task], ("up", ""), ("", "no fox of the dog")]
    report = verify(bundles[task], exported[task], asked, progress=False)
    assert report.passed, report.failures()


def test_fixed_lengths_answer_in_windows(bundles, tmp_path):
    """A file of 16 and 32 tokens: what a long context is cut into fits the longest row."""
    task = "question_answering"
    [artifact] = export(bundles[task], tmp_path, ["tflite"], lengths=[16, 32], progress=False)
    ask = predictor(artifact)
    assert ask.task.settings.max_length == 32
    expected = keras_bert_zoo.predictor(bundles[task])(ASKED[task])
    assert all(map(near, ask(ASKED[task]), expected))
    report = verify(bundles[task], [artifact], ASKED[task], progress=False)
    assert report.passed and report.rows[0].agreement == 1
    with pytest.raises(ValueError, match="at most 32, received 40"):
        predictor(artifact, max_length=40)


def test_what_cannot_be_is_refused(bundles, exported, bundle, tmp_path):
    tagger, classifier = bundles["token_classification"], bundle
    with pytest.raises(ExportError, match=r"tflite-text.*token_classification"):
        export(tagger, tmp_path, ["tflite-text"], progress=False)
    with pytest.raises(ExportError, match=r"metadata.*for classifiers"):
        export(tagger, tmp_path, ["tflite"], lengths=16, metadata="mediapipe", progress=False)
    with pytest.raises(ExportError, match="instead of Examples"):
        verify(tagger, exported["token_classification"], Examples(["up"]), progress=False)
    with pytest.raises(ExportError, match="not of this bundle"):
        verify(classifier, exported["token_classification"], ["up"], progress=False)
    encoder = artifacts_of(bundles["masked_lm"], tmp_path / "encoder")
    with pytest.raises(ExportError, match=r"an encoder: pass its texts as"):
        verify(bundles["masked_lm"], encoder, ["up"], progress=False)
    with pytest.raises(TypeError, match=r"no arguments \['thread'\]"):
        verify(bundles["masked_lm"], encoder, Examples(["up"]), progress=False, thread=1)
    with pytest.raises(ExportError, match="task must be one of"):
        export(bundles["masked_lm"], tmp_path, ["onnx"], task="pretraining", progress=False)
    with pytest.raises(ExportError, match="quantize is for classifiers and encoders"):
        quantize(tagger, tmp_path, Examples(["up"]), progress=False)
    with pytest.raises(ExportError, match="no texts"):
        verify(tagger, exported["token_classification"], [], progress=False)
    with pytest.raises(FileNotFoundError, match="was exported of a bundle"):
        keras_bert_zoo.predictor(exported["masked_lm"][0].path)
    with pytest.raises(ValueError, match="leave out task"):
        opened(str(exported["masked_lm"][0].path), task="masked_lm")

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from unittest import mock

import pytest

from keras_bert_zoo import cli
from keras_bert_zoo.commands import predict
from keras_bert_zoo.commands.export import _formats_joined, _words, numbers


def test_help_lists_every_command(capsys):
    assert cli.main(["--help"]) == 0
    shown = capsys.readouterr().out
    for command in cli.COMMANDS:
        assert f"  {command} " in shown
    assert cli.main([]) == 0


def test_python_m_and_version():
    done = subprocess.run(
        [sys.executable, "-m", "keras_bert_zoo", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("keras-bert-zoo ")


def test_an_unknown_command_suggests_the_near_one(capsys):
    assert cli.main(["fintune"]) == 2
    assert "Did you mean 'finetune'?" in capsys.readouterr().err


@pytest.mark.parametrize("command", sorted(cli.COMMANDS))
def test_every_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main([command, "--help"])
    assert not stopped.value.code
    assert f"usage: keras-bert-zoo {command}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("command", "empty_texts", "text"),
    [
        ("evaluate", "keep", "column of the text; by default the task's"),
        ("calibrate", "keep", "column of the text; by default the task's"),
        ("verify", "error", "column of the text (type: str, default: text)"),
    ],
)
def test_columns_of_tables_have_the_same_options(command, empty_texts, text, capsys):
    with pytest.raises(SystemExit):
        cli.main([command, "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    for name in ("text", "pair", "label"):
        assert f"--{name}_column" in shown
    assert text in shown
    assert f"rows without text (default: {empty_texts})" in shown


def test_help_of_fine_tuning_loads_no_tensorflow():
    code = (
        "import sys; from keras_bert_zoo import cli\n"
        "for command in ('finetune', 'evaluate', 'predict'):\n"
        "    try: cli.main([command, '--help'])\n"
        "    except SystemExit as stopped: assert not stopped.code, stopped.code\n"
        "assert 'tensorflow' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["finetune", "no-such-recipe"], "no recipe file 'no-such-recipe'"),
        (["finetune", "--modle=x"], "Did you mean 'model'?"),
        (["finetune", "tweets-minilm", "--epochs=0"], "epochs must be an integer of at least 1"),
        (["evaluate", "no-such-bundle", "no.csv"], "no-such-bundle"),
    ],
)
def test_mistakes_end_as_one_message(words, complaint, capsys, monkeypatch):
    monkeypatch.delenv("KERAS_BERT_ZOO_DEBUG", raising=False)
    assert cli.main(words) == 2
    shown = capsys.readouterr().err
    assert complaint in shown
    assert "Traceback" not in shown
    monkeypatch.setenv("KERAS_BERT_ZOO_DEBUG", "1")
    with pytest.raises((ValueError, OSError)):
        cli.main(words)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """A classifier that takes texts with more "good" for class 1, by its bias and weights."""
    import keras

    from keras_bert_zoo import (
        BertEncoder,
        EncoderConfig,
        SequenceClassifier,
        WordPieceTokenizer,
        save,
    )

    keras.utils.set_random_seed(3)
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad"]
    config = EncoderConfig(
        vocab_size=len(vocabulary),
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
        max_position_embeddings=16,
        id2label={0: "bad", 1: "good"},
        problem_type="single_label_classification",
    )
    model = SequenceClassifier(BertEncoder(config))
    return save(model, WordPieceTokenizer(vocabulary), tmp_path_factory.mktemp("b") / "bundle")


def predictions(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_predict_and_evaluate_agree(bundle, tmp_path, capsys, monkeypatch):
    texts = ["good", "bad bad", "", "good bad good good bad"]
    assert cli.main(["predict", str(bundle), *texts]) == 0
    shown = predictions(capsys)
    assert [line["text"] for line in shown] == texts
    for line in shown:
        assert set(line["scores"]) == {"bad", "good"}
        assert sum(line["scores"].values()) == pytest.approx(1.0, abs=1e-5)

    import io

    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(texts) + "\n"))
    assert cli.main(["predict", str(bundle)]) == 0
    assert predictions(capsys) == shown

    labels = [max(line["scores"], key=line["scores"].get) for line in shown]
    labels[0] = "bad" if labels[0] == "good" else "good"
    path = tmp_path / "data.jsonl"
    rows = [{"text": text, "label": label} for text, label in zip(texts, labels, strict=True)]
    path.write_text("\n".join(map(json.dumps, rows)))
    for limit, accuracy in (([], 0.75), (["--limit", "2"], 0.5)):
        assert cli.main(["evaluate", str(bundle), str(path), *limit]) == 0
        assert json.loads(capsys.readouterr().out)["accuracy"] == accuracy
    assert cli.main(["evaluate", str(bundle), str(path), "--limit", "0"]) == 2
    assert "limit must be at least 1, or None, received 0" in capsys.readouterr().err

    # The same in another encoding, the empty text left out.
    path.write_text(path.read_text(), encoding="utf-16")
    options = ["--encoding", "utf-16", "--empty-texts", "drop"]
    assert cli.main(["evaluate", str(bundle), str(path), *options]) == 0
    assert json.loads(capsys.readouterr().out)["accuracy"] == pytest.approx(2 / 3)


def test_pairs_and_both_spellings_of_an_option(bundle, capsys, monkeypatch):
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO("good\tbad\nbad good bad\tgood\n"))
    assert cli.main(["predict", str(bundle), "--pairs", "--max_length", "5"]) == 0
    lines = predictions(capsys)
    assert [(line["text"], line["text_pair"]) for line in lines] == [
        ("good", "bad"),
        ("bad good bad", "good"),
    ]
    assert cli.main(["predict", str(bundle), "good\tbad", "--pairs", "--max-length=5"]) == 0
    assert predictions(capsys) == lines[:1]
    assert cli.main(["predict", str(bundle), "good", "--pairs"]) == 2
    assert "text 1 has 0 tabs" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["--options", "{temperature: 2}", "B", "good", "bad good"],
        ["B", "--options", "{temperature: 2}", "good", "bad good"],
        ["B", "good", "--options={temperature: 2}", "--max-length", "9", "bad good"],
        ["B", "--max-length=9", "good", "--options", "{temperature: 2}", "--", "bad good"],
    ],
)
def test_texts_stand_before_and_behind_options(bundle, words, capsys):
    words = [str(bundle) if word == "B" else word for word in words]
    assert cli.main(["predict", *words]) == 0
    found = predictions(capsys)
    assert [line["text"] for line in found] == ["good", "bad good"]
    assert cli.main(["predict", str(bundle), "good", "bad good"]) == 0
    assert predictions(capsys) != found


def test_every_option_of_predict_is_known(capsys):
    with pytest.raises(SystemExit):
        cli.main(["predict", "--help"])
    shown = re.findall(r"^  (--\w+)( [A-Z])?", capsys.readouterr().out, re.M)
    assert {name: int(bool(value)) for name, value in shown} == predict._VALUES


def test_questions_as_files_and_as_json(bundle, tmp_path, capsys, monkeypatch):
    import io

    path = tmp_path / "questions.csv"
    path.write_text("text,number\ngood,1\nbad good,2\n")
    assert cli.main(["predict", str(bundle), "--input", str(path)]) == 0
    read = predictions(capsys)
    assert [(line["text"], line["number"]) for line in read] == [("good", "1"), ("bad good", "2")]
    lines = [json.dumps({"text": line["text"], "number": line["number"]}) for line in read]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(lines)))
    assert cli.main(["predict", str(bundle), "--jsonl"]) == 0
    assert predictions(capsys) == read
    assert cli.main(["predict", str(bundle), "[1]", "--jsonl"]) == 2
    assert "line 1 must be a JSON object" in capsys.readouterr().err
    assert cli.main(["predict", str(bundle), "good", "--input", str(path)]) == 2
    assert "leave those out" in capsys.readouterr().err


def test_lines_of_an_open_pipe_are_answered(bundle, capsys, monkeypatch):
    reading, writing = os.pipe()
    with os.fdopen(reading) as stdin, os.fdopen(writing, "w") as pipe:
        monkeypatch.setattr("sys.stdin", stdin)
        codes = []
        command = ["predict", str(bundle), "--jsonl"]
        asking = threading.Thread(target=lambda: codes.append(cli.main(command)))
        asking.start()
        for text in ("good", "bad"):
            print(json.dumps({"text": text}), file=pipe, flush=True)
            shown, until = "", time.monotonic() + 120
            while not shown and time.monotonic() < until:
                time.sleep(0.05)
                shown = capsys.readouterr().out
            assert json.loads(shown)["text"] == text
        print('{"text": "good"}\n{"text": \n', file=pipe, flush=True)
        asking.join(120)
    assert codes == [2]
    shown = capsys.readouterr()
    assert json.loads(shown.out)["text"] == "good"
    assert "line 4 is no JSON" in shown.err


@pytest.mark.parametrize("from_file", [False, True])
def test_rows_before_one_that_cannot_be_asked_are_answered(
    bundle, from_file, tmp_path, capsys, monkeypatch
):
    import io

    rows = [{"text": "good"}, {"text": "bad"}, {"text": 3}, {"text": "good"}]
    content = "\n".join(map(json.dumps, rows))
    path = tmp_path / "rows.jsonl"
    path.write_text(content)
    monkeypatch.setattr("sys.stdin", io.StringIO(content))
    words = ["--input", str(path)] if from_file else ["--jsonl"]
    assert cli.main(["predict", str(bundle), *words]) == 2
    shown = capsys.readouterr()
    assert [json.loads(line)["text"] for line in shown.out.splitlines()] == ["good", "bad"]
    assert "line 3 must be a string" in shown.err
    assert ("text_column" in shown.err) == from_file


def test_a_file_is_asked_as_it_is_trained_on(bundle, tmp_path, capsys):
    path = tmp_path / "reviews.csv"
    path.write_text("stars;reviéw\n5;good\n1;bad good\n", encoding="latin-1")
    words = ["predict", str(bundle), "--input", str(path)]
    form = ["--delimiter", ";", "--encoding", "latin-1"]
    assert cli.main([*words, *form, "--text_column", "reviéw"]) == 0
    read = predictions(capsys)
    assert [(line["reviéw"], line["stars"]) for line in read] == [("good", "5"), ("bad good", "1")]
    assert cli.main(["predict", str(bundle), "good", "bad good"]) == 0
    assert [line["scores"] for line in predictions(capsys)] == [line["scores"] for line in read]
    assert cli.main([*words, *form]) == 2
    shown = capsys.readouterr().err
    assert f"{path}, line 2 must be a string" in shown and "with text_column" in shown
    path.write_text("text,label\n")
    assert cli.main(words) == 2
    assert f"{path} holds no rows." in capsys.readouterr().err
    assert cli.main(["predict", str(bundle), "good", "--text_column", "a"]) == 2
    assert "['text_column'] are of a file" in capsys.readouterr().err


def test_of_several_artifacts_one_is_to_be_named(tmp_path, capsys):
    inside = [tmp_path / name for name in ("onnx", "tflite")]
    for path in inside:
        path.mkdir()
        (path / "manifest.json").write_text("{}")
    (tmp_path / "data.csv").touch()
    evaluation = ["evaluate", str(tmp_path), str(tmp_path / "data.csv")]
    for words in (["predict", str(tmp_path), "good"], evaluation):
        assert cli.main(words) == 2
        assert f"pass one of {[str(path) for path in inside]}" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["evaluate"], ["predict", "--input"]])
def test_a_file_that_is_missing_is_told_before_a_model_is_loaded(words, bundle, capsys):
    command, *option = words
    with mock.patch("keras_bert_zoo.tasks.predictor.predictor") as loading:
        assert cli.main([command, str(bundle), *option, "no.csv"]) == 2
    assert "There is no data file 'no.csv'" in capsys.readouterr().err
    loading.assert_not_called()


def test_a_bundle_with_exports_inside_is_a_bundle(bundle, tmp_path, capsys):
    shutil.copytree(bundle, tmp_path / "b")
    (tmp_path / "b" / "onnx").mkdir()
    (tmp_path / "b" / "onnx" / "manifest.json").write_text("{}")
    assert cli.main(["predict", str(tmp_path / "b"), "good"]) == 0
    assert predictions(capsys)[0]["text"] == "good"


@pytest.mark.parametrize("words", [["predict", "RUN", "good"], ["export", "RUN", "--output", "x"]])
def test_of_a_run_the_bundle_is_asked(words, tmp_path):
    """Before TensorFlow loads."""
    (tmp_path / "run" / "bundle").mkdir(parents=True)
    (tmp_path / "run" / "bundle" / "config.json").write_text("{}")
    code = (
        "import sys; from keras_bert_zoo import cli\n"
        "assert cli.main(sys.argv[1:]) == 2 and 'tensorflow' not in sys.modules"
    )
    words = ["run" if word == "RUN" else word for word in words]
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert f"'run' is the directory of a run: pass {Path('run', 'bundle')}." in done.stderr
    assert done.returncode == 0, done.stderr


def test_formats_are_separated_by_commas_or_spaces():
    for words in (["tflite,onnx"], ["tflite", "onnx"], ["tflite,", "onnx"], ["tflite", ",onnx"]):
        joined = _formats_joined(["a", "--formats", *words, "--output", "onnx"])
        assert joined == ["a", "--formats", "tflite,onnx", "--output", "onnx"]
    joined = _formats_joined(["--formats", "tflite, onnx", "onnx-int8 savedmodel", "b"])
    assert joined == ["--formats", "tflite,onnx,onnx-int8,savedmodel", "b"]
    assert _words("tflite, onnx  savedmodel,") == ["tflite", "onnx", "savedmodel"]
    assert _words("[tflite, onnx]") == ["tflite", "onnx"]
    assert numbers("lengths", "[32, 64]") == numbers("lengths", "32 64") == [32, 64]


def test_texts_after_two_dashes_are_taken_as_they_are(bundle, capsys):
    assert cli.main(["predict", str(bundle), "--", "--so-so-film good"]) == 0
    assert predictions(capsys)[0]["text"] == "--so-so-film good"

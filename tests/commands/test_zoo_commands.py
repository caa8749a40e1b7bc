"""``list`` and ``info``: what they show, and what they refuse."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import writers
from safetensors.numpy import load_file

from keras_bert_zoo import cli, save
from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.zoo import CHECKPOINTS, TASKS

GOLDEN = pathlib.Path(__file__).parents[1] / "golden"


def shown(capsys, *words: str) -> str:
    assert cli.main([*words]) == 0
    return capsys.readouterr().out


def complaint(capsys, *words: str) -> str:
    assert cli.main([*words]) == 2
    return capsys.readouterr().err


# === list ===


def test_list_shows_every_name_in_80_characters(capsys):
    lines = shown(capsys, "list").splitlines()
    assert max(map(len, lines)) <= 80
    assert {line.split()[0] for line in lines if line.strip()} >= {*CHECKPOINTS, *TASKS}
    assert f"{len(CHECKPOINTS)} checkpoints" in lines[-1]


def test_choices_hold_together(capsys):
    words = ["list", "--language", "zh", "--max-params", "30M", "--task=sentence_embedding"]
    assert [row["name"] for row in json.loads(shown(capsys, *words, "--json"))] == [
        "bge-small-zh-v1.5"
    ]
    assert "1 checkpoint." in shown(capsys, *words)
    assert "0 checkpoints." in shown(capsys, *words, "--licence", "Apache-2.0")


def test_json_holds_all_that_is_known(capsys):
    rows = json.loads(shown(capsys, "list", "--json"))
    assert [row["name"] for row in rows] == list(CHECKPOINTS)
    for row in rows:
        known = CHECKPOINTS[row["name"]]
        assert row["parameters"] == known.parameters and row["source"] == known.source
        assert EncoderConfig.from_dict(row["config"]) == known.config
        assert row["paper"] == known.paper.arxiv and row["languages"] == [*known.languages]


@pytest.mark.parametrize(
    ("text", "least"),
    [
        *(("5000000", 5e6), ("5M", 5e6), ("5e6", 5e6), ("2.4E7", 2.4e7)),
        *(("0.0335B", 33.5e6), ("23953.92k", 23953920)),
    ],
)
def test_a_number_of_parameters(text, least, capsys):
    names = {
        row["name"] for row in json.loads(shown(capsys, "list", "--json", "--max_params", text))
    }
    assert names == {name for name, row in CHECKPOINTS.items() if row.parameters <= least}


def test_case_does_not_matter(capsys):
    for given, spelled in (
        (["--licence", "apache-2.0"], ["--licence", "Apache-2.0"]),
        (["--language", "ZH"], ["--language", "zh"]),
    ):
        assert shown(capsys, "list", *given) == shown(capsys, "list", *spelled)


def test_mistakes_of_list(capsys):
    for text in ("lots", "1e999", "e6"):
        assert "a number like 30M" in complaint(capsys, "list", "--max-params", text)
    assert "Did you mean 'MIT'" in complaint(capsys, "list", "--licence", "mitt")
    assert "task must be one of" in complaint(capsys, "list", "--task", "classification")


# === info ===


def test_info_of_a_name(capsys):
    text = shown(capsys, "info", "bert-base-multilingual-cased", "--batch", "2", "--length", "16")
    for part in (
        "177,853,440",
        "119,547",
        "Apache-2.0",
        "hf://google-bert/bert-base-multilingual-cased",
        "bert_models/2018_11_23/multi_cased_L-12_H-768_A-12.zip",
        "2 rows of 16 tokens",
        "711.4 MB",  # four bytes a weight
        "tflite-int8",
        "eprint = {1810.04805}",
    ):
        assert part in text


@pytest.mark.parametrize("name", sorted(CHECKPOINTS))
def test_info_of_every_name(name, capsys):
    text = shown(capsys, "info", name)
    assert f"{CHECKPOINTS[name].parameters:,}" in text and f"@misc{{{name}," in text


def test_operations_grow_with_the_batch_and_memory_with_both(capsys):
    def facts(*words: str) -> dict[str, str]:
        lines = shown(capsys, "info", "bert-mini", *words).splitlines()
        return dict(line.strip().split("  ", 1) for line in lines if "  " in line.strip())

    small, large = facts("--batch", "1"), facts("--batch", "10")
    token, batch = (large["operations to predict"].split()[i] for i in (0, 3))
    assert float(batch) == pytest.approx(10 * 128 * float(token), rel=0.01)
    assert small["operations to predict"].split()[0] == token
    assert small["weights"] == large["weights"] and small["weights"].endswith("44.7 MB")
    assert small["memory to train"] != large["memory to train"]


def test_info_of_a_directory(capsys):
    text = " ".join(shown(capsys, "info", str(GOLDEN / "bert")).split())
    tensors = load_file(GOLDEN / "bert" / "model.safetensors")
    assert f"{sum(map(np.size, tensors.values())):,} numbers in {len(tensors)} tensors" in text
    assert "task encoder" in text and "32 rows of 20 tokens" in text
    assert "@misc" not in text


def test_mistakes_of_info(capsys, tmp_path, monkeypatch):
    assert "Did you mean 'bert-tiny'" in complaint(capsys, "info", "bert-tini")
    assert "length must be from 1 to 512" in complaint(
        capsys, "info", "bert-tiny", "--length", "513"
    )
    assert "batch must be at least 1" in complaint(capsys, "info", "bert-tiny", "--batch", "0")
    for number in range(100):
        (tmp_path / f"{number}.conf").touch()
    said = complaint(capsys, "info", str(tmp_path))
    assert "is no checkpoint: it holds no config.json" in said
    assert "['0.conf', '1.conf', '10.conf'" in said and "99.conf" not in said
    # The working directory is no answer, even where it is a checkpoint.
    monkeypatch.chdir(GOLDEN / "bert")
    assert "received '', and there is no such directory" in complaint(capsys, "info", "")


@pytest.mark.parametrize("kind", writers.CONFIGS)
def test_models_that_write(kind, capsys, tmp_path):
    source = save(writers.tiny_writer(kind), None, tmp_path / "source")
    for command, *rest in (["info"], ["convert", str(tmp_path / "out"), "--to", "hf"]):
        words = [command, str(source), *rest]
        said = " ".join(complaint(capsys, *words).split())
        assert "holds a model that writes, not an encoder" in said and "export take it" in said


def test_names_load_no_framework_and_directories_no_tensorflow():
    code = (
        "import sys; from keras_bert_zoo import cli\n"
        "assert not cli.main(['list']) and not cli.main(['info', 'bert-tiny'])\n"
        "assert not {'tensorflow', 'keras', 'numpy'} & {*sys.modules}\n"
        f"assert not cli.main(['info', {str(GOLDEN / 'bert')!r}])\n"
        f"assert not cli.main(['info', {str(GOLDEN / 'bin_legacy')!r}])\n"
        "assert not {'tensorflow', 'keras'} & {*sys.modules}"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr

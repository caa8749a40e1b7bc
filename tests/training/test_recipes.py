from __future__ import annotations

import subprocess
import sys

import pytest
import yaml

from keras_bert_zoo.config import ConfigError
from keras_bert_zoo.training.recipe import FinetuneRecipe
from keras_bert_zoo.training.recipe_files import find_recipe, packaged_recipes, parse_recipe

REQUIRED = ["--model=m", "--output=o", "--train=t.csv"]


def parse(*arguments):
    return parse_recipe(FinetuneRecipe, arguments, "finetune", "finetune")


@pytest.mark.parametrize("path", packaged_recipes("finetune"), ids=lambda path: path.stem)
def test_every_recipe_of_the_package_is_one(path):
    recipe = parse(path.stem)
    assert recipe.output == f"runs/{path.stem}"
    head = path.read_text().split("\nmodel:")[0]
    for word in ("arXiv", f"keras-bert-zoo finetune {path.stem}", "Hardware:", "Cost:", "Result:"):
        assert word in head, f"the header of {path.name} does not state {word!r}"


def test_the_package_has_recipes():
    assert len(packaged_recipes("finetune")) >= 5


def test_the_command_line_changes_a_file(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("model: m\noutput: o\ntrain: t.csv\nlearning_rate: 2e-5\nlabels: [b, a]\n")
    recipe = parse(str(path), "--epochs", "7", "--resume", "--output=p")
    assert recipe == FinetuneRecipe(
        model="m", output="p", train="t.csv", learning_rate=2e-5, labels=["b", "a"],
        epochs=7, resume=True,
    )  # fmt: skip


def test_flags_alone_make_a_recipe():
    recipe = parse(*REQUIRED, "--overwrite", "--labels=[x, y]", "--resume=false")
    assert recipe.overwrite and not recipe.resume
    assert recipe.labels == ["x", "y"]


@pytest.mark.parametrize(
    ("arguments", "complaints"),
    [
        ([*REQUIRED, "--lerning_rate=1"], ["'lerning_rate'", "Did you mean 'learning_rate'"]),
        (
            [*REQUIRED, "--epochs=many"],
            ["epochs must be a whole number, e.g. --epochs 3, received many"],
        ),
        (
            [*REQUIRED, "--layer_decay=x"],
            ["layer_decay must be a number, e.g. --layer_decay 0.1, received x"],
        ),
        ([*REQUIRED, "--correct_bias=maybe"], ["correct_bias must be true or false"]),
        (
            [*REQUIRED, "--options=[1]"],
            ["options must be keys with values, e.g. --options '{key: value}', received [1]"],
        ),
        (["--model=m"], ["output"]),
        ([*REQUIRED, "--epochs=0", "--warmup_ratio=2"], ["epochs", "warmup_ratio"]),
        ([*REQUIRED, "--layer_decay=1.5"], ["layer_decay", "1.5"]),
        ([*REQUIRED, "--problem_type=ranking"], ["problem_type", "regression", "'ranking'"]),
        ([*REQUIRED, "--patience=1"], ["validation"]),
        ([*REQUIRED, "--resume", "--overwrite"], ["exclude each other"]),
        ([*REQUIRED, "--labels=[a, a]"], ["distinct"]),
        (
            [*REQUIRED, "--labels=good"],
            ["labels must be a list of strings, e.g.", "received good"],
        ),
        (
            [*REQUIRED, "--buckets", "3"],
            ["buckets must be a list of whole numbers, e.g. --buckets '[1, 2, 3]', received 3"],
        ),
        (
            [*REQUIRED, "--buckets", "[8, x]"],
            ["buckets must be a list of whole numbers, e.g. --buckets '[1, 2", "received [8, 'x']"],
        ),
        (
            [*REQUIRED, "--labels", "[1, bad]"],
            [
                "labels must be a list of strings, e.g. ",
                '["first", "second"]',
                "received [1, 'bad']",
            ],
        ),
        ([*REQUIRED, "--fold=[3, 2]"], ["fold must be [k, n]", "[3, 2]"]),
        ([*REQUIRED, "--fold=[1, 2]", "--validation=v.csv"], ["leave validation out"]),
        ([*REQUIRED, "--freeze_layers=-1"], ["freeze_layers", "-1"]),
        (
            [*REQUIRED, "--problem_type=regresion", "--dtype=half"],
            ["received 'regresion' (did you mean 'regression'?)", "dtype must be one of ('float32"],
        ),
        (
            [*REQUIRED, "--lora_rank=0"],
            ["lora_rank must be an integer of at least 1, or None, received 0"],
        ),
        ([*REQUIRED, "--lora_rank=2", "--lora_alpha=0"], ["lora_alpha must be a positive number"]),
        ([*REQUIRED, "--lora_targets=[query]"], ["need a lora_rank"]),
        ([*REQUIRED, "--task=masked_lm"], ["learns from text alone: keras-bert-zoo pretrain"]),
    ],
)
def test_mistakes_on_the_command_line(arguments, complaints):
    with pytest.raises(ConfigError) as caught:
        parse(*arguments)
    for complaint in complaints:
        assert complaint in str(caught.value)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("model: m\nbatchsize: 3\n", r"batchsize.*Did you mean 'batch_size'"),
        ("model: m\nwholly: 3\n", "Known are"),
        ("- a\n", "keys and values.*holds a list"),
        ("# later\n", "holds nothing"),
        ("a: [", "not valid YAML"),
        (
            "model: m\noutput: o\ntrain: t\nlabels: good\n",
            "labels must be a list of strings, .*good",
        ),
    ],
)
def test_mistakes_in_a_file(tmp_path, content, complaint):
    path = tmp_path / "mine.yaml"
    path.write_text(content)
    with pytest.raises(ConfigError, match=complaint):
        parse(str(path))


def test_unknown_recipes_suggest_the_near_one():
    with pytest.raises(FileNotFoundError, match="Did you mean 'tweets-minilm'"):
        find_recipe("tweet-minilm", "finetune")


def test_print_config_is_a_recipe(tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        parse("tweets-minilm", "--seed=5", "--print_config")
    assert stopped.value.code == 0
    path = tmp_path / "printed.yaml"
    path.write_text(capsys.readouterr().out)
    assert yaml.safe_load(path.read_text())["seed"] == 5
    assert parse(str(path)) == parse("tweets-minilm", "--seed=5")


def test_a_recipe_loads_no_tensorflow():
    code = (
        "import sys; from keras_bert_zoo.training import recipe, recipe_files;"
        "recipe_files.parse_recipe(recipe.FinetuneRecipe, ['tweets-minilm'], 'finetune', 'p');"
        "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_command_line_wins_wherever_the_file_stands(tmp_path):
    path = tmp_path / "my recipe.yaml"
    path.write_text("model: m\noutput: o\ntrain: t.csv\nseed: 3\n")
    for words in (["--output=p", f"--config={path}"], ["--output", "p", "--config", str(path)]):
        recipe = parse(*words)
        assert (recipe.output, recipe.seed) == ("p", 3)
    with pytest.raises(ConfigError, match="Give one recipe, as RECIPE or with --config"):
        parse("tweets-minilm", "--config", str(path))
    with pytest.raises(ConfigError, match="output, train"):
        parse()
    with pytest.raises(ConfigError, match="model"):
        parse("--output", "o", "--train", "t.csv")

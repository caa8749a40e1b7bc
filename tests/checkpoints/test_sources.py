"""Every source becomes a directory, or an error that says what to do."""

from __future__ import annotations

import pathlib
import shutil
import sys
from collections.abc import Iterator

import pytest

from keras_bert_zoo import zoo
from keras_bert_zoo.checkpoints import sources

GOLDEN = pathlib.Path(__file__).parents[1] / "golden"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


# === Directories and packages ===


def test_directory(tmp_path: pathlib.Path) -> None:
    assert sources.resolve(tmp_path) == sources.resolve(str(tmp_path)) == tmp_path
    (tmp_path / "file").touch()
    with pytest.raises(FileNotFoundError, match="is not a directory"):
        sources.resolve(tmp_path / "file")
    with pytest.raises(FileNotFoundError, match="does not exist"):
        sources.resolve(tmp_path / "nothing")


@pytest.fixture
def package(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An installed package that must not be imported."""
    folder = tmp_path / "kept_weights"
    (folder / "model").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    yield "kept_weights"
    assert "kept_weights" not in sys.modules


def test_package(package: str) -> None:
    assert sources.resolve(f"package://{package}/model").parts[-2:] == (package, "model")
    with pytest.raises(FileNotFoundError, match=r"no folder 'models'; it has \['model'\]"):
        sources.resolve(f"package://{package}/models")


def test_package_that_is_not_installed() -> None:
    with pytest.raises(FileNotFoundError, match="Install the distribution that provides it"):
        sources.resolve("package://no_such_weights/model")
    with pytest.raises(FileNotFoundError, match="'os' is a module without a folder"):
        sources.resolve("package://os/path")


def test_a_file_of_keras(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also by its bare name, which could be one of the zoo."""
    (tmp_path / "mine.keras").touch()
    monkeypatch.chdir(tmp_path)
    for source in ("mine.keras", "./mine.keras", tmp_path / "mine.keras"):
        with pytest.raises(FileNotFoundError, match=r"convert .*mine.keras DIRECTORY --to hf"):
            sources.resolve(zoo.resolve(source))


@pytest.mark.parametrize(
    "source", ["package://", "package://a.b/model", "package://json/../os", "hf://name", "s3://a/b"]
)
def test_malformed(source: str) -> None:
    with pytest.raises(ValueError, match=r"source must .*received"):
        sources.resolve(source)


# === Hugging Face, offline ===


@pytest.fixture
def cache(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """Hugging Face's cache, made by hand: one repository, one commit, reference `main`."""
    from huggingface_hub import constants

    # The library reads the environment when it is imported.
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    repository = tmp_path / "models--some-org--some-bert"
    shutil.copytree(GOLDEN / "bert", repository / "snapshots" / COMMIT)
    (repository / "refs").mkdir()
    (repository / "refs/main").write_text(COMMIT)
    return tmp_path


@pytest.mark.parametrize("revision", ["", "@main", f"@{COMMIT}"])
def test_cached_repository(revision: str, cache: pathlib.Path) -> None:
    directory = sources.resolve(f"hf://some-org/some-bert{revision}")
    assert directory.name == COMMIT and (directory / "model.safetensors").is_file()


@pytest.mark.parametrize("name", ["some-org/other", "some-org/some-bert@v2"])
def test_repository_that_is_not_cached(name: str, cache: pathlib.Path) -> None:
    with pytest.raises(FileNotFoundError, match="neither in the local cache nor could it be"):
        sources.resolve(f"hf://{name}")

"""A directory is replaced whole or not at all, whenever its writer dies."""

from __future__ import annotations

import pathlib
import signal
import subprocess
import sys

import pytest

from keras_bert_zoo import atomic
from keras_bert_zoo.atomic import atomic_directory

# Kills itself at the n-th action that Python's audit hooks see: opening a file, making or
# renaming a directory, calling the system library, removing a file.
REPLACE_AND_DIE = """
import os, pathlib, signal, sys
from keras_bert_zoo.atomic import atomic_directory

left = int(sys.argv[2])
def count(event, arguments):
    global left
    if event.startswith(("open", "os.", "shutil.", "ctypes.")):
        left -= 1
        if left == -1:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(count)
with atomic_directory(pathlib.Path(sys.argv[1])) as temporary:
    for name in "ab":
        (temporary / name).write_text("new")
"""
OLD, NEW = {"a": "old", "c": "old"}, {"a": "new", "b": "new"}


def write(directory: pathlib.Path, files: dict[str, str]) -> None:
    directory.mkdir(exist_ok=True)
    for name, text in files.items():
        (directory / name).write_text(text)


def read(directory: pathlib.Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in directory.iterdir()}


def test_killed_at_every_step(tmp_path: pathlib.Path) -> None:
    target, found = tmp_path / "target", []
    write(target, OLD)
    for step in range(200):
        command = [sys.executable, "-c", REPLACE_AND_DIE, str(target), str(step)]
        code = subprocess.run(command, check=False).returncode
        found.append(read(target))
        if code == 0:
            break
        assert code == -signal.SIGKILL
    assert found[0] == OLD and found[-1] == NEW
    assert len(found) > 10 and all(files in (OLD, NEW) for files in found)
    # The last run, which was not killed, has cleaned up after all the others.
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


@pytest.mark.parametrize("exchange", [True, False])
@pytest.mark.parametrize("old", [None, {}, OLD])
def test_replaced(
    old: dict[str, str] | None,
    exchange: bool,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not exchange:
        monkeypatch.setattr(atomic, "_exchange", lambda new, old: False)
    target = tmp_path / "target"
    if old is not None:
        write(target, old)
    with atomic_directory(target) as temporary:
        write(temporary, NEW)
        assert not target.exists() if old is None else read(target) == old
    assert read(target) == NEW
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_an_error_changes_nothing(error: type[BaseException], tmp_path: pathlib.Path) -> None:
    target = tmp_path / "target"
    write(target, OLD)
    with pytest.raises(error), atomic_directory(target) as temporary:
        write(temporary, NEW)
        raise error
    assert read(target) == OLD
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def test_a_failed_rename_puts_the_old_one_back(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(atomic, "_exchange", lambda new, old: False)
    target = tmp_path / "target"
    write(target, OLD)
    with pytest.raises(FileNotFoundError), atomic_directory(target) as temporary:
        temporary.rmdir()
    assert read(target) == OLD


def test_a_writer_at_work_is_left_alone(tmp_path: pathlib.Path) -> None:
    target = tmp_path / "target"
    with atomic_directory(target) as slow:
        write(slow, OLD)
        with atomic_directory(target) as quick:
            write(quick, NEW)
        assert read(slow) == OLD and read(target) == NEW
    assert read(target) == OLD


def test_a_link_to_a_directory_stays_a_link(tmp_path: pathlib.Path) -> None:
    write(tmp_path / "real", OLD)
    (tmp_path / "link").symlink_to("real")
    with atomic_directory(tmp_path / "link") as temporary:
        write(temporary, NEW)
    assert (tmp_path / "link").is_symlink() and read(tmp_path / "real") == NEW

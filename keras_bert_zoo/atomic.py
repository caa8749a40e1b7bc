"""Writing a directory or a file so that it is there whole or not at all."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import pathlib
import shutil
import uuid
from collections.abc import Iterator

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


@contextlib.contextmanager
def atomic_directory(target: pathlib.Path) -> Iterator[pathlib.Path]:
    """Yields a temporary directory that takes the place of ``target`` at the end.

    The temporary directory is a sibling, ``.<name>.saving-<id>``. When the block ends its
    files are forced to disk and it is renamed; when the block raises it is removed. Until
    the rename ``target`` is untouched. What killed writers left is removed at the start.

    Raises:
        OSError: the directory cannot be created, written or renamed; ``target`` is as it was.
    """
    target = target.resolve()
    with made(target.parent):
        remove_leftovers(target)
        temporary = target.parent / f"{_prefix(target)}{uuid.uuid4().hex}"
        temporary.mkdir()
        with locked(temporary):
            try:
                yield temporary
                _sync(temporary)
                _replace(temporary, target)
                _sync_one(target.parent)
            finally:
                # After an exchange this is the directory that was replaced.
                shutil.rmtree(temporary, ignore_errors=True)


@contextlib.contextmanager
def made(directory: pathlib.Path) -> Iterator[None]:
    """Makes a directory with its parents; those that are empty in the end are removed again."""
    missing = [path for path in (directory, *directory.parents) if not path.exists()]
    directory.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # the first one that is not empty
            for path in missing:
                path.rmdir()


def write_text(path: pathlib.Path, text: str) -> None:
    """Writes a file in UTF-8, see ``write_bytes``."""
    write_bytes(path, text.encode())


def write_bytes(path: pathlib.Path, content: bytes) -> None:
    """Writes a file through a sibling that takes its place; makes its directory.

    Raises:
        OSError: it cannot be written; what was there is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{_prefix(path)}{uuid.uuid4().hex}")
    try:
        temporary.write_bytes(content)
        _sync_one(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def check_switch(name: str, value: object) -> None:
    """Refuses a switch that is not ``True`` or ``False``: ``"no"`` would count as true."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, received {value!r}.")


def _prefix(target: pathlib.Path) -> str:
    return f".{target.name}.saving-"


@contextlib.contextmanager
def locked(directory: pathlib.Path) -> Iterator[None]:
    """Holds a lock that the system drops when the process dies, however it does.

    Raises:
        BlockingIOError: another process holds it.
    """
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def alone(directory: pathlib.Path) -> Iterator[None]:
    """Keeps other runs out of an output directory until this one ends, however it does.

    The directory is made; a run that leaves nothing leaves no directory either.

    Raises:
        FileExistsError: one writes into it.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(made(directory))
        try:
            stack.enter_context(locked(directory))
        except BlockingIOError as error:
            raise FileExistsError(
                f"output {str(directory)!r}: another run writes into it at this moment. Wait for "
                "its end, or take another directory."
            ) from error
        yield


def remove_leftovers(target: pathlib.Path) -> None:
    """Removes what killed writers of ``target`` left beside it, but not what others write."""
    for leftover in target.parent.glob(f"{_prefix(target)}*"):
        with contextlib.suppress(OSError), locked(leftover):
            shutil.rmtree(leftover)


def _sync(directory: pathlib.Path) -> None:
    for path in directory.rglob("*"):
        _sync_one(path)
    _sync_one(directory)


def _sync_one(path: pathlib.Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _replace(new: pathlib.Path, old: pathlib.Path) -> None:
    if not old.exists() or not any(old.iterdir()):
        new.rename(old)
    elif not _exchange(new, old):
        _replace_in_two_steps(new, old)


def _exchange(new: pathlib.Path, old: pathlib.Path) -> bool:
    """Swaps two directories in one step; returns False where the system cannot."""
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        return False
    paths = (_AT_FDCWD, os.fsencode(new), _AT_FDCWD, os.fsencode(old))
    return renameat2(*paths, _RENAME_EXCHANGE) == 0


def _replace_in_two_steps(new: pathlib.Path, old: pathlib.Path) -> None:
    """Without an exchange there is a moment in which only the backup exists."""
    backup = old.with_name(f"{old.name}.replaced-{uuid.uuid4().hex}")
    old.rename(backup)
    try:
        new.rename(old)
    except OSError:
        backup.rename(old)
        raise
    shutil.rmtree(backup, ignore_errors=True)

"""Calls in a fresh Python process.

Conversions need several times the weights and never give all of it back, and an artifact
proves little in the process that wrote it: both run in a child of their own. The request
goes to the child's standard input and events and the answer come back from its standard
output, pickled; both ends are this module.
"""

from __future__ import annotations

import importlib
import os
import pickle
import runpy
import subprocess
import sys
import tempfile
import traceback
import types
from collections.abc import Callable, Iterable
from typing import IO, Any

from keras_bert_zoo.startup import leave_out_what_is_loaded_in_vain
from keras_bert_zoo.tasks import OWN_MODULES

from .errors import ExportError

# What a child calls the script that its parent runs, as those of ``multiprocessing`` do.
_SCRIPT = "__mp_main__"
_EVENT, _ANSWER, _ERROR = "event", "answer", "error"
_ENVIRONMENT = {
    "KERAS_BACKEND": "tensorflow",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    # A GPU's TF32 products differ from float32 by more than a format does.
    "CUDA_VISIBLE_DEVICES": "-1",
}
_channel: IO[bytes] | None = None


def call(
    function: Callable[..., Any],
    *arguments: Any,
    hide: Iterable[str] = (),
    on_event: Callable[[Any], None] = lambda event: None,
) -> Any:
    """Calls a module-level function in a fresh process.

    Args:
        function: of an importable module; found there by its name.
        arguments: anything that can be pickled.
        hide: packages that the child must not be able to import.
        on_event: receives what the function passes to ``emit``.

    Returns:
        What the function returned.

    Raises:
        ExportError: the child died, or raised an error that only it knows.
        Exception: the built-in errors and those of this project, as raised in the child.
    """
    hidden = tuple(hide)
    # A child that must not import Keras only runs a file, of whatever task.
    world = (hidden, sys.path, {} if hidden else _own_tasks())
    request = (world, (function.__module__, function.__qualname__, arguments))
    command = [sys.executable, "-P", "-m", __name__]
    with tempfile.TemporaryFile() as log:
        pipes: dict[str, Any] = {
            "stdin": subprocess.PIPE,
            "stdout": subprocess.PIPE,
            "stderr": log,
        }
        environment = {**os.environ, **_ENVIRONMENT}
        with subprocess.Popen(command, env=environment, **pipes) as child:
            try:
                return _converse(child, request, on_event)
            except (EOFError, BrokenPipeError) as error:
                raise ExportError(_obituary(child, log)) from error
            finally:
                child.kill()  # after its answer, nothing is left for it to do


def _own_tasks() -> dict[str, str]:
    """Modules that registered tasks, with their files."""
    sys.modules.setdefault(_SCRIPT, sys.modules["__main__"])  # answers hold objects of it
    if lost := [name for name, file in OWN_MODULES.items() if not file]:
        raise ExportError(
            f"Tasks of your own are defined in {lost}, of which there is no file that another "
            "process could read. Move them to a module, and import it."
        )
    return {name: str(file) for name, file in OWN_MODULES.items()}


def emit(event: Any) -> None:
    """Sends an event from a called function to its caller; does nothing elsewhere."""
    if _channel is not None:
        _send(_EVENT, event)


def _converse(child: Any, request: Any, on_event: Callable[[Any], None]) -> Any:
    with child.stdin as pipe:
        for part in request:
            pickle.dump(part, pipe)
    while True:
        kind, content = pickle.load(child.stdout)
        if kind == _EVENT:
            on_event(content)
        elif kind == _ERROR:
            raise content
        else:
            return content


def _obituary(child: Any, log: IO[bytes]) -> str:
    status = child.wait()
    log.seek(0)
    tail = "\n".join(log.read().decode(errors="replace").splitlines()[-15:])
    reason = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
    hint = " (out of memory?)" if status == -9 else ""
    return f"The child process {reason}{hint}. Its last words:\n{tail}"


def _send(kind: str, content: Any) -> None:
    assert _channel is not None
    pickle.dump((kind, content), _channel)
    _channel.flush()


def _portable(error: Exception) -> Exception:
    """The error itself if the caller can rebuild it, else its text."""
    trace = traceback.format_exc()
    try:
        known = type(error).__module__.partition(".")[0] in ("builtins", "keras_bert_zoo")
        pickle.loads(pickle.dumps(error))
    except Exception:  # whatever a foreign class raises while it is copied
        known = False
    portable = error if known else ExportError(f"{type(error).__name__}: {error}")
    portable.add_note(f"In the child process:\n{trace}")
    return portable


class _Hiding:
    """A finder that does not find some packages: ``None``, as if they were not installed."""

    def __init__(self, finder: Any, hidden: tuple[str, ...]) -> None:
        self.finder = finder
        self.hidden = hidden

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name.partition(".")[0] in self.hidden:
            return None
        return self.finder.find_spec(name, path, target)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.finder, name)


def _register(own: dict[str, str], path: list[str]) -> None:
    """Lets modules, or the script, register their tasks here too."""
    if own:
        sys.path[:] = path
    for name, file in own.items():
        if name in ("__main__", _SCRIPT):
            script = types.ModuleType(_SCRIPT)
            vars(script).update(runpy.run_path(file, run_name=_SCRIPT))
            sys.modules["__main__"] = sys.modules[_SCRIPT] = script
        else:
            importlib.import_module(name)


def _serve(channel: IO[bytes]) -> None:
    """The child: one request, any number of events, one answer."""
    global _channel
    _channel = channel
    hidden, path, own = pickle.load(sys.stdin.buffer)
    leave_out_what_is_loaded_in_vain()
    if hidden:
        sys.meta_path[:] = [_Hiding(finder, hidden) for finder in sys.meta_path]
    try:
        _register(own, path)
        name, function, arguments = pickle.load(sys.stdin.buffer)
        answer = getattr(importlib.import_module(name), function)(*arguments)
    except Exception as error:
        _send(_ERROR, _portable(error))
    else:
        _send(_ANSWER, answer)


if __name__ == "__main__":
    # The module that `emit` belongs to, rather than its copy called `__main__`.
    from . import process

    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # libraries that print must not write into the channel
    process._serve(answers)

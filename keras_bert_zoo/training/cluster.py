"""Several workers on this machine, for trials: processes that talk over the loopback."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from types import FrameType

# Seconds that workers have to end by themselves once one of them is gone.
GRACE = 20.0
_STOP = (signal.SIGINT, signal.SIGTERM)


def workers_of(cluster: str) -> int:
    """The number in ``"local:2"``.

    Raises:
        ValueError: it is spelled in another way, or below 2.
    """
    found = re.fullmatch(r"local:(\d+)", cluster)
    if found is None or int(found[1]) < 2:
        raise ValueError(
            f"cluster must be local:N with at least 2 workers, received {cluster!r}. On several "
            "machines set TF_CONFIG for each and leave cluster out."
        )
    return int(found[1])


def run_workers(count: int, arguments: Sequence[str]) -> int:
    """Runs ``keras-bert-zoo`` with the same arguments in several workers, and waits.

    SIGINT and SIGTERM are passed on. When a worker ends with an error the others, which wait
    for it, are stopped.

    Returns:
        The exit code: 0 if all ended with 0, else that of one that did not.

    Raises:
        ConnectionError: a worker was killed.
    """
    command = [sys.executable, "-m", "keras_bert_zoo", *arguments]
    with _reserved_ports(count) as ports:
        environments = [_environment(ports, index) for index in range(count)]
    # Sessions of their own: Ctrl-C would reach them twice, from the terminal and from here.
    workers = [
        subprocess.Popen(command, env=environment, start_new_session=True)
        for environment in environments
    ]
    with _passing_signals(workers):
        code = _wait(workers)
    if code < 0:
        index = next(i for i, worker in enumerate(workers) if worker.returncode == code)
        raise ConnectionError(
            f"Worker {index} was killed by {signal.Signals(-code).name}; the others were stopped. "
            "The last checkpoint is as it was: go on with resume."
        )
    return code


@contextlib.contextmanager
def _reserved_ports(count: int) -> Iterator[list[int]]:
    """Ports that nobody else uses; all held until all are known, so that they differ."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("localhost", 0))
        yield [each.getsockname()[1] for each in sockets]


def _environment(ports: Sequence[int], index: int) -> dict[str, str]:
    cluster = {"worker": [f"localhost:{port}" for port in ports]}
    task = {"type": "worker", "index": index}
    return {**os.environ, "TF_CONFIG": json.dumps({"cluster": cluster, "task": task})}


@contextlib.contextmanager
def _passing_signals(workers: Sequence[subprocess.Popen[bytes]]) -> Iterator[None]:
    def forward(number: int, _: FrameType | None) -> None:
        for worker in workers:
            worker.send_signal(number)

    before = {number: signal.signal(number, forward) for number in _STOP}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _wait(workers: Sequence[subprocess.Popen[bytes]]) -> int:
    """Waits for all; once one has failed, only as long as the others may take to notice."""
    deadline = float("inf")
    while any(worker.poll() is None for worker in workers):
        time.sleep(0.1)
        if deadline == float("inf") and any(worker.returncode for worker in workers):
            deadline = time.monotonic() + GRACE
        if time.monotonic() > deadline:
            return _killed(workers)
    # A worker that was killed is the reason why others failed.
    codes = [worker.returncode for worker in workers if worker.returncode]
    return min(codes, default=0)


def _killed(workers: Sequence[subprocess.Popen[bytes]]) -> int:
    """Ends the workers that still wait; the code is that of one that had ended before."""
    code = min(worker.returncode for worker in workers if worker.returncode)
    for worker in workers:
        worker.kill()
        worker.wait()
    return code

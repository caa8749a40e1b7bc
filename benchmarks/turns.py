"""Workers in processes of their own, perhaps of other environments, that take turns.

Imports nothing but Python: peers import it too.
"""

from __future__ import annotations

import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

Turn = dict[str, float]


def serve(build: Callable[[], Callable[[], Any]]) -> None:
    """Does what was built once for each line of the input, and answers how long it took."""
    answers, sys.stdout = sys.stdout, sys.stderr  # libraries print too
    work = build()
    for _ in sys.stdin:
        start, processor = time.perf_counter(), time.process_time()
        work()
        turn = {
            "elapsed": time.perf_counter() - start,
            "processor": time.process_time() - processor,
        }
        print(json.dumps(turn), file=answers, flush=True)
    os._exit(0)


class Worker:
    """A process that calls ``serve``."""

    def __init__(self, command: list[str], log: pathlib.Path) -> None:
        environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
        self.log = log
        with log.open("w") as errors:
            self.process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    def turn(self) -> Turn:
        """Seconds of one turn: elapsed, and of the processors."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.process.args} ended: {self.log.read_text()[-2000:]}")
        return json.loads(answer)

    def close(self) -> None:
        """Ends the process."""
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


def take_turns(
    commands: Mapping[str, list[str]], rounds: int, folder: pathlib.Path
) -> dict[str, list[Turn]]:
    """Turns of each worker, in a new random order each round; the first one warms up."""
    workers = {name: Worker(command, folder / name) for name, command in commands.items()}
    turns: dict[str, list[Turn]] = {name: [] for name in workers}
    for number in range(rounds + 1):
        for name in random.Random(number).sample(list(workers), len(workers)):
            turns[name].append(workers[name].turn())
            print(number, name, f"{turns[name][-1]['elapsed']:.2f} s", file=sys.stderr, flush=True)
    for worker in workers.values():
        worker.close()
    return turns


def summary(turns: Mapping[str, list[Turn]], items: int, peer: str) -> dict[str, Any]:
    """Medians, and ratios to the peer round by round: more than 1 is faster than the peer.

    Args:
        turns: of ``take_turns``.
        items: done in a turn.
        peer: who the others are compared with.
    """
    return {
        name: {
            "first_turn_s": round(all_of[0]["elapsed"], 2),
            "items_per_s": round(items / median(all_of, "elapsed"), 1),
            **{
                f"times_peer_{key}": round(
                    statistics.median(
                        theirs[key] / own[key]
                        for own, theirs in zip(all_of[1:], turns[peer][1:], strict=True)
                    ),
                    2,
                )
                for key in ("elapsed", "processor")
            },
        }
        for name, all_of in turns.items()
    }


def median(turns: list[Turn], key: str) -> float:
    """Of all turns but the first."""
    return statistics.median(turn[key] for turn in turns[1:])

"""Feeds damaged files to every reader: nothing but the errors it states may come out.

    make fuzz
    make fuzz ARGS="--inputs 1000 --reader config --seed 3"

What fails is made as small as Hypothesis can and printed; the process then ends with 1.
"""

from __future__ import annotations

import argparse
import collections
import logging
import os
import pathlib
import tempfile
import time
import traceback
import warnings
from collections.abc import Sequence

# Thousands of deliberate failures are logged otherwise.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import hypothesis
from hypothesis import HealthCheck, Phase
from limits import limits
from readers import READERS, Reader

# Hypothesis remembers every input of a run: of several runs it forgets.
_RUN = 1000


def outcome(reader: Reader, directory: pathlib.Path, files: dict[str, bytes]) -> str:
    """Reads a directory with other contents of some files, within bounds, and puts them back.

    Returns:
        ``"read"``, or the name of the stated error.

    Raises:
        AssertionError: another error came out, or a plain one that is not of this project.
    """
    before = {name: (directory / name).read_bytes() for name in files}
    try:
        for name, content in files.items():
            (directory / name).write_bytes(content)
        with limits():
            reader.read(directory)
    except reader.errors as error:
        *_, (frame, _) = traceback.walk_tb(error.__traceback__)
        ours = frame.f_globals["__name__"].startswith("keras_bert_zoo")
        assert ours or type(error) is not ValueError, f"not of this project: {error!r}"
        return type(error).__name__
    finally:
        for name, content in before.items():
            (directory / name).write_bytes(content)
    return "read"


def fuzz(name: str, inputs: int, seed: int) -> collections.Counter[str]:
    """Feeds so many damaged directories to one reader, and counts the outcomes.

    Raises:
        AssertionError, Exception: what came out and is no stated error, see ``outcome``.
    """
    reader, counts = READERS[name], collections.Counter[str]()
    with tempfile.TemporaryDirectory(prefix=f"fuzz-{name.replace(' ', '-')}-") as folder:
        directory = pathlib.Path(folder).resolve()
        reader.write(directory)
        # What is loaded or compiled at the first time counts in no bound.
        reader.read(directory)
        for run, start in enumerate(range(0, inputs, _RUN)):

            @hypothesis.seed(1000 * seed + run)
            @hypothesis.settings(
                max_examples=min(_RUN, inputs - start),
                deadline=None,
                database=None,
                phases=(Phase.generate, Phase.shrink),
                suppress_health_check=list(HealthCheck),
            )
            @hypothesis.given(files=reader.inputs(directory))
            def feed(files: dict[str, bytes]) -> None:
                counts[outcome(reader, directory, files)] += 1

            feed()
    return counts


def main(argv: Sequence[str] | None = None) -> None:
    """Fuzzes all readers, or one."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--inputs", type=int, default=100_000, help="in all; 100,000 by default")
    parser.add_argument("--seed", type=int, default=0, help="another one makes other inputs")
    parser.add_argument("--reader", choices=READERS, action="append", help="only this one")
    options = parser.parse_args(argv)
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    shares = {name: READERS[name].share for name in options.reader or READERS}
    total = collections.Counter[str]()
    for name, share in shares.items():
        start, inputs = time.process_time(), max(1, options.inputs * share // sum(shares.values()))
        counts = fuzz(name, inputs, options.seed)
        total += counts
        seconds = time.process_time() - start
        print(
            f"{name}: {counts.total():,} inputs, {seconds:.0f} s of a processor, {dict(counts)}",
            flush=True,
        )
    print(f"all: {total.total():,} inputs, {dict(total)}")


if __name__ == "__main__":
    main()

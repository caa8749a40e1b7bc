"""A corpus to shards: reads, encodes on all cores, writes, and goes on where it was killed.

TensorFlow-only.
"""

from __future__ import annotations

import itertools
import json
import logging
import os
import pathlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from keras_bert_zoo.atomic import alone
from keras_bert_zoo.corpus import pool, sources
from keras_bert_zoo.corpus.choosing import Kept, choose
from keras_bert_zoo.corpus.counts import Counts
from keras_bert_zoo.corpus.duplicates import Seen
from keras_bert_zoo.corpus.encoding import Encoded
from keras_bert_zoo.corpus.filling import filled
from keras_bert_zoo.corpus.options import PrepareOptions
from keras_bert_zoo.corpus.reading import Reader, TextDigest, Unit
from keras_bert_zoo.corpus.records import Records, Step, check_same_run
from keras_bert_zoo.corpus.shards import MANIFEST, ShardError, Shards
from keras_bert_zoo.corpus.sources import CorpusError
from keras_bert_zoo.corpus.writing import Target, describe
from keras_bert_zoo.tokenizers.wordpiece_files import WordPieceFiles

_RECORDS = ".progress"
_log = logging.getLogger(__name__)
# Told of each unit that is done: bytes of text, and bytes read from the disk.
Report = Callable[[int, int], Any]


def prepare(
    corpus: Sequence[str],
    output: str | os.PathLike[str],
    tokenizer: str | os.PathLike[str],
    options: PrepareOptions | None = None,
    *,
    workers: int | None = None,
    report: Report = lambda text, disk: None,
) -> Shards:
    """Writes the shards of a corpus; a run that was killed goes on.

    Args:
        corpus: see ``sources.find``.
        output: directory that receives the shards, ``tokenizer/`` and the manifest.
        tokenizer: directory of its files.
        options: how to read and what to keep.
        workers: processes that encode; all cores by default. They change no byte.
        report: called with bytes of text and of the disk when these are done.

    Returns:
        The shards.

    Raises:
        CorpusError: the corpus is missing, empty, damaged or no text, or it changed since the
            run was killed.
        ValueError: the directory holds shards of another run; says what changed.
        FileExistsError: another run writes into the directory at this moment.
        OSError: the disk is full, or a worker was killed.
    """
    if workers is not None and workers < 1:
        raise ValueError(f"workers must be at least 1, received {workers}.")
    directory = pathlib.Path(output)
    run = Run(corpus, directory, pathlib.Path(tokenizer), options or PrepareOptions())
    with alone(directory):
        if not run.finished():
            with pool.encoding(workers or len(os.sched_getaffinity(0)), **run.encoder) as encode:
                run.work(encode, report)
    return Shards(directory)


def check_output(directory: pathlib.Path, corpus: Sequence[str]) -> None:
    """Refuses an output that is a file, or that a later run would read as text.

    Raises:
        FileExistsError: it is a file.
        ValueError: it lies in a directory of the corpus.
    """
    if directory.exists() and not directory.is_dir():
        raise FileExistsError(f"output {str(directory)!r} is a file. Take a directory.")
    around = [name for name in corpus if pathlib.Path(name).is_dir()]
    inside = [n for n in around if directory.resolve().is_relative_to(pathlib.Path(n).resolve())]
    if inside:
        raise ValueError(
            f"output {str(directory)!r} lies in {inside[0]!r}, whose files are the corpus. Take a "
            "directory elsewhere."
        )


class At(NamedTuple):
    """A place behind a unit.

    Attributes:
        units: how many there are up to here.
        text: digest of their text.
        bytes: of text of the last one.
        disk: bytes that were read from the disk for it.
    """

    units: int
    text: str
    bytes: int
    disk: int


class Run:
    """What is prepared, and how far it is.

    Args:
        corpus: see ``sources.find``.
        directory: receives the shards.
        tokenizer: directory of its files.
        options: how to read and what to keep.

    Raises:
        FileExistsError: the directory is a file.
        ValueError: it lies in a directory of the corpus.
    """

    def __init__(
        self,
        corpus: Sequence[str],
        directory: pathlib.Path,
        tokenizer: pathlib.Path,
        options: PrepareOptions,
    ) -> None:
        check_output(directory, corpus)
        directory.mkdir(parents=True, exist_ok=True)
        self.options = options
        self.sources = sources.find(corpus)
        self.reader = Reader(options.format, options.text_column)
        self.target = Target(directory, WordPieceFiles().read(tokenizer))
        self.encoder = {"tokenizer": str(tokenizer), **options.encoding()}
        self._settings = {
            "options": options.values(),
            "corpus": list(corpus),
            "files": len(self.sources),
            "names_and_sizes": sources.digest(self.sources),
        }
        self.identity = {**describe(self.target.source), **self._settings}

    def finished(self) -> bool:
        """Whether the shards are there; if some are damaged, all are made anew.

        Raises:
            ValueError: they are those of another run.
        """
        path = self.target.directory / MANIFEST
        if not path.is_file():
            return False
        manifest = json.loads(path.read_text("utf-8"))
        before = {key: manifest.get(key) for key in self.identity}
        check_same_run(path.parent, before, self.identity)
        try:
            Shards(path.parent)
        except ShardError as error:
            _log.warning("%s All are made anew.", error)
            path.unlink()
            return False
        return True

    def work(self, encode: pool.Encode[At], report: Report) -> None:
        """Goes on from the last finished step to the manifest.

        Args:
            encode: from units to what they hold, in their order.
            report: see ``prepare``.

        Raises:
            CorpusError: see ``prepare``.
        """
        self.reader.check(self.sources)
        records = Records(self.target.directory / _RECORDS, self.identity)
        for leftover in self.target.directory.rglob(".*.saving-*"):
            leftover.unlink()
        steps, seen, units = records.steps(), Seen(), self._units()
        for number, step in enumerate(steps):
            _skip(units, step, report)
            seen.first(records.hashes(number))
        for step, hashes in self._new_steps(encode(units), seen, len(steps), report):
            records.add(len(steps), step, hashes)
            steps.append(step)
        self.finish(steps)
        records.remove()

    def _units(self) -> Iterator[tuple[Unit, At]]:
        text = TextDigest()
        groups = self.reader.groups(self.sources)
        units = itertools.chain.from_iterable(map(self.reader.units, groups))
        for number, unit in enumerate(units, start=1):
            yield unit, At(number, text.add(unit.digest()), unit.size, unit.disk)

    def _new_steps(
        self, encoded: Iterable[tuple[Encoded, At]], seen: Seen, number: int, report: Report
    ) -> Iterator[tuple[Step, np.ndarray]]:
        """Writes shards as they are full; yields each step, and its hashes."""
        chosen = self._chosen(encoded, seen, report)
        for units in filled(chosen, lambda unit: unit[0].tokens, self.options.shard_tokens):
            written = self.target.write_shards(number, [kept for kept, _, _ in units])
            counts = sum((kept.counts for kept, _, _ in units), Counts())
            at = units[-1][2]
            hashes = np.concatenate([new for _, new, _ in units])
            yield Step(at.units, at.text, counts, written), hashes
            number += 1

    def _chosen(
        self, encoded: Iterable[tuple[Encoded, At]], seen: Seen, report: Report
    ) -> Iterator[tuple[Kept, np.ndarray, At]]:
        for unit, at in encoded:
            first = np.ones(len(unit.hashes), bool)
            if self.options.deduplicate:
                first = seen.first(unit.hashes)
            yield self.choose(unit, first), unit.hashes[first & self.options.deduplicate], at
            report(at.bytes, at.disk)

    def choose(self, unit: Encoded, first: np.ndarray) -> Kept:
        """What is kept of a unit, see ``choosing``."""
        return choose(unit, first, self.options.held_out, self.target.unknown)

    def finish(self, steps: Sequence[Step]) -> None:
        """Writes the manifests.

        Raises:
            CorpusError: there is no document.
        """
        counts = sum((step.counts for step in steps), Counts())
        if not counts.documents:
            raise CorpusError(
                f"The corpus is empty: {self._settings['corpus']} hold no document with a token."
            )
        if not any("" in step.written for step in steps):
            raise CorpusError(
                f"No document is left to train on: all {counts.documents} are held out with "
                f"held_out={self.options.held_out}. Lower it, or give more documents."
            )
        run = {**self._settings, "text": steps[-1].text}
        self.target.write_manifests([step.written for step in steps], counts, run)


def _skip(units: Iterator[tuple[Unit, At]], step: Step, report: Report) -> None:
    """Reads over the units of a finished step; they must be what they were."""
    for _, at in units:
        report(at.bytes, at.disk)
        if at.units == step.units and at.text == step.text:
            return
        if at.units == step.units:
            break
    raise CorpusError(
        "The corpus changed since the run that was to go on. Take another output, or remove "
        "this one to start anew."
    )

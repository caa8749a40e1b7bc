"""The work of ``prepare`` as an Apache Beam pipeline: the same shards, byte for byte.

TensorFlow-only; needs apache-beam, the extra ``beam``. Files are read in parallel, a large one by
one worker; documents are told from duplicates by their hashes, and only these are shuffled before
the shards are put together. The output must be a directory that every worker sees.
"""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import apache_beam as beam
import numpy as np
from apache_beam.options.pipeline_options import PipelineOptions

from keras_bert_zoo.atomic import alone
from keras_bert_zoo.corpus.choosing import Kept
from keras_bert_zoo.corpus.counts import Counts
from keras_bert_zoo.corpus.encoding import Encoded, Encoder
from keras_bert_zoo.corpus.filling import filled
from keras_bert_zoo.corpus.options import PrepareOptions
from keras_bert_zoo.corpus.prepare import Run
from keras_bert_zoo.corpus.reading import TextDigest, Unit
from keras_bert_zoo.corpus.records import Step
from keras_bert_zoo.corpus.shards import Shards
from keras_bert_zoo.corpus.sources import STDIN, CorpusError, Source
from keras_bert_zoo.corpus.writing import Written

# Which unit: the number of its group of files, and its number in there.
Key = tuple[int, int]


def prepare_with_beam(
    corpus: Sequence[str],
    output: str | os.PathLike[str],
    tokenizer: str | os.PathLike[str],
    options: PrepareOptions | None = None,
    *,
    arguments: Sequence[str] = (),
) -> Shards:
    """Writes the shards of a corpus on the workers of a pipeline.

    Args:
        corpus: see ``sources.find``; not standard input.
        output: directory that receives the shards; every worker sees it.
        tokenizer: directory of its files; every worker sees it.
        options: how to read and what to keep.
        arguments: of the pipeline, e.g. ``["--runner=FlinkRunner"]``.

    Returns:
        The shards.

    Raises:
        CorpusError: the corpus is missing, empty, damaged or no text.
        ValueError: the directory holds shards of another run; says what changed.
    """
    if STDIN in corpus:
        raise CorpusError("A pipeline cannot read standard input. Give files.")
    directory = pathlib.Path(output)
    run = Run(corpus, directory, pathlib.Path(tokenizer), options or PrepareOptions())
    with alone(directory):
        if not run.finished():
            run.reader.check(run.sources)
            with beam.Pipeline(options=PipelineOptions(list(arguments))) as pipeline:
                _build(pipeline, run)
    return Shards(directory)


def _build(pipeline: beam.Pipeline, run: Run) -> None:
    work = _Work(run)
    groups = list(enumerate(run.reader.groups(run.sources)))
    units = (
        pipeline
        | "groups of files" >> beam.Create(groups, reshuffle=True)
        | "read" >> beam.FlatMapTuple(work.read)
        | "share out" >> beam.Reshuffle()
    )
    encoded = units | "encode" >> beam.ParDo(_Encode(run.encoder))
    kept = _with_first(encoded, run) | "choose" >> beam.MapTuple(work.choose)
    plan = kept | "tokens" >> beam.MapTuple(_tokens) | beam.combiners.ToList() | beam.Map(work.plan)
    steps = (
        kept
        | "to shards" >> beam.Map(_with_shard, beam.pvalue.AsSingleton(plan))
        | "together" >> beam.GroupByKey()
        | "write" >> beam.MapTuple(work.write)
    )
    texts = units | "digests" >> beam.MapTuple(_digest)
    last = beam.Map(work.finish, beam.pvalue.AsList(steps), beam.pvalue.AsList(texts))
    pipeline | "once" >> beam.Create([None]) | "manifest" >> last


def _with_first(encoded: beam.PCollection, run: Run) -> beam.PCollection:
    """Units, each with the numbers of its documents that were not there before."""
    if not run.options.deduplicate:
        return encoded | "all" >> beam.MapTuple(_every)
    first = (
        encoded
        | "places" >> beam.FlatMapTuple(_places)
        | "first places" >> beam.CombinePerKey(min)
        | "by unit" >> beam.Values()
    )
    both = {"unit": encoded, "first": first}
    return both | "meet" >> beam.CoGroupByKey() | "unpack" >> beam.MapTuple(_unpacked)


class _Work:
    """The steps that need to know the run."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def read(self, number: int, files: Sequence[Source]) -> Iterator[tuple[Key, Unit]]:
        for index, unit in enumerate(self._run.reader.units(files)):
            yield (number, index), unit

    def choose(self, key: Key, unit: Encoded, first: Iterable[int]) -> tuple[Key, Kept]:
        mask = np.zeros(len(unit.hashes), bool)
        mask[list(first)] = True
        return key, self._run.choose(unit, mask)

    def plan(self, tokens: Iterable[tuple[Key, int]]) -> dict[Key, int]:
        """The shard of each unit."""
        limit = self._run.options.shard_tokens
        shards = filled(sorted(tokens), lambda pair: pair[1], limit)
        return {key: number for number, units in enumerate(shards) for key, _ in units}

    def write(self, number: int, units: Iterable[tuple[Key, Kept]]) -> _Written:
        kept = [unit for _, unit in sorted(units, key=lambda pair: pair[0])]
        counts = sum((unit.counts for unit in kept), Counts())
        return _Written(number, self._run.target.write_shards(number, kept), counts)

    def finish(
        self, _: None, written: Sequence[_Written], texts: Sequence[tuple[Key, bytes]]
    ) -> None:
        text = TextDigest()
        digests = [text.add(unit) for _, unit in sorted(texts)]
        ordered = sorted(written, key=lambda each: each.number)
        steps = [Step(len(texts), digests[-1], each.counts, each.written) for each in ordered]
        self._run.finish(steps)


class _Encode(beam.DoFn):
    """Units to encoded units; the tokenizer is made once on each worker."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options

    def setup(self) -> None:
        self._encoder = Encoder(**self._options)

    def process(self, element: tuple[Key, Unit]) -> Iterator[tuple[Key, Encoded]]:
        key, unit = element
        yield key, self._encoder(unit)


class _Written(NamedTuple):
    """A shard: its number, what the manifest says of it, and the counts of its units."""

    number: int
    written: Written
    counts: Counts


def _places(key: Key, unit: Encoded) -> Iterator[tuple[bytes, tuple[Key, int]]]:
    for number, value in enumerate(unit.hashes.tolist()):
        yield value, (key, number)


def _every(key: Key, unit: Encoded) -> tuple[Key, Encoded, Sequence[int]]:
    return key, unit, range(len(unit.hashes))


def _unpacked(key: Key, found: dict[str, Any]) -> tuple[Key, Encoded, Sequence[int]]:
    (unit,) = found["unit"]
    return key, unit, list(found["first"])


def _tokens(key: Key, unit: Kept) -> tuple[Key, int]:
    return key, unit.tokens


def _digest(key: Key, unit: Unit) -> tuple[Key, bytes]:
    return key, unit.digest()


def _with_shard(element: tuple[Key, Kept], plan: Mapping[Key, int]) -> tuple[int, tuple[Key, Kept]]:
    return plan[element[0]], element

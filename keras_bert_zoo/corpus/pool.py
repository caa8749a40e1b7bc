"""Units to encoded units on all cores, in their order.

Processes, not threads: finding sentences is Python, which one thread at a time runs.
"""

from __future__ import annotations

import collections
import concurrent.futures
import contextlib
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from keras_bert_zoo.corpus.encoding import Encoded, Encoder
from keras_bert_zoo.corpus.reading import Unit

# Units for each worker that are encoded or wait for it.
_AHEAD = 2
_Item = TypeVar("_Item")
# From units, each with something that is handed through, to what they hold, in their order.
Encode = Callable[[Iterable[tuple[Unit, _Item]]], Iterator[tuple[Encoded, _Item]]]
_encoder: Encoder


@contextlib.contextmanager
def encoding(workers: int, tokenizer: str, **options: Any) -> Iterator[Encode[Any]]:
    """Starts workers.

    Args:
        workers: how many; 1 works in this process.
        tokenizer: directory of its files.
        **options: of ``Encoder``.

    Yields:
        A function from ``(unit, item)`` pairs to ``(encoded, item)`` pairs, in their order;
        a few are held at a time.
    """
    if workers == 1:
        encoder = Encoder(tokenizer, **options)
        yield lambda pairs: ((encoder(unit), item) for unit, item in pairs)
        return
    # One process loads TensorFlow, before it starts a thread of its own, and forks the workers.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([Encoder.__module__])
    pool = concurrent.futures.ProcessPoolExecutor(workers, context, _start, (tokenizer, options))
    try:
        yield lambda pairs: _in_order(pool, pairs, workers * _AHEAD)
    except concurrent.futures.process.BrokenProcessPool as error:
        raise OSError(
            "A worker was killed, perhaps because memory ran out. Run the command again, with "
            f"fewer than {workers} workers: it goes on where it was."
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _in_order(
    pool: concurrent.futures.Executor, pairs: Iterable[tuple[Unit, _Item]], ahead: int
) -> Iterator[tuple[Encoded, _Item]]:
    waiting: collections.deque[tuple[concurrent.futures.Future[Encoded], _Item]]
    waiting = collections.deque()
    for unit, item in pairs:
        waiting.append((pool.submit(_encode, unit), item))
        if len(waiting) > ahead:
            yield _result(waiting.popleft())
    while waiting:
        yield _result(waiting.popleft())


def _result(pair: tuple[concurrent.futures.Future[Encoded], _Item]) -> tuple[Encoded, _Item]:
    return pair[0].result(), pair[1]


def _start(tokenizer: str, options: dict[str, Any]) -> None:
    global _encoder
    import tensorflow as tf

    # The cores are shared out already.
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _encoder = Encoder(tokenizer, **options)


def _end_with_parent() -> None:
    """Without this a worker would wait for ever when its parent is killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _encode(unit: Unit) -> Encoded:
    return _encoder(unit)

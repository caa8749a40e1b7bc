"""Hashes of documents that were seen before."""

from __future__ import annotations

import numpy as np


class Seen:
    """A set of hashes of 16 bytes; takes 16 bytes for each, and at moments twice that.

    Sorted arrays of growing size, of which two are merged when they are alike in size.
    """

    def __init__(self) -> None:
        self._runs: list[np.ndarray] = []

    def first(self, hashes: np.ndarray) -> np.ndarray:
        """Adds hashes.

        Args:
            hashes: bytes of 16 ``(N,)``.

        Returns:
            Which were not there before, the first of equal ones: bool ``(N,)``.
        """
        distinct, places = np.unique(hashes, return_index=True)
        new = np.ones(len(distinct), bool)
        for run in self._runs:
            new &= ~_within(run, distinct)
        self._add(distinct[new])
        found = np.zeros(len(hashes), bool)
        found[places[new]] = True
        return found

    def _add(self, run: np.ndarray) -> None:
        if not len(run):
            return
        while self._runs and len(self._runs[-1]) <= 2 * len(run):
            run = np.sort(np.concatenate([self._runs.pop(), run]))
        self._runs.append(run)


def _within(run: np.ndarray, values: np.ndarray) -> np.ndarray:
    places = np.minimum(np.searchsorted(run, values), len(run) - 1)
    return np.asarray(run[places] == values)

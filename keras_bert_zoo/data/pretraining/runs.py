"""Runs of consecutive numbers, and walks. No TensorFlow."""

from __future__ import annotations

import numpy as np


def ranges(starts: np.ndarray | int, lengths: np.ndarray) -> np.ndarray:
    """The numbers from each start on, ``lengths`` of them, one run after the other."""
    before = np.cumsum(lengths) - lengths
    return np.repeat(starts - before, lengths) + np.arange(lengths.sum())


def walk(following: np.ndarray) -> np.ndarray:
    """The places of a walk from 0 that goes from each place to the one ``following`` it."""
    steps, place, visited = following.tolist(), 0, []
    while place < len(steps):
        visited.append(place)
        place = steps[place]
    return np.array(visited, "int64")

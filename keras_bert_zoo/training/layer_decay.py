"""Learning rates that fall from the head of a model to its embeddings.

Clark et al. 2020 (arXiv:2003.10555), as google-research/electra computes them in
``model/optimization.py``: with ``L`` layers, a rate is multiplied by ``decay ** (L + 2 - depth)``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_LAYER = re.compile(r"(^|/)encoder/layer_(\d+)/")
_EMBEDDINGS = re.compile(r"(^|/)embeddings(_project)?/")


def layer_scales(paths: Sequence[str], decay: float | None) -> list[float]:
    """What the learning rate of each variable is multiplied by.

    The depth is 0 for embeddings, ``i + 1`` for ``encoder/layer_i``, counted from 0, and
    ``L + 2`` for all others: pooler and heads keep the full rate, and the last layer has
    ``decay ** 2`` of it, as in the published code.

    Args:
        paths: of the variables that are trained; the last layer among them is ``L - 1``.
        decay: factor between neighbouring layers; ``None`` for one rate.

    Raises:
        ValueError: no path is that of a layer of an encoder.
    """
    if decay is None:
        return [1.0] * len(paths)
    layers = [int(found[2]) for path in paths if (found := _LAYER.search(path))]
    if not layers:
        raise ValueError(
            f"layer_decay={decay} needs variables with paths like encoder/layer_0/output/kernel. "
            f"Received {list(paths)[:3]} and so on. Pass layer_decay=None for one rate."
        )
    head = max(layers) + 3
    return [decay ** (head - _depth(path, head)) for path in paths]


def _depth(path: str, head: int) -> int:
    if found := _LAYER.search(path):
        return int(found[2]) + 1
    return 0 if _EMBEDDINGS.search(path) else head

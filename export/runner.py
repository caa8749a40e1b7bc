"""An artifact opened in this process, for programs that call it again and again."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from .artifact import Artifact
from .formats import KNOWN_FORMATS
from .runtimes import open_sessions
from .signature import BATCH, SEQUENCE, choose


class Runner:
    """Calls an artifact; where it has fixed lengths, at the shortest that holds the text.

    Args:
        artifact: what to open, or its directory.
        threads: how many the runtime may use; by default one per processor.
        takes_text: whether the signatures that take strings are opened too.

    Raises:
        MissingRuntime: the runtime is not installed.
    """

    def __init__(
        self,
        artifact: Artifact | str | pathlib.Path,
        threads: int | None = None,
        *,
        takes_text: bool = True,
    ) -> None:
        if not isinstance(artifact, Artifact):
            artifact = Artifact.load(artifact)
        self.signatures = artifact.entries if takes_text else artifact.id_signatures
        self._sessions = open_sessions(
            KNOWN_FORMATS[artifact.format].runtime,
            str(artifact.file),
            self.signatures,
            threads or os.cpu_count() or 1,
        )
        config = artifact.config
        self._pad_token_id, self._most = config.pad_token_id, config.max_tokens

    def __call__(self, inputs: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Runs one batch.

        Args:
            inputs: arrays by name, those of one of the signatures; rows of ids may be shorter
                than a fixed length. What comes out for padding is cut off again. A batch that
                is larger than a fixed one is run in parts.

        Raises:
            ValueError: the inputs fit no signature: unknown names, a row that is too long.
        """
        arrays = {name: np.asarray(value) for name, value in inputs.items()}
        rows, most = len(next(iter(arrays.values()), ())), self.signatures[0].size(BATCH)
        if most is None or rows <= most:
            return self._run(arrays)
        parts = [
            self._run({name: value[start : start + most] for name, value in arrays.items()})
            for start in range(0, rows, most)
        ]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _run(self, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        tokens = arrays["input_ids"].shape[-1] if "input_ids" in arrays else 0
        if tokens:
            fixed = [size for s in self.signatures if (size := s.size(SEQUENCE)) is not None]
            if not fixed and tokens > self._most:
                raise ValueError(
                    f"input_ids must have at most {self._most} tokens in a row, the positions that "
                    f"the model knows, received {tokens}. Truncate the texts: truncation=True and "
                    f"max_length={self._most} of the tokenizer."
                )
            arrays = widened(arrays, fixed, self._pad_token_id)
        signature = choose(self.signatures, arrays)
        session = self._sessions[self.signatures.index(signature)]
        outputs = session.run(signature.bind(arrays))
        sequences = {s.name for s in signature.outputs if s.of_tokens}
        return {k: v[:, :tokens] if k in sequences else v for k, v in outputs.items()}


def padded(
    arrays: Mapping[str, np.ndarray], width: int, pad_token_id: int
) -> dict[str, np.ndarray]:
    """Fills rows of ids up to a width: with the pad token, and zeros in mask and segments."""
    missing = ((0, 0), (0, width - arrays["input_ids"].shape[1]))
    if missing[1] == (0, 0):
        return dict(arrays)
    fill = {"input_ids": pad_token_id}
    return {
        name: np.pad(value, missing, constant_values=fill.get(name, 0))
        for name, value in arrays.items()
    }


def widened(
    arrays: Mapping[str, np.ndarray], lengths: Iterable[int], pad_token_id: int
) -> dict[str, np.ndarray]:
    """Pads rows to the shortest length that holds them, if there is one."""
    tokens = arrays["input_ids"].shape[1]
    width = min((length for length in lengths if length >= tokens), default=tokens)
    return padded(arrays, width, pad_token_id)

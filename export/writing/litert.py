"""The loop around a ``.tflite`` that writes, greedy: NumPy and LiteRT, nothing else.

A client in another language does the same: ``encode`` once, then ``decode`` for each token, the
keys and values that come out going in again.
"""

from __future__ import annotations

import json
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_bert_zoo.checkpoints.writer_configs import read_config
from keras_bert_zoo.token_rows import checked_rows

ENCODE, DECODE = "encode", "decode"
TOKEN, PLACE, MASK = "token", "place", "encoder_attention_mask"


class LiteRtWriter:
    """Writes with a file that ``writing.tflite`` wrote.

    Args:
        path: of the file, ``config.json`` and ``generation_config.json`` beside it.
        threads: that the runtime may use.
    """

    def __init__(self, path: str | pathlib.Path, threads: int = 1) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter = Interpreter(model_path=str(path), num_threads=threads)
        self.encode, self._decode = map(self._interpreter.get_signature_runner, (ENCODE, DECODE))
        beside = pathlib.Path(path).with_name("generation_config.json")
        self.config = json.loads(beside.read_text(encoding="utf-8"))
        both: Any = read_config(beside.parent)
        self._source = both.encoder
        self._details = self._decode.get_input_details()
        self.length = int(self._details[MASK]["shape"][1])

    def __call__(self, inputs: Mapping[str, Any]) -> np.ndarray:
        """Writes a text.

        Args:
            inputs: of the encoder, int ``(1, S)``, ``S`` at most the length of the file.

        Returns:
            int32 ``(1, max_new_tokens)``; what follows the end is ``pad_token_id``.

        Raises:
            TypeError, ValueError: as for ``generate``; or there are several rows, or a row is too
                long for the file.
        """
        kept = self.read(inputs)
        token, written = self.config["decoder_start_token_id"], []
        for place in range(self.config["max_new_tokens"]):
            logits, kept = self.step(token, place, kept)
            token = int(logits.argmax())
            written.append(token)
            if token == self.config["eos_token_id"]:
                break
        text = np.full((1, self.config["max_new_tokens"]), self.config["pad_token_id"], "int32")
        text[0, : len(written)] = written
        return text

    def read(self, inputs: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Reads a text; returns what ``step`` is to know of it, and room for what is written."""
        fill = {"input_ids": self.config["pad_token_id"]}
        words, longest = self._source.vocab_size, self._source.max_tokens
        reads = self.encode.get_input_details()
        given = checked_rows(inputs, reads, words=words, longest=longest)
        rows = {name: self._padded(row, fill.get(name, 0)) for name, row in given.items()}
        room = {
            name: np.zeros(detail["shape"], "float32")
            for name, detail in self._details.items()
            if name.startswith("decoder_")
        }
        return {**self.encode(**rows), MASK: rows["attention_mask"], **room}

    def step(
        self, token: int, place: int, kept: Mapping[str, np.ndarray]
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Reads one token more; returns the logits of the next ``(V,)``, and what is kept now."""
        now = {TOKEN: np.array([token], "int32"), PLACE: np.array([place], "int32")}
        found = self._decode(**now, **kept)
        logits = found.pop("logits")[0]
        return logits, {**kept, **found}

    def _padded(self, row: np.ndarray, fill: int) -> np.ndarray:
        if len(row) != 1 or row.shape[1] > self.length:
            raise ValueError(
                f"Inputs must be one row of at most {self.length} tokens, received {row.shape}. "
                "Truncate the text, or export a larger length."
            )
        return np.pad(row, ((0, 0), (0, self.length - row.shape[1])), constant_values=fill)

"""The loop around the ONNX files of a model that writes, greedy: NumPy and onnxruntime."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_bert_zoo.checkpoints.writer_configs import read_config
from keras_bert_zoo.token_rows import checked_rows

ENCODER, DECODER = "encoder_model", "decoder_model_merged"
STATES, GIVEN, MASK = "last_hidden_state", "encoder_hidden_states", "encoder_attention_mask"
# Whether keys and values of what was read are given back.
BRANCH = "use_cache_branch"
# What stands behind "past_key_values.0." and "present.0.".
READ, WRITTEN = "encoder.{side}", "decoder.{side}"


def past_of(name: str) -> str:
    """The input that an output of the decoder comes back as with the next token."""
    return name.replace("present", "past_key_values")


class OrtWriter:
    """Writes with the files that ``writing.onnx`` wrote.

    Args:
        path: of their directory, ``config.json`` and ``generation_config.json`` beside it.
        threads: that the runtime may use.
    """

    def __init__(self, path: str | pathlib.Path, threads: int = 1) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        directory = pathlib.Path(path)
        self.sessions = {
            name: onnxruntime.InferenceSession(
                directory / f"{name}.onnx", options, providers=["CPUExecutionProvider"]
            )
            for name in (ENCODER, DECODER)
        }
        self._reads = [given.name for given in self.sessions[ENCODER].get_inputs()]
        beside = directory.with_name("generation_config.json")
        both: Any = read_config(beside.parent)
        self._source = both.encoder
        self.config = json.loads(beside.read_text(encoding="utf-8"))

    def __call__(self, inputs: Mapping[str, Any]) -> np.ndarray:
        """Writes texts.

        Args:
            inputs: ``input_ids`` and ``attention_mask``, int ``(B, S)``; others are not read.

        Returns:
            int32 ``(B, max_new_tokens)``; what follows an end is ``pad_token_id``.

        Raises:
            TypeError, ValueError: as for ``generate``.
        """
        memory = self.read(inputs)
        count, limit = len(memory[MASK]), self.config["max_new_tokens"]
        end, padding = self.config["eos_token_id"], self.config["pad_token_id"]
        text, ended = np.full((count, limit), padding, "int32"), np.zeros(count, bool)
        token, kept = np.full(count, self.config["decoder_start_token_id"]), self.nothing(count)
        for place in range(limit):
            logits, kept = self.step(token[:, None], memory, kept)
            token = np.where(ended, padding, logits[:, -1].argmax(axis=-1))
            text[:, place], ended = token, ended | (token == end)
            if ended.all():
                break
        return text

    def read(self, inputs: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """What the decoder is given of texts with every token."""
        words, longest = self._source.vocab_size, self._source.max_tokens
        given = checked_rows(inputs, self._reads, words=words, longest=longest)
        rows = {name: row.astype("int64") for name, row in given.items()}
        return {MASK: rows["attention_mask"], GIVEN: self._run(ENCODER, rows)[STATES]}

    def nothing(self, rows: int) -> dict[str, np.ndarray]:
        """Keys and values before the first token."""
        kept = {x.name: x.shape for x in self.sessions[DECODER].get_inputs() if len(x.shape) == 4}
        return {name: np.zeros((rows, x[1], 0, x[3]), "float32") for name, x in kept.items()}

    def step(
        self, tokens: np.ndarray, memory: Mapping[str, Any], kept: Mapping[str, Any]
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Logits of what follows tokens ``(B, T)``, ``(B, T, V)``, and what is kept with them."""
        begun = next(iter(kept.values())).shape[2] > 0
        given = {"input_ids": np.asarray(tokens, "int64"), BRANCH: np.array([begun])}
        found = self._run(DECODER, {**given, **memory, **kept})
        return found.pop("logits"), {past_of(name): x for name, x in found.items()}

    def _run(self, name: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        session = self.sessions[name]
        outputs = [output.name for output in session.get_outputs()]
        known = {given.name: inputs[given.name] for given in session.get_inputs()}
        return dict(zip(outputs, session.run(outputs, known), strict=True))

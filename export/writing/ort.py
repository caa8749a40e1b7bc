"""The loop around the ONNX files of a model that writes, greedy: NumPy and onnxruntime."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

ENCODER, DECODER, WITH_PAST = "encoder_model", "decoder_model", "decoder_with_past_model"
STATES, GIVEN, MASK = "last_hidden_state", "encoder_hidden_states", "encoder_attention_mask"
# What stands behind "past_key_values.0." and "present.0.".
READ, WRITTEN = "encoder.{side}", "decoder.{side}"


class OrtWriter:
    """Writes with the files that ``writing.onnx`` wrote.

    Args:
        path: of their directory, ``generation_config.json`` beside it.
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
            for name in (ENCODER, DECODER, WITH_PAST)
        }
        beside = directory.with_name("generation_config.json")
        self.config = json.loads(beside.read_text(encoding="utf-8"))

    def __call__(self, inputs: Mapping[str, Any]) -> np.ndarray:
        """Writes texts.

        Args:
            inputs: ``input_ids`` and ``attention_mask``, int ``(B, S)``; others are not read.

        Returns:
            int32 ``(B, max_new_tokens)``; what follows an end is ``pad_token_id``.
        """
        rows = {name: np.asarray(row, "int64") for name, row in inputs.items()}
        states, mask = self._run(ENCODER, rows)[STATES], rows["attention_mask"]
        count, limit = len(mask), self.config["max_new_tokens"]
        end, padding = self.config["eos_token_id"], self.config["pad_token_id"]
        text, ended = np.full((count, limit), padding, "int32"), np.zeros(count, bool)
        token = np.full((count, 1), self.config["decoder_start_token_id"], "int64")
        given = {"input_ids": token, MASK: mask}
        found = self._run(DECODER, {**given, GIVEN: states})
        kept: dict[str, np.ndarray] = {}
        for place in range(limit):
            token = np.where(ended, padding, found.pop("logits")[:, -1].argmax(axis=-1))
            text[:, place], ended = token, ended | (token == end)
            if ended.all() or place + 1 == limit:
                break
            kept |= {name.replace("present", "past_key_values"): x for name, x in found.items()}
            given = {"input_ids": token[:, None], MASK: mask}
            found = self._run(WITH_PAST, {**given, **kept})
        return text

    def _run(self, name: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        session = self.sessions[name]
        outputs = [output.name for output in session.get_outputs()]
        known = {given.name: inputs[given.name] for given in session.get_inputs()}
        return dict(zip(outputs, session.run(outputs, known), strict=True))

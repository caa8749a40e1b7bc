"""Sentences of a summary with transformers, which has no such model: its layers, put together.

BERTSUMEXT of Liu and Lapata 2019 (arXiv:1908.08345), sections 3.1 and 3.2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from tasks import SUMMARY_BLOCK, SUMMARY_SENTENCES, Row, Task
from transformers.models.bert import modeling_bert as bert

_IGNORED = -100
_LAYERS = 2


class SentenceModel(bert.BertPreTrainedModel):
    """The encoder, layers in which the ``[CLS]``s see each other, a number for each."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.bert = bert.BertModel(config, add_pooling_layer=False)
        self.layers = torch.nn.ModuleList(bert.BertLayer(config) for _ in range(_LAYERS))
        self.classifier = torch.nn.Linear(config.hidden_size, 1)
        self.post_init()

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        token_type_ids: torch.Tensor,
        labels: torch.Tensor | None = None,
    ) -> dict[str, torch.Tensor]:
        """Logits of all tokens ``(B, S)``, and the mean loss of the labelled ones."""
        hidden = self.bert(input_ids, attention_mask, token_type_ids).last_hidden_state
        starts = input_ids == input_ids[:, :1]
        hidden = hidden + _encodings(starts.cumsum(1) - 1, hidden.shape[-1])
        bias = torch.zeros(starts.shape).masked_fill(~starts, torch.finfo(hidden.dtype).min)
        for layer in self.layers:
            hidden = layer(hidden, bias[:, None, None, :])
        logits = self.classifier(hidden)[..., 0]
        if labels is None:
            return {"logits": logits}
        known = labels != _IGNORED
        loss = torch.nn.functional.binary_cross_entropy_with_logits(
            logits[known], labels[known].to(logits.dtype)
        )
        return {"loss": loss, "logits": logits}


def _encodings(numbers: torch.Tensor, width: int) -> torch.Tensor:
    """Sines and cosines in turn, of the number of a sentence."""
    rates = torch.pow(10_000.0, -torch.arange(0, width, 2) / width)
    angles = numbers[..., None] * rates
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(-2)


def _windows(task: Task, tokenizer: Any, row: Row) -> Iterator[list[tuple[int, list[int]]]]:
    """Rows of a document: the numbers of their sentences, and the tokens of each."""
    window: list[tuple[int, list[int]]] = []
    for index, sentence in enumerate(row["sentences"]):
        tokens = tokenizer(sentence, truncation=True, max_length=task.max_length)["input_ids"]
        if window and len(tokens) + sum(len(each) for _, each in window) > task.max_length:
            yield window
            window = []
        window.append((index, tokens))
    yield window


def encode_documents(task: Task, tokenizer: Any, rows: list[Row], _: Any) -> list[dict[str, Any]]:
    """A row for each window, with 0 or 1 at each ``[CLS]`` where it is known."""
    encoded = []
    for row in rows:
        for window in _windows(task, tokenizer, row):
            numbered = list(enumerate(window))
            features = {
                "input_ids": [token for _, (_, tokens) in numbered for token in tokens],
                "token_type_ids": [at % 2 for at, (_, tokens) in numbered for _ in tokens],
            }
            features["attention_mask"] = [1] * len(features["input_ids"])
            if "labels" in row:
                features["labels"] = [
                    row["labels"][index] if place == 0 else _IGNORED
                    for index, tokens in window
                    for place in range(len(tokens))
                ]
            encoded.append(features)
    return encoded


def sentences_of(
    task: Task, tokenizer: Any, rows: list[Row], logits: np.ndarray, _: Any
) -> list[list[int]]:
    """The best sentences of each document that do not repeat each other."""
    outputs = iter(logits)
    chosen = []
    for row in rows:
        scores = []
        for window in _windows(task, tokenizer, row):
            places = np.cumsum([0, *(len(tokens) for _, tokens in window[:-1])])
            scores += next(outputs)[places].tolist()
        chosen.append(_best(row["sentences"], scores))
    return chosen


def _best(sentences: Sequence[str], scores: list[float]) -> list[int]:
    taken: list[int] = []
    seen: set[tuple[str, ...]] = set()
    for index in sorted(range(len(scores)), key=lambda each: -scores[each]):
        words = re.findall(r"\w+", sentences[index].lower())
        runs = set(zip(*(words[at:] for at in range(SUMMARY_BLOCK)), strict=False))
        if len(taken) < SUMMARY_SENTENCES and not runs & seen:
            taken.append(index)
            seen |= runs
    return sorted(taken)

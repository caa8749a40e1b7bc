"""Writes `squad_scores.json`: answers, and what other implementations of SQuAD's scores say.

    pip install --target build/squad --no-deps transformers==4.57.3 tokenizers==0.22.1 \
        huggingface_hub==0.36.0 torchmetrics==1.9.0 lightning-utilities==0.15.3
    PYTHONPATH=build/squad python tests/golden/make_squad_scores.py

SQuAD 2.0 by `transformers` 4, whose successor has no scores of questions any more; SQuAD 1.1 by
`torchmetrics`. Answers are right, nearly right, of other words, or none.
"""

from __future__ import annotations

import json
import pathlib
import types
from typing import Any

import numpy as np
from torchmetrics.functional.text import squad
from transformers.data.metrics import squad_metrics

HERE = pathlib.Path(__file__).parent
TEXT = """the a an The cat, (cat) Cat's don't 1,234 $5.00 naïve NAÏVE 東京 東京。 well-known U.S.
theatre an_apple “quoted” – x"""
WORDS = TEXT.split()
QUESTIONS = 120


def phrase(random: np.random.Generator) -> str:
    """Up to five words with a space or two between them; never articles alone."""
    words = random.choice(WORDS, random.integers(1, 6)).tolist()
    text = random.choice([" ", "  "]).join(words)
    return text if squad_metrics.normalize_answer(text) else f"{text} x"


def answer(random: np.random.Generator, golds: list[str]) -> str:
    """One that may or may not be right."""
    near = str(random.choice(golds)) if golds else phrase(random)
    return [near, near.upper(), f"the {near}!", near[: len(near) // 2], phrase(random), ""][
        random.integers(6)
    ]


def first(random: np.random.Generator) -> dict[str, Any]:
    """SQuAD 1.1."""
    golds = [[phrase(random) for _ in range(random.integers(1, 4))] for _ in range(QUESTIONS)]
    predictions = [answer(random, each) or "x" for each in golds]
    found = [
        squad(
            [{"prediction_text": text, "id": "0"}],
            [{"answers": {"text": right, "answer_start": [0] * len(right)}, "id": "0"}],
        )
        for text, right in zip(predictions, golds, strict=True)
    ]
    scores = [[float(x["exact_match"]) / 100, float(x["f1"]) / 100] for x in found]
    return {"golds": golds, "predictions": predictions, "scores": scores}


def second(random: np.random.Generator, silent: int) -> dict[str, Any]:
    """SQuAD 2.0; ``silent`` of three questions have no answer."""
    golds: list[list[str]] = [
        []
        if random.integers(3) < silent
        else [phrase(random) for _ in range(random.integers(1, 4))]
        for _ in range(QUESTIONS)
    ]
    predictions = [answer(random, each) for each in golds]
    margins = random.normal(size=QUESTIONS).round(3)
    margins += [1.5 * (not each) for each in golds]  # worth a threshold
    margins += np.arange(QUESTIONS) * 1e-5  # no two alike
    examples = [
        types.SimpleNamespace(qas_id=str(i), answers=[{"text": text} for text in each])
        for i, each in enumerate(golds)
    ]
    by_id = {str(i): text for i, text in enumerate(predictions)}
    exact, f1 = squad_metrics.get_raw_scores(examples, by_id)
    odds = {str(i): float(x) for i, x in enumerate(margins)}
    known = {str(i): bool(each) for i, each in enumerate(golds)}
    best = {
        name: squad_metrics.find_best_thresh_v2(by_id, scores, odds, known)[:2]
        for name, scores in (("exact_match", exact), ("f1", f1))
    }
    summary = squad_metrics.squad_evaluate(examples, by_id, odds, no_answer_probability_threshold=0)
    return {
        "golds": golds,
        "predictions": predictions,
        "margins": margins.tolist(),
        "scores": [[float(exact[i]), float(f1[i])] for i in by_id],
        "best": best,
        "summary": dict(summary),
    }


def main() -> None:
    """Writes the file."""
    random = np.random.default_rng(7)
    content = {"1.1": first(random), "2.0": [second(random, silent) for silent in (1, 2)]}
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    (HERE / "squad_scores.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

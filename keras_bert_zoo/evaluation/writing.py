"""How near texts that were written come to those by people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import sacrebleu

from keras_bert_zoo.evaluation.extracts import each_rouge, rouge

# Tokenizers of sacrebleu that need no package and no download besides.
TOKENIZERS = ("13a", "zh", "intl", "char", "none")
Texts = Sequence[str]


class Metric(NamedTuple):
    """One way to compare.

    Args:
        scores: of texts and references, and a name of ``TOKENIZERS``; a number by name.
        monitored: the score that decides.
        each: what the monitored score is the mean of, ``(N,)``; ``None`` where it is no mean.
        whole: the score of texts that are the references.
    """

    scores: Callable[[Texts, Texts, str], dict[str, float]]
    monitored: str
    each: Callable[[Texts, Texts], np.ndarray] | None
    whole: float = 1.0


def bleu(texts: Texts, references: Texts, tokenizer: str) -> dict[str, float]:
    """BLEU (Papineni et al. 2002) and chrF (Popović 2015) of a corpus, from 0 to 100.

    Both as ``sacrebleu`` computes them (Post 2018, arXiv:1804.08771): of BLEU smoothed counts,
    ``exp``; of chrF runs of 6 characters and no words.
    """
    return {
        "bleu": sacrebleu.corpus_bleu(texts, [references], tokenize=tokenizer).score,
        "chrf": sacrebleu.corpus_chrf(texts, [references]).score,
    }


def each_same(texts: Texts, references: Texts) -> np.ndarray:
    """1 where a text is the reference, but for spaces at its ends, and 0 elsewhere, ``(N,)``."""
    pairs = zip(texts, references, strict=True)
    return np.array([float(text.strip() == wanted.strip()) for text, wanted in pairs])


METRICS = {
    "bleu": Metric(bleu, "bleu", None, 100.0),
    "rouge": Metric(
        lambda texts, references, _: rouge(texts, references),
        "rouge2",
        lambda texts, references: each_rouge(texts, references)["rouge2"],
    ),
    "exact_match": Metric(
        lambda texts, references, _: {"exact_match": float(each_same(texts, references).mean())},
        "exact_match",
        each_same,
    ),
}

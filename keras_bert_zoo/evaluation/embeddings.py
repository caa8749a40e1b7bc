"""Vectors of texts, what lies near to them, and how good they are.

TensorFlow-only. ``N`` texts, ``D`` width of an embedding.
"""

from __future__ import annotations

import numbers
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import scipy.stats

from keras_bert_zoo.data.batches import Batch
from keras_bert_zoo.data.examples import Examples
from keras_bert_zoo.data.rows import labelled_rows
from keras_bert_zoo.evaluation.prediction import (
    checked_max_length,
    in_pairs,
    keras_runner,
    outputs_of,
)

_EMBEDDING = "sentence_embedding"


def encode(
    model: keras.Model,
    tokenizer: Any,
    texts: Sequence[str],
    *,
    batch_size: int = 64,
    max_length: int | None = None,
    truncate_dim: int | None = None,
    progress: bool = False,
) -> np.ndarray:
    """Embeds texts, short ones with short ones, and one that is there twice once.

    Args:
        model: a ``SentenceEmbedder``.
        tokenizer: its ``Tokenizer``.
        texts: N strings.
        batch_size: texts at once.
        max_length: tokens at which texts are cut; by default the model's ``max_seq_length``,
            or as many as there is room for.
        truncate_dim: how many numbers of each vector are kept; where the model normalises,
            what is left has length 1 again.
        progress: whether a bar is drawn.

    Returns:
        float32 ``(N, D)``, in the order of the texts.

    Raises:
        ValueError: a text is not a string, there is no tokenizer, the model embeds no
            sentences, a number is out of range, or an embedding is NaN or infinite.
    """
    width = _width(model, truncate_dim)
    stated = model.head["max_seq_length"]
    if max_length is None and stated is not None:
        max_length = min(stated, model.config.max_tokens)
    max_length = checked_max_length(model.config, tokenizer, max_length)
    distinct, places = once_each(texts)
    if not distinct:
        return np.zeros((0, width), "float32")
    rows = labelled_rows(Examples(distinct), tokenizer, max_length)
    found = outputs_of(
        keras_runner(model),
        rows,
        max_length=max_length,
        batch_size=batch_size,
        observe=bar_of(len(rows)) if progress else None,
        in_turn=in_pairs,
    )[_EMBEDDING].astype("float32", copy=False)[places]
    if width == found.shape[1]:
        return found
    return unit(found[:, :width]) if model.head["normalize"] else found[:, :width]


def once_each(texts: Sequence[str]) -> tuple[list[str], list[int]]:
    """The texts without their repetitions, and for each of all where it stands among those.

    Raises:
        ValueError: a text is not a string.
    """
    Examples(texts)
    places = {text: place for place, text in enumerate(dict.fromkeys(texts))}
    return list(places), [places[text] for text in texts]


def bar_of(count: int) -> Callable[[Batch, Any], None]:
    """A bar of so many texts, drawn on by each batch that it sees."""
    bar = keras.utils.Progbar(count, unit_name="text")
    return lambda batch, _: bar.add(len(batch.rows))


def _width(model: keras.Model, truncate_dim: int | None) -> int:
    if _EMBEDDING not in model.output:
        raise ValueError(
            f"model returns {list(model.output)}, no {_EMBEDDING}. Load an embedder: "
            "load(…, task='sentence_embedding')."
        )
    width = model.output[_EMBEDDING].shape[-1]
    if truncate_dim is not None and not 1 <= truncate_dim <= width:
        raise ValueError(
            f"truncate_dim must be from 1 to {width}, the width of the embeddings, received "
            f"{truncate_dim}."
        )
    return truncate_dim or width


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors ``(..., D)`` of length 1; those of length 0 stay 0."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.maximum(lengths, 1e-12)


def cosines(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Of vectors ``(N, D)`` one by one: float64 ``(N,)``."""
    # Of a model that knows little all are near to 1: float32 would tell few of them apart.
    first, second = np.asarray(first, "float64"), np.asarray(second, "float64")
    return (unit(first) * unit(second)).sum(axis=-1)


def semantic_search(
    queries: np.ndarray,
    corpus: np.ndarray,
    top_k: int = 10,
    *,
    queries_at_once: int = 100,
    corpus_at_once: int = 100_000,
) -> list[list[dict[str, Any]]]:
    """The texts of a corpus that are nearest to each query, by the cosine.

    Args:
        queries: vectors ``(Q, D)``.
        corpus: vectors ``(N, D)``.
        top_k: how many are found for each query, at most N.
        queries_at_once: rows of the table of cosines in memory.
        corpus_at_once: columns of that table.

    Returns:
        For each query dicts of ``corpus_id``, a row of the corpus, and ``score``, the largest
        first; of equal ones the earlier row.

    Raises:
        ValueError: the vectors are not of one width or not finite, or a number is not positive.
    """
    queries, corpus = np.atleast_2d(queries), np.asarray(corpus)
    counts = {
        "top_k": top_k,
        "queries_at_once": queries_at_once,
        "corpus_at_once": corpus_at_once,
    }
    for name, count in counts.items():
        if not isinstance(count, numbers.Integral) or count < 1:
            raise ValueError(f"{name} must be a whole number of at least 1, received {count!r}.")
    if corpus.ndim != 2 or queries.ndim != 2 or queries.shape[1] != corpus.shape[1]:
        raise ValueError(
            "queries and corpus must be rows of vectors of one width, received shapes "
            f"{queries.shape} and {corpus.shape}."
        )
    _refuse_odd("queries", queries)
    hits: list[list[dict[str, Any]]] = []
    for start in range(0, len(queries), queries_at_once):
        part = unit(queries[start : start + queries_at_once])
        scores, ids = _nearest(part, corpus, top_k, corpus_at_once)
        for row in zip(ids, scores, strict=True):
            pairs = zip(*(values.tolist() for values in row), strict=True)
            hits.append([{"corpus_id": index, "score": score} for index, score in pairs])
    return hits


def _refuse_odd(name: str, vectors: np.ndarray, first: int = 0) -> None:
    odd = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(odd):
        raise ValueError(
            f"{name}[{first + odd[0]}] holds NaN or infinity, which is near to nothing. Leave it "
            "out, or embed its text again."
        )


def _nearest(
    queries: np.ndarray, corpus: np.ndarray, top_k: int, at_once: int
) -> tuple[np.ndarray, np.ndarray]:
    """Scores and rows ``(Q, top_k)`` of the nearest, the best of each part with those before."""
    scores = np.zeros((len(queries), 0), "float32")
    ids = np.zeros((len(queries), 0), "int64")
    for start in range(0, len(corpus), at_once):
        part = corpus[start : start + at_once]
        _refuse_odd("corpus", part, start)
        more = queries @ unit(part).T
        places = np.broadcast_to(np.arange(start, start + more.shape[1]), more.shape)
        scores, ids = np.hstack([scores, more]), np.hstack([ids, places])
        # Earlier rows stand first, and a stable sort keeps them there.
        order = np.argsort(-scores, axis=1, kind="stable")[:, :top_k]
        scores, ids = (np.take_along_axis(x, order, axis=1) for x in (scores, ids))
    return scores, ids


def similarity_scores(first: np.ndarray, second: np.ndarray, labels: Any) -> dict[str, float]:
    """How well cosines follow labels, as in the STS tasks (Cer et al. 2017, arXiv:1708.00055).

    Args:
        first: vectors ``(N, D)``.
        second: the same of the texts they are compared with.
        labels: numbers ``(N,)``.

    Returns:
        ``spearman`` and ``pearson``; NaN where the cosines or the labels are all the same.
    """
    found, labels = cosines(first, second), np.asarray(labels)
    if len(set(found.tolist())) < 2 or len(set(labels.tolist())) < 2:
        return {"spearman": float("nan"), "pearson": float("nan")}
    return {
        "spearman": float(scipy.stats.spearmanr(found, labels)[0]),
        "pearson": float(scipy.stats.pearsonr(found, labels)[0]),
    }


def evaluate_similarity(
    model: keras.Model,
    tokenizer: Any,
    texts: Sequence[str],
    text_pairs: Sequence[str],
    labels: Any,
    **options: Any,
) -> dict[str, float]:
    """Scores a model on pairs of texts with labels; ``options`` are those of ``encode``.

    Raises:
        ValueError: there are not as many texts, second texts and labels, a text is not a string, or
            a label no finite number.
    """
    labels = Examples(texts, text_pairs, labels).labels
    vectors = encode(model, tokenizer, [*texts, *text_pairs], **options)
    return similarity_scores(vectors[: len(texts)], vectors[len(texts) :], labels)


def ranking_scores(sets: np.ndarray, answers: np.ndarray | None = None) -> dict[str, float]:
    """How well first texts find the second text of their set among those of all sets.

    Args:
        sets: vectors ``(N, M, D)``; from the third of a set on they are wrong answers.
        answers: numbers of all texts but the first ``(N, M - 1)``, alike for the same text, which
            is no mistake wherever it stands; by default all are different.

    Returns:
        ``accuracy_at_1``, and ``mrr``, the mean of one over the place of the right text. Other
        texts with the same cosine come first: where all vectors are alike, nothing was found.
    """
    vectors = unit(sets)
    own = (vectors[:, 0] * vectors[:, 1]).sum(axis=-1)
    if answers is None:
        answers = np.arange(sets[:, 1:, 0].size).reshape(len(sets), -1)
    ranks = np.ones(len(sets), "int64")
    for start in range(0, len(sets), _CANDIDATES_AT_ONCE):
        part = slice(start, start + _CANDIDATES_AT_ONCE)
        for member in range(1, vectors.shape[1]):
            # The same cosine, computed in another product, may differ in the last digit.
            ahead = vectors[:, 0] @ vectors[part, member].T > own[:, None] - 1e-6
            other = answers[:, :1] != answers[None, part, member - 1]
            ranks += (ahead & other).sum(axis=1)
    return {"accuracy_at_1": float((ranks == 1).mean()), "mrr": float((1 / ranks).mean())}


_CANDIDATES_AT_ONCE = 4096

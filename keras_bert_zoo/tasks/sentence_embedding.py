"""One vector for a text, such that texts of one meaning lie near to each other."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_bert_zoo.data.rows import Rows, encode
from keras_bert_zoo.data.text_sets import LABEL, SetTable, TextSets
from keras_bert_zoo.evaluation.embeddings import cosines, ranking_scores, similarity_scores
from keras_bert_zoo.models.embedding_losses import DISTANCES
from keras_bert_zoo.models.sentence_embedding import EMBEDDING, EMBEDDINGS
from keras_bert_zoo.rules import (
    NOT_NEGATIVE,
    NUMBER,
    POSITIVE,
    SWITCH,
    TEXT,
    at_least,
    check_options,
    choice,
    either,
    list_of,
    or_none,
)
from keras_bert_zoo.tasks.asking import texts_of
from keras_bert_zoo.tasks.task import Labels, Outputs, Settings, Task

# Losses of `models.embedding_losses`, and whether they learn from a label.
LOSSES = {"ranking": False, "triplet": False, "cosine": True, "cosent": True, "angle": True}
_RULES = {
    "loss": choice(*LOSSES),
    "scale": or_none(POSITIVE),
    "distance": or_none(choice(*DISTANCES)),
    "margin": or_none(NOT_NEGATIVE),
    "negative_columns": or_none(list_of(TEXT)),
    "label_range": or_none(list_of(NUMBER)),
    "matryoshka": or_none(list_of(at_least(1))),
    "chunk_size": or_none(at_least(1)),
    "pooling": or_none(either(TEXT, list_of(TEXT))),
    "normalize": or_none(SWITCH),
    "dense_units": or_none(at_least(1)),
    "truncate_dim": or_none(at_least(1)),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class EmbeddingOptions:
    """Options of sentence embedding.

    Args:
        loss: ``"ranking"`` of pairs, or of sets with wrong texts (``negative_columns``);
            ``"triplet"`` of a text, one like it and one unlike; ``"cosine"``, ``"cosent"`` or
            ``"angle"`` of pairs with a label.
        scale: of ``"ranking"``, ``"cosent"`` and ``"angle"``; 20 by default.
        distance: of ``"triplet"``: ``"euclidean"`` (by default) or ``"cosine"``.
        margin: of ``"triplet"``; 5 or, for cosines, 0.5 by default.
        negative_columns: columns of wrong texts; for ``"triplet"`` by default ``negative``.
        label_range: the lowest and the highest label, which become 0 and 1.
        matryoshka: widths of the embedding that are trained together.
        chunk_size: texts that are in memory at once, where a batch has more.
        pooling: by default the checkpoint's, the mean of a bare encoder.
        normalize: whether embeddings have length 1; by default as the checkpoint has it.
        dense_units: width of a dense layer behind the pooling; by default the checkpoint's.
        truncate_dim: how many numbers of an embedding are kept.

    Raises:
        ValueError: values are out of range; all are named.
    """

    loss: str = "ranking"
    scale: float | None = None
    distance: str | None = None
    margin: float | None = None
    negative_columns: Sequence[str] | None = None
    label_range: Sequence[float] | None = None
    matryoshka: Sequence[int] | None = None
    chunk_size: int | None = None
    pooling: str | Sequence[str] | None = None
    normalize: bool | None = None
    dense_units: int | None = None
    truncate_dim: int | None = None

    def __post_init__(self) -> None:
        """Refuses values out of range."""
        check_options(self, _RULES)


_HEAD = ("pooling", "normalize", "dense_units", "truncate_dim")
_OF_LOSS = ("scale", "distance", "margin", "matryoshka")


class SentenceEmbedding(Task[TextSets]):
    """Reimers & Gurevych 2019, arXiv:1908.10084; the model is a ``SentenceEmbedder``."""

    Options = EmbeddingOptions

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        loss, negatives = self.options.loss, self.options.negative_columns
        if negatives is None:
            negatives = ["negative"] if loss == "triplet" else []
        if (LOSSES[loss] and negatives) or (loss == "triplet" and len(negatives) != 1):
            wanted = "one column" if loss == "triplet" else "none"
            raise ValueError(
                f"negative_columns must be {wanted} with loss={loss!r}, received {negatives!r}."
            )
        self.labelled = LOSSES[loss]
        first, second = settings.text_column or "text", settings.pair_column or "text_pair"
        self.table = SetTable(
            texts=(first, second, *negatives),
            label=(settings.label_column or LABEL) if self.labelled else None,
            label_range=self.options.label_range,
            delimiter=settings.delimiter,
            encoding=settings.encoding,
            empty_texts=settings.empty_texts,
        )

    def monitored(self, labels: Labels) -> str:
        """The correlation with labels, or how early the right text is found."""
        return "spearman" if self.labelled else "mrr"

    def prepared(self, model: Any, learned: Rows | None = None) -> Any:
        """A model of sets of texts around the ``SentenceEmbedder``."""
        head = _given(self.options, _HEAD)
        if head:
            model = model.with_head(fresh=learned is not None, **head)
        width = model.output[EMBEDDING].shape[-1]
        if learned is not None and max(self.options.matryoshka or [0]) > width:
            raise ValueError(
                f"matryoshka may hold widths up to {width}, that of the embedding, received "
                f"{list(self.options.matryoshka)}."
            )
        sets = model.in_sets(self.options.loss, **_given(self.options, _OF_LOSS))
        sets.chunk_size = self.options.chunk_size
        return sets

    def kept(self, model: Any) -> Any:
        """The ``SentenceEmbedder``, which cuts texts as here where it did not say how."""
        embedder = model.embedder
        if embedder.head["max_seq_length"] is None:
            embedder.head["max_seq_length"] = self.settings.max_length
        return embedder

    def read(self, source: str) -> TextSets:
        """Reads a table of pairs or sets, see ``data.text_sets``.

        Raises:
            ValueError: labels are beyond what a cosine can be.
        """
        found = self.table.read(source)
        if self.options.loss == "cosine" and found.labels is not None:
            beyond = np.flatnonzero(np.abs(found.labels) > 1)
            if len(beyond):
                raise ValueError(
                    f"{found.places[beyond[0]]}: the label {found.labels[beyond[0]]:g} is no "
                    "cosine. Say what 0 and 1 are with the option label_range, e.g. [1, 5]."
                )
        return found

    def asked(self, questions: Sequence[Any]) -> TextSets:
        """Texts, pairs of texts, or dicts with the columns ``text`` and ``text_pair``."""
        columns = [
            list(column) for column in texts_of(questions, self.columns) if column is not None
        ]
        return TextSets([], tuple(columns))

    def rows(self, examples: TextSets, tokenizer: Any, labels: Labels) -> Rows:
        """A row for each set."""
        encoded = encode(examples.examples(), tokenizer, self.settings.max_length)
        numbers = examples.labels
        if numbers is None:
            numbers = np.zeros(len(examples), "float32")
        return _SetRows(encoded, {EMBEDDINGS: numbers}, members=examples.members)

    def score(
        self, examples: TextSets, rows: Rows, outputs: Outputs, labels: Labels
    ) -> dict[str, float]:
        """Correlations of cosines with labels, or how well texts find each other."""
        sets = outputs[EMBEDDINGS]
        if self.labelled:
            return similarity_scores(sets[:, 0], sets[:, 1], rows.labels[EMBEDDINGS])
        return ranking_scores(sets, examples.answers())

    def answers(
        self, examples: TextSets, rows: Rows, outputs: Outputs, labels: Labels
    ) -> list[dict[str, Any]]:
        """The ``similarity`` of a pair, from -1 to 1, or the ``embedding`` of a text."""
        if examples.members == 1:
            vectors = self.vectors(outputs).astype("float64").round(6).tolist()
            return [{"embedding": vector} for vector in vectors]
        sets = outputs[EMBEDDINGS]
        similarities = cosines(sets[:, 0], sets[:, 1]).tolist()
        return [{"similarity": round(each, 6)} for each in similarities]

    def vectors(self, outputs: Outputs) -> np.ndarray:
        """Those of single texts, ``(N, D)``."""
        return outputs[EMBEDDINGS][:, 0]


class _SetRows(Rows):
    """Rows whose inputs are ``(B, members, S)``, of one member too."""

    def inputs(self, rows: np.ndarray, width: int) -> dict[str, np.ndarray]:
        found = super().inputs(rows, width)
        return {k: v.reshape(len(rows), self.members, width) for k, v in found.items()}


def _given(options: EmbeddingOptions, names: Sequence[str]) -> dict[str, Any]:
    return {name: getattr(options, name) for name in names if getattr(options, name) is not None}

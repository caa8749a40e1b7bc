"""What a model must beat before its accuracy means anything."""

from __future__ import annotations

from collections.abc import Sequence

from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline


def _tfidf() -> Pipeline:
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2)
    return make_pipeline(words, LogisticRegression(C=4.0, max_iter=1000))


BASELINES = {
    "majority class": lambda: DummyClassifier(strategy="most_frequent"),
    "TF-IDF + logistic regression": _tfidf,
}


def baseline_accuracies(
    train_texts: Sequence[str],
    train_labels: Sequence[str],
    test_texts: Sequence[str],
    test_labels: Sequence[str],
) -> dict[str, float]:
    """Accuracy in [0, 1] on the test texts of each baseline trained on the training texts."""
    return {
        name: float(make().fit(train_texts, train_labels).score(test_texts, test_labels))
        for name, make in BASELINES.items()
    }

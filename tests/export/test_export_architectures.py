"""Every architecture: trained for a moment, saved, and run in every kind of runtime."""

from __future__ import annotations

import collections
import types

import numpy as np
import pytest
from architectures import OWN_BLOCKS, batch, tiny
from task_models import ASKED

import keras_bert_zoo
from keras_bert_zoo.checkpoints.tables import ARCHITECTURES
from keras_bert_zoo.data.batches import batches
from keras_bert_zoo.data.examples import Examples
from keras_bert_zoo.export.conversion import export
from keras_bert_zoo.export.errors import ExportError
from keras_bert_zoo.export.onnx import writer
from keras_bert_zoo.export.onnx.conversion import lean_graph
from keras_bert_zoo.export.signature import Signature
from keras_bert_zoo.export.tflite import model as tflite_model
from keras_bert_zoo.export.tflite.lengths import give_lengths
from keras_bert_zoo.export.tflite.writer import converted
from keras_bert_zoo.export.verification.verification import verify
from keras_bert_zoo.models import MultipleChoice, SequenceClassifier, encoder_of

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
    model = randomise(SequenceClassifier(encoder_of(config, add_pooling_layer=pooler)))
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
    assert again.config.replace(extra=config.extra) == config
    assert again.config.choices == config.choices
    # One of those without segments has the tokenizer in the file too.
    formats = ["savedmodel", "tflite", "onnx"] + ["tflite-text"] * (kind == "distilbert")
    artifacts = export(saved, tmp_path / "out", formats, progress=False)
    report = verify(saved, artifacts, examples, threads=1, progress=False)
    assert {row.format: row.problems for row in report.rows} == dict.fromkeys(formats, ())


@pytest.mark.parametrize(
    "kind", [kind for kind, table in ARCHITECTURES.items() if "multiple_choice" in table.heads]
)
def test_choices_are_exported_and_pass(kind, keras_bundle, randomise, tmp_path):
    words = keras_bundle.config.vocab_size
    config = tiny(kind, vocab_size=words, max_position_embeddings=80, pad_token_id=0)
    pooler = ARCHITECTURES[kind].has_pooler("multiple_choice")
    model = randomise(MultipleChoice(encoder_of(config, add_pooling_layer=pooler)))
    saved = keras_bert_zoo.save(model, keras_bundle.tokenizer, tmp_path / "bundle")
    formats = ["savedmodel", "tflite", "onnx"]
    artifacts = export(saved, tmp_path / "out", formats, progress=False)
    report = verify(saved, artifacts, ASKED["multiple_choice"], progress=False)
    assert {row.format: row.problems for row in report.rows} == dict.fromkeys(formats, ())
    assert all(row.agreement == 1 and row.max_difference < 1e-5 for row in report.rows)


@pytest.mark.parametrize("kind", OWN_BLOCKS)
def test_tflite_files_of_fixed_lengths_answer_alike(kind, randomise):
    from ai_edge_litert.interpreter import Interpreter

    config = tiny(kind, id2label={0: "no", 1: "yes"})
    model = randomise(SequenceClassifier(encoder_of(config)))
    graph = tflite_model.read(converted(model))
    signature = Signature.of(model).fix(batch=1)
    give_lengths(graph, signature, (5, 20))
    interpreter = Interpreter(model_content=bytes(tflite_model.write(graph)))
    for length in (5, 20):
        arrays = batch(config, lengths=(length,))
        found = interpreter.get_signature_runner(f"ids_{length}")(**arrays)["logits"]
        np.testing.assert_allclose(found, model(arrays)["logits"], rtol=0, atol=1e-5)


# What onnxruntime's optimizer knows; of ELECTRA with embeddings as wide as its layers.
FUSED = {"bert", "roberta", "xlm-roberta", "camembert", "distilbert", "electra"}


@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_onnx_is_fused_or_refused_by_name(kind, randomise, tmp_path):
    import onnxruntime

    narrow = {"embedding_size": 24} if kind == "electra" else {}
    config = tiny(kind, id2label={0: "no", 1: "yes"}, **narrow)
    pooler = ARCHITECTURES[kind].has_pooler("sequence_classification")
    model = randomise(SequenceClassifier(encoder_of(config, add_pooling_layer=pooler)))
    bundle = types.SimpleNamespace(model=model, config=config)
    if kind not in FUSED:
        with pytest.raises(ExportError, match="Export the format 'onnx'"):
            writer.export(bundle, tmp_path / "model.onnx", fused=True)
        return
    writer.export(bundle, tmp_path / "model.onnx", fused=True)
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"))
    arrays = batch(config)
    asked = {each.name: arrays[each.name].astype("int64") for each in session.get_inputs()}
    [found] = session.run(None, asked)
    np.testing.assert_allclose(found, model(arrays)["logits"], rtol=0, atol=1e-5)


def test_onnx_products_without_a_bias_take_no_shape_arithmetic(randomise):
    config = tiny("modernbert", id2label={0: "no", 1: "yes"})
    model = randomise(SequenceClassifier(encoder_of(config)))
    kinds = collections.Counter(
        n.op_type for n in lean_graph(model, Signature.of(model)).graph.node
    )
    # Heads are cut and joined once a layer; lengths are asked once, for the rotations.
    assert (kinds["Reshape"], kinds["Shape"]) == (2 * config.num_hidden_layers, 1)
    # All but the one behind the pooled text.
    assert kinds["LayerNormalization"] == 2 * config.num_hidden_layers + 1

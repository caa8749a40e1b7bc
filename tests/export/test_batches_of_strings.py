"""Signatures that take strings: batches of nothing, and inputs of different sizes."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from task_models import ASKED, REMEMBERED, models_of
from writers import tiny_writer

import keras_bert_zoo
from keras_bert_zoo.bundle import Bundle
from keras_bert_zoo.export.graphs import graph_of
from keras_bert_zoo.export.savedmodel.batches import any_batch
from keras_bert_zoo.export.savedmodel.text_signatures import text_signatures
from keras_bert_zoo.export.signature import Signature
from keras_bert_zoo.export.tracing import trace
from keras_bert_zoo.export.writing.savedmodel import export as export_writer
from keras_bert_zoo.tokenizers import WordPieceTokenizer

# With those whose signatures are made in another way.
KINDS = ("encoder", "sequence_classification", *ASKED, "crf")
PAIRED = ("sequence_classification", "question_answering", "next_sentence", "multiple_choice")
QUICK = (*PAIRED, "token_classification")
# How many texts each of two inputs holds.
SIZES = [(3, 1), (1, 2), (3, 2), (1, 0), (0, 1)]


@pytest.fixture(scope="module")
def plain(make_bundle, tmp_path_factory):
    return keras_bert_zoo.load(make_bundle(tmp_path_factory.mktemp("a") / "b", problem_type=None))


@pytest.fixture(scope="module")
def signatures(plain, keras_bundle, randomise):
    """Signatures and their functions, by task; each made once."""
    made = {}

    def bundle_of(kind):
        if kind in ("encoder", "sequence_classification"):
            return plain if kind == "encoder" else keras_bundle
        models = models_of(plain.model)
        model = models["token_classification"].with_crf() if kind == "crf" else models[kind]
        graph = graph_of(model.task).of(randomise(model))
        config = model.config.replace(extra={"task_specific_params": REMEMBERED})
        return Bundle(graph, plain.tokenizer, config)

    def signatures_of(kind):
        if kind not in made:
            bundle = bundle_of(kind)
            forward = trace(bundle.model, Signature.of(bundle.model))
            made[kind] = list(text_signatures(bundle, forward))
        return made[kind]

    return signatures_of


def strings(spec, count):
    return tf.fill([count, *(2 for _ in spec.axes[1:])], "the fox")


@pytest.mark.parametrize(
    "kind", [pytest.param(k, marks=[] if k in QUICK else pytest.mark.slow) for k in KINDS]
)
def test_no_texts_have_no_answers(signatures, kind):
    for signature, serve in signatures(kind):
        given = {spec.name: strings(spec, 0) for spec in signature.inputs}
        found = {name: values.numpy() for name, values in serve(**given).items()}
        assert not signature.mismatches({n: x.numpy() for n, x in given.items()}, found)
        assert {len(values) for values in found.values()} == {0}
        assert [found[spec.name].dtype for spec in signature.outputs] == [
            np.dtype(object if spec.dtype == "string" else spec.dtype) for spec in signature.outputs
        ]


@pytest.mark.parametrize("kind", PAIRED)
@pytest.mark.parametrize("sizes", SIZES)
def test_inputs_hold_the_same_number_of_texts(signatures, kind, sizes):
    [(signature, serve)] = [row for row in signatures(kind) if len(row[0].inputs) == 2]
    given = {s.name: strings(s, n) for s, n in zip(signature.inputs, sizes, strict=True)}
    rule = f"{' and '.join(given)} must hold the same number of texts, received"
    message = r"{}\] \[{}\] \[{}\]".format(rule, *sizes)
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        serve(**given)


@pytest.mark.slow
def test_every_signature_of_two_inputs_was_asked(signatures):
    paired = {k for k in KINDS for signature, _ in signatures(k) if len(signature.inputs) == 2}
    # Encoders and embedders have the signatures of a classifier.
    assert paired == {*PAIRED, "encoder", "sentence_embedding"}


def test_answers_to_texts_stay_as_they_are():
    serve = tf.function(any_batch(lambda text: {"same": text}, ["text"]))
    assert serve(text=tf.constant(["a", "b"]))["same"].numpy().tolist() == [b"a", b"b"]


@pytest.mark.parametrize("kind", ["encoder-decoder", pytest.param("gpt2", marks=pytest.mark.slow)])
def test_nothing_is_written_for_no_texts(kind, tmp_path):
    words = ["[PAD]", "[SEP]", "[CLS]", "[UNK]", "[MASK]", *(f"w{n}" for n in range(56))]
    model = tiny_writer(kind)
    bundle = Bundle(model, WordPieceTokenizer(words), model.config)
    export_writer(bundle, tmp_path / "model", generation={"max_new_tokens": 2})
    serve = tf.saved_model.load(str(tmp_path / "model")).signatures["serving_default"]
    assert serve(text=tf.constant([], tf.string))["text"].shape == (0,)

"""optimum-onnx and sentence-transformers, each given nothing but a directory."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest
from writers import PAD, START, inputs_of, rows, tiny_writer, with_segments

from .conftest import LABELS, ONNX, TEXTS

# Random models write one word again and again, where they may.
CHOICES = ({"no_repeat_ngram_size": 1}, {"no_repeat_ngram_size": 2, "num_beams": 3})
# optimum begins with keys and values of as many heads as the encoder has.
ONE_NUMBER_OF_HEADS = {"decoder_attention_heads": 3}
HEADS = (
    {},
    {"pooling": ["cls", "max", "weightedmean"], "normalize": True},
    {"dense_units": 10, "dense_activation": "gelu", "normalize": True, "max_seq_length": 6},
    {"dense_units": 10, "dense_bias": False, "truncate_dim": 4},
)

pytestmark = pytest.mark.clients


# One process for all artifacts: importing takes longer than running them.
@pytest.fixture(scope="module")
def optimum(exports, ask):
    cases = [(output, name) for output in ("logits", "last_hidden_state") for name in ONNX]
    requests = [(output, str(exports[output, name].path)) for output, name in cases]
    answers = ask("huggingface", "optimum_client.py", requests, TEXTS)
    return dict(zip(cases, answers, strict=True))


@pytest.fixture(scope="module")
def sentence_transformers(exports, ask):
    directories = [str(exports["last_hidden_state", name].path) for name in ONNX]
    answers = ask("huggingface", "sentence_transformers_client.py", directories, TEXTS)
    return dict(zip(ONNX, answers, strict=True))


@pytest.mark.parametrize("name", ONNX)
@pytest.mark.parametrize("output", ["logits", "last_hidden_state"])
def test_optimum(optimum, agrees, output, name):
    answer = optimum[output, name]
    agrees(output, name, answer["values"])
    if output == "logits":
        assert answer["labels"] == {str(index): label for index, label in LABELS.items()}


@pytest.mark.parametrize("name", ONNX)
def test_sentence_transformers(sentence_transformers, batches, agrees, name):
    mask = batches[0]["attention_mask"][:, :, None]

    def means(answers):
        return (answers.padded * mask).sum(axis=1) / mask.sum(axis=1)

    agrees("last_hidden_state", name, sentence_transformers[name], means)


def test_sentence_transformers_reads_embedders_and_writes_them(bundles, ask, tmp_path):
    from keras_bert_zoo.bundle import load, save
    from keras_bert_zoo.evaluation.embeddings import encode
    from keras_bert_zoo.models import BertEncoder, SentenceEmbedder

    bundle = bundles["last_hidden_state"]
    encoder = BertEncoder(bundle.config, add_pooling_layer=False)
    own = {weight.path: weight for weight in bundle.model.weights}
    for weight in encoder.weights:
        weight.assign(own[weight.path])
    models = [SentenceEmbedder(encoder, **head) for head in HEADS]
    places = [
        str(save(model, bundle.tokenizer, tmp_path / str(index)))
        for index, model in enumerate(models)
    ]
    answers = ask("huggingface", "sentence_directories_client.py", places, TEXTS)
    for model, place, found in zip(models, places, answers, strict=True):
        expected = encode(model, bundle.tokenizer, TEXTS)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
        again = load(pathlib.Path(f"{place}-again"), task="sentence_embedding")
        written = encode(again.model, again.tokenizer, TEXTS)
        np.testing.assert_allclose(written, expected, rtol=0, atol=1e-5)


def test_a_transformers_that_ties_reads_both_sides_and_stores_one(ask, tmp_path):
    from keras_bert_zoo.bundle import load, save

    model = tiny_writer("tied")
    place, arrays = save(model, None, tmp_path / "tied"), inputs_of(model)
    lists = {name: values.tolist() for name, values in arrays.items()}
    found = ask("huggingface", "tied_client.py", str(place), lists)
    assert found["ties"] and not any(name.startswith("encoder.enc") for name in found["stored"])
    expected, real = np.asarray(model(arrays)["logits"]), arrays["decoder_attention_mask"] > 0
    np.testing.assert_allclose(np.array(found["logits"])[real], expected[real], rtol=0, atol=1e-5)
    again = load(f"{place}-again").model
    np.testing.assert_array_equal(again(arrays)["logits"], expected)


def test_optimum_writes_what_generate_writes(ask, tmp_path):
    from keras_bert_zoo.bundle import Bundle
    from keras_bert_zoo.export.writing.conversion import write
    from keras_bert_zoo.generation import generate

    requests, expected = [], []
    for kind in ("encoder-decoder", "marian", "pegasus"):
        model, place = tiny_writer(kind, changes=ONE_NUMBER_OF_HEADS), tmp_path / kind
        place.mkdir()
        bundle = Bundle(model, None, model.config)
        write(bundle, place, "writer-onnx", {"generation": {"max_new_tokens": 7}})
        inputs = with_segments(model, rows())
        arrays = {name: values.tolist() for name, values in inputs.items()}
        for options in CHOICES:
            requests.append((str(place), arrays, options))
            ids = generate(model, inputs, jit_compile=False, max_new_tokens=7, **options)
            expected.append([[START, *row] for row in ids.tolist()])
    answers = ask("huggingface", "optimum_writing_client.py", requests)
    for found, wanted in zip(answers, expected, strict=True):
        # It stops where the longest text of a batch ends.
        missing = [PAD] * (len(wanted[0]) - len(found[0]))
        assert [row + missing for row in found] == wanted

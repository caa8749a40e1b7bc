"""The graph that is exported of each task, asked as its Keras model is."""

from __future__ import annotations

import numpy as np
import pytest
from architectures import batch, tiny
from task_models import ASKED, REMEMBERED, models_of

import keras_bert_zoo
from keras_bert_zoo import models
from keras_bert_zoo.checkpoints.tables import ARCHITECTURES
from keras_bert_zoo.evaluation.prediction import keras_runner
from keras_bert_zoo.export.formats import WHOLE_TEXTS
from keras_bert_zoo.export.graphs import asked, graph_of
from keras_bert_zoo.export.savedmodel.task_signatures import SIGNATURES
from keras_bert_zoo.tasks import task_named
from keras_bert_zoo.tasks.task import Settings


def test_no_task_is_forgotten():
    assert {*ASKED, "sequence_classification"} >= {*models.TASKS} - {
        "pretraining",
        "replaced_tokens",
    }


def test_every_task_answers_to_strings():
    assert {*SIGNATURES} == {*ASKED}.difference(WHOLE_TEXTS)


@pytest.fixture(scope="module")
def plain(make_bundle, tmp_path_factory):
    return keras_bert_zoo.load(make_bundle(tmp_path_factory.mktemp("a") / "b", problem_type=None))


@pytest.mark.parametrize("name", ASKED)
def test_rows_of_ids_are_all_it_takes(plain, randomise, name):
    model = randomise(models_of(plain.model)[name])
    graph = graph_of(model.task).of(model)
    assert set(graph.input) == {"input_ids", "attention_mask", "token_type_ids"}
    assert all(len(x.shape) == 2 for x in graph.input.values())
    remembered = REMEMBERED.get(name, {"max_length": 40})
    task = task_named(name)(Settings(**remembered))
    rows = task.rows(task.asked(ASKED[name]), plain.tokenizer, model.config.labels)
    inputs = rows.inputs(np.arange(len(rows)), 40)
    expected = keras_runner(task.prepared(model))(inputs)
    found = asked(model.task, model.config, keras_runner(graph))(inputs)
    assert found.keys() == expected.keys()
    for output, values in expected.items():
        np.testing.assert_allclose(found[output], values, rtol=0, atol=2e-6)


def built(kind, task, randomise, **changes):
    encoder = models.encoder_of(
        tiny(kind, **changes), add_pooling_layer=ARCHITECTURES[kind].has_pooler(task)
    )
    return randomise(models.TASKS[task](encoder))


@pytest.mark.parametrize(
    "kind", [k for k, a in ARCHITECTURES.items() if "multiple_choice" in a.heads]
)
def test_a_choice_is_a_row_of_every_architecture(kind, randomise):
    model = built(kind, "multiple_choice", randomise)
    rows = batch(model.config, lengths=(9, 6, 3, 7))
    inputs = {name: values.reshape(2, 2, -1) for name, values in rows.items()}
    graph = graph_of(model.task).of(model)
    assert [*graph.input] == [*model.input] and {len(x.shape) for x in graph.input.values()} == {2}
    found = asked(model.task, model.config, keras_runner(graph))(inputs)["logits"]
    np.testing.assert_allclose(found, model(inputs)["logits"], rtol=0, atol=2e-6)


@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_emissions_are_the_logits_without_a_crf(kind, randomise):
    model = built(kind, "token_classification", randomise, id2label=dict(enumerate("OBI")))
    graph = graph_of(model.task).of(model.with_crf())
    assert [v.path for v in graph.weights] == [v.path for v in model.weights]
    inputs = batch(model.config)
    assert np.array_equal(graph(inputs)["logits"], model(inputs)["logits"])

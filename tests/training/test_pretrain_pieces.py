"""The small parts of a long run: the curve's file, means, operations, cluster, devices."""

from __future__ import annotations

import json
import logging

import keras
import numpy as np
import pytest
from writers import tiny_writer

from keras_bert_zoo import BertEncoder, PretrainingModel
from keras_bert_zoo.training import cluster, distribution
from keras_bert_zoo.training.checkpoints import Checkpoints, Position
from keras_bert_zoo.training.flops import flops_per_token, peak_flops
from keras_bert_zoo.training.journal import Journal, Window, read_points, with_perplexity
from keras_bert_zoo.training.optimizers import BertAdamW
from keras_bert_zoo.training.pretrainer import Pretrainer


def test_a_journal_goes_on_where_the_run_does(tmp_path):
    path = tmp_path / "history.jsonl"
    journal = Journal(path)
    for step in (10, 20, 30):
        journal.add({"step": step, "loss": 1 / step})
    # A kill in the middle of a line.
    with path.open("a") as file:
        file.write('{"step": 40, "lo')
    assert [point["step"] for point in read_points(path)] == [10, 20, 30]
    assert [point["step"] for point in Journal(path, step=25).points] == [10, 20]
    assert [json.loads(line)["step"] for line in path.read_text().splitlines()] == [10, 20]


def test_a_window_shows_means_and_rates():
    window = Window(flops_per_token=1e9, peak_flops=1e15)
    for index, loss in enumerate((2.0, 4.0)):
        window.start()
        window.began -= 0.5  # half a second ago
        logs = {"loss": loss, "masked_lm_loss": loss, "tokens": 100.0}
        window.add(logs, timed=index > 0)
    means = window.means()
    assert means["loss"] == 3 and means["perplexity"] == pytest.approx(np.exp(3))
    assert means["tokens_per_second"] == pytest.approx(200, rel=0.05)
    rate = means["tokens_per_second"]
    assert means["flops_utilisation"] == pytest.approx(rate * 1e9 / 1e15)
    assert "tokens" not in means
    window.clear()
    assert window.steps == 0 and not window.sums


def test_a_perplexity_beyond_floats_is_no_error():
    window = Window(1.0, None)
    window.start()
    window.add({"masked_lm_loss": 1e6, "tokens": 1.0})
    assert np.isfinite(window.means()["perplexity"])


@pytest.mark.parametrize("name", ["masked_lm_loss", "causal_lm_loss"])
def test_the_perplexity_is_that_of_the_words(name):
    assert with_perplexity({"loss": 5.0, name: 2.0})["perplexity"] == pytest.approx(np.exp(2))
    assert with_perplexity({"loss": 5.0}) == {"loss": 5.0}


def test_operations_are_those_of_the_products(tiny_config):
    """Counted by hand: two for each weight a token meets, twice again for the gradients."""
    length, predictions = 16, 4
    hidden, inner = tiny_config.hidden_size, tiny_config.intermediate_size
    model = PretrainingModel(BertEncoder(tiny_config, add_pooling_layer=False), next_sentence=False)
    kernels = [v for v in model.weights if v.path.endswith("kernel")]
    blocks = sum(np.prod(v.shape) for v in kernels if "encoder/" in v.path)
    assert blocks == tiny_config.num_hidden_layers * (4 * hidden**2 + 2 * hidden * inner)
    attention = tiny_config.num_hidden_layers * 2 * length * hidden
    head = hidden * hidden + hidden * tiny_config.vocab_size
    expected = 6 * (blocks + attention + predictions / length * head)
    assert flops_per_token(tiny_config, length, predictions) == pytest.approx(expected)


def test_operations_of_a_decoder_are_those_of_its_kernels_and_table():
    model = tiny_writer("gpt2")
    kernels = sum(np.prod(v.shape) for v in model.weights if v.path.endswith("kernel"))
    hidden, length = model.config.hidden_size, 16
    attention = model.config.num_hidden_layers * 2 * length * hidden
    expected = 6 * (kernels + attention + hidden * model.config.vocab_size)
    assert flops_per_token(model.config, length, length) == pytest.approx(expected)


def test_the_rate_of_a_card_goes_by_its_name():
    assert peak_flops("NVIDIA H100 PCIe") < peak_flops("NVIDIA H100 80GB HBM3") == 989e12
    assert peak_flops("NVIDIA A100-SXM4-40GB") == 312e12
    assert peak_flops("Some card") is None


@pytest.mark.parametrize("spelled", ["local", "local:1", "local:-2", "2", "k8s:2"])
def test_a_cluster_is_spelled_in_one_way(spelled):
    with pytest.raises(ValueError, match="must be local:N with at least 2 workers"):
        cluster.workers_of(spelled)
    assert cluster.workers_of("local:12") == 12


def test_workers_are_those_of_the_environment(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert (distribution.workers(), distribution.worker_index()) == (1, 0)
    config = {"cluster": {"worker": ["a:1", "b:1", "c:1"]}, "task": {"type": "worker", "index": 2}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    assert (distribution.workers(), distribution.is_chief()) == (3, False)
    with pytest.raises(ValueError, match="devices must be left out with several workers"):
        distribution.strategy_for(["CPU:0"])
    monkeypatch.setenv("TF_CONFIG", "{worker: 1}")
    with pytest.raises(ValueError, match="TF_CONFIG is no JSON"):
        distribution.workers()


@pytest.fixture
def pretrainer(tiny_config):
    keras.utils.set_random_seed(1)
    pretrainer = Pretrainer(PretrainingModel(BertEncoder(tiny_config)))
    pretrainer.compile(BertAdamW(1e-3))
    return pretrainer


def test_the_newest_whole_checkpoint_counts(pretrainer, tmp_path, caplog):
    checkpoints = Checkpoints(tmp_path / "c", pretrainer, {"seed": 1}, keep=3)
    with pytest.raises(FileNotFoundError, match="no whole checkpoint"):
        checkpoints.restore()
    paths = [checkpoints.save(Position(step, {"row": step})) for step in (1, 2, 3, 4)]
    assert checkpoints.files() == paths[:0:-1]
    paths[3].write_bytes(paths[3].read_bytes()[:1000])
    with caplog.at_level(logging.WARNING):
        assert checkpoints.restore() == Position(3, {"row": 3})
    assert "step-00000004" in caplog.text and "one before it" in caplog.text


def test_a_checkpoint_that_cannot_be_written_loses_no_other(pretrainer, tmp_path):
    checkpoints = Checkpoints(tmp_path, pretrainer, {})
    first = checkpoints.save(Position(1))
    before = first.read_bytes()
    (tmp_path / ".step-00000002.safetensors.tmp").mkdir()  # stands where it would be written
    with pytest.raises(OSError, match=r"step 2 could not be written.*step-00000001.*resume"):
        checkpoints.save(Position(2))
    assert first.read_bytes() == before and checkpoints.files() == [first]

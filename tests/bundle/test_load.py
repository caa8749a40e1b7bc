"""Loading: the outputs of `transformers`, heads, and everything a checkpoint can have wrong."""

from __future__ import annotations

import json
import logging
import pathlib
from collections.abc import Callable
from typing import Any

import keras
import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy
from limits import limits

from keras_bert_zoo import WordPieceTokenizer
from keras_bert_zoo.bundle import load, save
from keras_bert_zoo.bundle.tokenizer_files import _note_further_rows
from keras_bert_zoo.checkpoints.tensors import CheckpointError, StoredTensor
from keras_bert_zoo.config import ConfigError, EncoderConfig
from keras_bert_zoo.models import (
    BertEncoder,
    MultipleChoice,
    PretrainingModel,
    QuestionAnswerer,
    SequenceClassifier,
)

GOLDEN = pathlib.Path(__file__).parents[1] / "golden"
Copy = Callable[[str], pathlib.Path]
Golden = Callable[[str], tuple[dict[str, np.ndarray], dict[str, np.ndarray]]]


def edit_config(directory: pathlib.Path, **changes: Any) -> None:
    """Changes keys of config.json; ``None`` removes one."""
    path = directory / "config.json"
    values = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps({k: v for k, v in values.items() if v is not None}))


def edit_tensors(directory: pathlib.Path, edit: Callable[[dict[str, np.ndarray]], Any]) -> None:
    path = directory / "model.safetensors"
    tensors = safetensors.numpy.load_file(path)
    edit(tensors)
    safetensors.numpy.save_file(tensors, path)


# === What transformers computes ===


@pytest.mark.parametrize("name", ["bert", "bin_zip", "bin_legacy"])
def test_encoder_outputs(name: str, golden_outputs: Golden) -> None:
    inputs, expected = golden_outputs("bert/outputs.npz")
    bundle = load(GOLDEN / name, output_hidden_states=True, output_attentions=True)
    assert isinstance(bundle.model, BertEncoder) and bundle.tokenizer is None
    outputs = bundle.model(inputs)
    assert set(outputs) == set(expected)
    for key, values in expected.items():
        stacked = np.stack([np.array(part) for part in outputs[key]])
        np.testing.assert_allclose(stacked, values, rtol=0, atol=1e-5, err_msg=key)


def test_the_activation_of_the_config_is_used(copy_golden: Copy, golden_outputs: Golden) -> None:
    directory = copy_golden("bert")
    edit_config(directory, hidden_act="gelu_new")
    inputs, expected = golden_outputs("bert/outputs_gelu_new.npz")
    outputs = load(directory).model(inputs)
    for key in ("last_hidden_state", "pooler_output"):
        np.testing.assert_allclose(outputs[key], expected[key], rtol=0, atol=1e-5)


def test_classifier_logits(golden_outputs: Golden) -> None:
    inputs, expected = golden_outputs("classifier/outputs.npz")
    bundle = load(GOLDEN / "classifier")
    assert isinstance(bundle.model, SequenceClassifier)
    assert bundle.config.labels == ("negative", "neutral", "positive")
    logits = bundle.model(inputs)["logits"]
    np.testing.assert_allclose(logits, expected["logits"], rtol=0, atol=1e-5)


@pytest.mark.parametrize("stored", ["float16", ml_dtypes.bfloat16, "float64"])
def test_other_float_types(stored: Any, copy_golden: Copy) -> None:
    directory = copy_golden("bert")
    exact = safetensors.numpy.load_file(directory / "model.safetensors")
    rounded = {name: values.astype(stored) for name, values in exact.items()}
    safetensors.numpy.save_file(rounded, directory / "model.safetensors")
    weights = {v.path: v for v in load(directory).model.weights}
    table = weights["embeddings/word_embeddings"]
    assert table.dtype == "float32"
    expected = rounded["embeddings.word_embeddings.weight"].astype("float32")
    np.testing.assert_array_equal(table.numpy(), expected)


def test_a_checkpoint_loads_under_a_mixed_policy() -> None:
    model = load(GOLDEN / "classifier", dtype="mixed_bfloat16").model
    assert {weight.dtype for weight in model.weights} == {"float32"}
    assert model.encoder.get_layer("embeddings").compute_dtype == "bfloat16"


# === Poolers and heads ===


def test_missing_pooler(copy_golden: Copy, caplog: pytest.LogCaptureFixture) -> None:
    directory = copy_golden("bert")
    edit_tensors(directory, lambda t: [t.pop(k) for k in list(t) if k.startswith("pooler")])
    assert set(load(directory).model.output) == {"last_hidden_state"}
    with caplog.at_level(logging.WARNING):
        model = load(directory, task="sequence_classification", labels=["no", "yes"]).model
    fresh = ("pooler/dense/kernel", "pooler/dense/bias", "classifier/kernel", "classifier/bias")
    assert all(repr(name) in caplog.text for name in fresh)
    assert model.output["logits"].shape == (None, 2)


def test_fresh_head(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        bundle = load(GOLDEN / "bert", task="sequence_classification", labels=["no", "yes"])
    assert "['classifier/kernel', 'classifier/bias']" in caplog.text
    assert bundle.config.labels == ("no", "yes")
    assert bundle.config.problem_type == "single_label_classification"
    kernel = {v.path: v for v in bundle.model.weights}["classifier/kernel"].numpy()
    assert 0 < np.abs(kernel).max() <= 2 * bundle.config.initializer_range


@pytest.mark.parametrize(
    ("labels", "problem_type", "expected"),
    [
        (["score"], None, "regression"),
        (["a", "b"], None, "single_label_classification"),
        (["a", "b"], "multi_label_classification", "multi_label_classification"),
    ],
)
def test_problem_type(labels: list[str], problem_type: str | None, expected: str) -> None:
    bundle = load(
        GOLDEN / "bert", task="sequence_classification", labels=labels, problem_type=problem_type
    )
    assert bundle.config.problem_type == bundle.model.config.problem_type == expected


def test_stored_head_without_names(copy_golden: Copy) -> None:
    directory = copy_golden("classifier")
    edit_config(directory, id2label=None, label2id=None)
    assert load(directory).config.labels == ("LABEL_0", "LABEL_1", "LABEL_2")
    assert load(directory, labels=["x", "y", "z"]).config.labels == ("x", "y", "z")


@pytest.mark.parametrize("stated", [["BertModel"], "BertModel", ["Mine"], None, 5, [["x"]], {}])
def test_a_stored_head_is_used_whatever_class_is_stated(
    stated: Any, copy_golden: Copy, golden_outputs: Golden
) -> None:
    inputs, expected = golden_outputs("classifier/outputs.npz")
    directory = copy_golden("classifier")
    edit_config(directory, architectures=stated)
    model = load(directory, task="sequence_classification", fresh_head=False).model
    np.testing.assert_allclose(model(inputs)["logits"], expected["logits"], rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("model", "wanted", "purpose"),
    [
        (QuestionAnswerer, "sequence_classification", "for question_answering: .*'question_ans"),
        (QuestionAnswerer, "multiple_choice", "for question_answering: .*'question_answering'"),
        (MultipleChoice, "token_classification", r"for multiple_choice: .*'multiple_choice'\."),
        (PretrainingModel, "question_answering", "for masked_lm or next_sentence or pretraining"),
        (BertEncoder, "question_answering", "without a head: ask task='sentence_embedding'"),
    ],
)
def test_messages_say_what_a_checkpoint_is_for(
    model: Any, wanted: str, purpose: str, tmp_path: pathlib.Path, tiny_config: EncoderConfig
) -> None:
    encoder = BertEncoder(tiny_config)
    save(encoder if model is BertEncoder else model(encoder), None, tmp_path / "saved")
    with pytest.raises(
        ValueError, match=rf"no (trained )?head for .*It is (an encoder )?{purpose}"
    ):
        load(tmp_path / "saved", task=wanted, fresh_head=False)


def test_a_fresh_head_can_be_refused() -> None:
    with pytest.raises(ValueError, match="no trained head for 'sequence_classification'"):
        load(GOLDEN / "bert", task="sequence_classification", labels=["a", "b"], fresh_head=False)


@pytest.mark.parametrize(
    ("task", "command"),
    [
        ("masked_lm", "pretrain"),
        ("pretraining", "pretrain"),
        ("next_sentence", "finetune --task next_sentence"),
        ("question_answering", "finetune --task question_answering"),
    ],
)
def test_a_head_that_is_missing_is_trained_by_a_command(
    task: str, command: str, tmp_path: pathlib.Path, tiny_config: EncoderConfig
) -> None:
    save(BertEncoder(tiny_config), None, tmp_path / "saved")
    with pytest.raises(ValueError, match=f"Or train it: keras-bert-zoo {command} --model "):
        load(tmp_path / "saved", task=task, fresh_head=False)


def test_head_of_another_kind_is_left_unread(
    copy_golden: Copy, caplog: pytest.LogCaptureFixture
) -> None:
    directory = copy_golden("classifier")
    edit_config(directory, architectures=["BertForTokenClassification"])
    with caplog.at_level(logging.INFO):
        model = load(directory, task="question_answering").model
    assert isinstance(model, QuestionAnswerer)
    assert "Left unread: classifier.weight (a classification head)" in caplog.text
    with pytest.raises(ValueError, match="names no classes"):
        load(directory, task="sequence_classification")
    bundle = load(directory, task="sequence_classification", labels=["no", "yes"])
    assert bundle.config.labels == ("no", "yes")


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("bert", {"task": "translation"}, "task must be one of .*received 'translation'"),
        ("bert", {"task": "sequence_classification"}, "names no classes"),
        ("bert", {"labels": ["a"]}, "have no place. Pass task="),
        ("bert", {"task": "sequence_classification", "labels": "ab"}, "list of class names"),
        ("bert", {"task": "sequence_classification", "labels": []}, "list of class names"),
        ("bert", {"task": "sequence_classification", "labels": ["a", "a"]}, "all different"),
        ("classifier", {"labels": ["a", "b"]}, "contradict those of the checkpoint's head"),
        ("classifier", {"labels": ["a", "b", "c"]}, "contradict those of the checkpoint's head"),
        ("classifier", {"problem_type": "regression"}, "contradicts the checkpoint's"),
    ],
)
def test_arguments_that_contradict(name: str, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load(GOLDEN / name, **arguments)


# === Strictness ===


def test_everything_wrong_is_listed_at_once(copy_golden: Copy) -> None:
    directory = copy_golden("bert")

    def edit(tensors: dict[str, np.ndarray]) -> None:
        del tensors["embeddings.LayerNorm.bias"]
        tensors["encoder.layer.7.output.dense.bias"] = np.zeros(24, "f4")
        key = "encoder.layer.0.intermediate.dense.weight"
        tensors[key] = np.ascontiguousarray(tensors[key].T)
        tensors["pooler.dense.bias"] = np.zeros(24, "i8")

    edit_tensors(directory, edit)
    with pytest.raises(CheckpointError) as caught:
        load(directory)
    for line in (
        "embeddings.LayerNorm.bias is missing (for embeddings/norm/beta)",
        "encoder.layer.7.output.dense.bias is left over",
        "encoder.layer.0.intermediate.dense.weight has shape (24, 40), expected (40, 24)",
        "pooler.dense.bias holds int64, not floating-point numbers",
    ):
        assert f"\n  {line}" in str(caught.value)
    assert str(caught.value).count("\n  ") == 4


@pytest.mark.parametrize("missing", ["pooler.dense.bias", "classifier.bias", "classifier.weight"])
def test_half_a_part_is_no_part(missing: str, copy_golden: Copy) -> None:
    directory = copy_golden("classifier")
    edit_tensors(directory, lambda t: [t.pop(k) for k in list(t) if k.endswith(missing)])
    with pytest.raises(CheckpointError, match=f"{missing} is missing"):
        load(directory)


def test_the_same_tensor_under_two_names(copy_golden: Copy) -> None:
    directory = copy_golden("bert")
    name = "embeddings.LayerNorm.bias"
    edit_tensors(directory, lambda t: t.update({f"bert.{name}": t[name] + 1}))
    with pytest.raises(CheckpointError, match="under two names"):
        load(directory)


def test_published_extras_are_left_unread(copy_golden: Copy) -> None:
    directory = copy_golden("bert")
    extras = {
        "embeddings.position_ids": np.arange(20)[None],
        "cls.predictions.bias": np.zeros(61, "f4"),
        "cls.seq_relationship.weight": np.zeros((2, 24), "f4"),
        "qa_outputs.weight": np.zeros((2, 24), "f4"),
    }
    edit_tensors(directory, lambda t: t.update(extras))
    assert load(directory).model.count_params()


# === Files ===


def test_no_config(copy_golden: Copy) -> None:
    directory = copy_golden("bert")
    (directory / "config.json").rename(directory / "configuration.json")
    with pytest.raises(FileNotFoundError, match=r"no config.json.* It holds \['configuration"):
        load(directory)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"vocab_size": "many"}'])
def test_broken_config(text: str, copy_golden: Copy) -> None:
    directory = copy_golden("bert")
    (directory / "config.json").write_text(text)
    with pytest.raises(ConfigError, match=r"config\.json"):
        load(directory)


def test_a_thousand_layers_are_not_built_for_two(copy_golden: Copy) -> None:
    directory = copy_golden("bert")
    edit_config(directory, num_hidden_layers=1000)
    with limits(64, 5), pytest.raises(CheckpointError, match=r"39 tensors, and 15968 others are"):
        load(directory)


def test_a_head_of_nothing_for_any_number_of_labels(copy_golden: Copy) -> None:
    directory = copy_golden("classifier")
    edit_config(directory, id2label=None, label2id=None)
    empty = np.zeros((10**12, 0), "f4")
    edit_tensors(directory, lambda tensors: tensors.update({"classifier.weight": empty}))
    with limits(256, 5), pytest.raises(ConfigError, match="id2label must be class names"):
        load(directory)


def test_links_are_followed(copy_golden: Copy, tmp_path: pathlib.Path) -> None:
    """As in the cache of Hugging Face, whose files are links to another directory."""
    linked = tmp_path / "snapshot"
    linked.mkdir()
    for path in copy_golden("classifier").iterdir():
        (linked / path.name).symlink_to(path)
    assert load(linked).config.num_labels == 3


def test_a_file_of_keras_is_no_bundle(tmp_path: pathlib.Path, tiny_config: EncoderConfig) -> None:
    """They hold Python where a model has lambdas: none is opened, and ours need none."""
    inputs = keras.Input((3,))
    odd = keras.Model(inputs, keras.layers.Lambda(lambda x: x + 1)(inputs))
    odd.save(tmp_path / "model.keras")
    for source in (tmp_path, str(tmp_path / "model.keras")):
        with pytest.raises(FileNotFoundError, match="convert alone reads"):
            load(source)
    with pytest.raises(ValueError, match="safe_mode"):
        keras.saving.load_model(tmp_path / "model.keras")
    BertEncoder(tiny_config).save(tmp_path / "encoder.keras")
    keras.saving.load_model(tmp_path / "encoder.keras", safe_mode=True)


def test_unknown_architecture(copy_golden: Copy) -> None:
    directory = copy_golden("bert")
    edit_config(directory, model_type="beit")
    message = r"config\.json: model_type must be one of \[.*'electra'.*\], received 'beit'"
    with pytest.raises(ConfigError, match=message):
        load(directory)


def test_config_and_weights_of_two_models(copy_golden: Copy) -> None:
    directory = copy_golden("bert")
    edit_config(directory, vocab_size=62, num_hidden_layers=3)
    with pytest.raises(CheckpointError, match=r"has shape \(61, 24\), expected \(62, 24\)"):
        load(directory)


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_a_reading_that_breaks_off_harms_no_later_one(
    error: type[BaseException], monkeypatch: pytest.MonkeyPatch, golden_outputs: Golden
) -> None:
    read, calls = StoredTensor.read, []

    def fail_at_the_tenth(tensor: StoredTensor) -> np.ndarray:
        calls.append(tensor)
        if len(calls) == 10:
            raise error
        return read(tensor)

    with monkeypatch.context() as patch, pytest.raises(error):
        patch.setattr(StoredTensor, "read", fail_at_the_tenth)
        load(GOLDEN / "bert")
    assert len(calls) == 10
    inputs, expected = golden_outputs("bert/outputs.npz")
    outputs = load(GOLDEN / "bert").model(inputs)
    np.testing.assert_allclose(
        outputs["pooler_output"], expected["pooler_output"], rtol=0, atol=1e-5
    )


def test_sinusoidal_positions_have_no_tensor(copy_golden: Copy) -> None:
    directory = copy_golden("bert")
    edit_config(directory, position_embedding_type="sinusoidal")
    with pytest.raises(CheckpointError, match=r"position_embeddings\.weight is left over"):
        load(directory)
    edit_tensors(directory, lambda t: t.pop("embeddings.position_embeddings.weight"))
    assert load(directory).model.config.position_embedding_type == "sinusoidal"


@pytest.mark.parametrize("spare", [0, 1])
def test_vocabulary_larger_than_the_table(spare: int, copy_golden: Copy) -> None:
    directory = copy_golden("bert")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"w{i}" for i in range(56 + spare))]
    (directory / "vocab.txt").write_text("\n".join(words) + "\n")
    if spare:
        message = r"vocab\.txt has 62 entries, but the word table of the model only 61"
        with pytest.raises(ValueError, match=message):
            load(directory)
    else:
        assert load(directory).tokenizer.vocab_size == 61


@pytest.mark.parametrize(
    ("spare", "rows", "noted"),
    # Fewer rows than a power of two up to a multiple of it are padding.
    [(1, 61, 1), (1, 128, 0), (127, 256, 0), (128, 256, 1), (7, 24, 0), (8, 24, 1)],
)
def test_rows_of_no_token_are_noted_once(spare, rows, noted, tiny_config, tmp_path, caplog) -> None:
    _note_further_rows.cache_clear()
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *map(str, range(rows - spare - 5))]
    encoder = BertEncoder(tiny_config.replace(vocab_size=rows))
    for number in range(2):
        directory = save(encoder, WordPieceTokenizer(words), tmp_path / str(number))
        assert load(directory).tokenizer.vocab_size == rows - spare
    assert caplog.text.count("the word table of the model") == noted


@pytest.mark.parametrize("task", ["masked_lm", "next_sentence"])
def test_each_head_of_a_pretraining_checkpoint_can_be_had(task, tmp_path, tiny_config, randomise):
    model = randomise(PretrainingModel(BertEncoder(tiny_config)))
    save(model, None, tmp_path / "saved")
    loaded = load(tmp_path / "saved", task=task, fresh_head=False).model
    assert loaded.task == task
    expected = {variable.path: variable for variable in model.weights}
    for variable in loaded.weights:
        np.testing.assert_array_equal(variable, expected[variable.path])

"""BERT that reads a text from both sides learns to go on behind it: UniLM."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from sequences import save_tokenizer, write_files
from writers import tiny_writer

from keras_bert_zoo import EncoderConfig, load, predictor, save
from keras_bert_zoo.models import BertEncoder
from keras_bert_zoo.tokenizers import load_tokenizer
from keras_bert_zoo.training.finetune import finetune
from keras_bert_zoo.training.recipe import FinetuneRecipe


def recipe_of(directory, files, width=16, **changes):
    tokenizer = load_tokenizer(save_tokenizer(directory / "tokenizer"))
    config = EncoderConfig(
        vocab_size=tokenizer.vocab_size,
        hidden_size=width,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=4 * width,
        max_position_embeddings=32,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    keras.utils.set_random_seed(4)
    model = save(BertEncoder(config), tokenizer, directory / "bert")
    values = {
        "model": str(model),
        "task": "causal_lm",
        "text_column": "source",
        "output": str(directory / "run"),
        "max_length": 12,
        "weight_decay": 0.0,
        "options": {"metric": "exact_match", "max_new_tokens": 11},
        **files,
    }
    return FinetuneRecipe(**{**values, **changes})


def test_a_run_leaves_a_bundle_that_is_asked_as_it_learned(tmp_path):
    files = write_files(tmp_path, "reverse", {"train": 32, "validation": 8, "test": 8})
    result = finetune(recipe_of(tmp_path, files, epochs=1, batch_size=16), verbose=0)
    assert set(result.metrics["test"]) == {"loss", "exact_match"}
    loaded = load(result.bundle)
    assert loaded.config.prefix and loaded.model.task == "causal_lm"
    ask = predictor(result.bundle, text_column="source")
    assert ask.task.options.max_new_tokens == 11 and ask.task.settings.max_length == 12
    scores = ask.evaluate(files["test"])
    assert scores["exact_match"] == result.metrics["test"]["exact_match"]
    # What is read stands between the tokens around it.
    [row] = (
        ask.task.rows(ask.task.asked(["s01 s02"]), ask.tokenizer, ())
        .encoded.padded(np.zeros(1, int), 4)["input_ids"]
        .tolist()
    )
    words = [ask.tokenizer.vocabulary[token] for token in row]
    assert words == ["[CLS]", "s01", "s02", "[SEP]"]


def test_what_reads_from_the_left_alone_is_refused(tmp_path):
    files = write_files(tmp_path, "reverse", {"train": 4})
    recipe = recipe_of(tmp_path, files)
    bundle = save(tiny_writer("bert"), load_tokenizer(tmp_path / "tokenizer"), tmp_path / "left")
    changes = {"model": str(bundle), "output": str(tmp_path / "other")}
    values = {**{k: getattr(recipe, k) for k in recipe.__dataclass_fields__}, **changes}
    with pytest.raises(ValueError, match=r"reads from the left alone.*begin with BERT"):
        finetune(FinetuneRecipe(**values), verbose=0)


def test_an_encoder_alone_answers_nothing(checkpoint):
    with pytest.raises(ValueError, match="an encoder alone, which writes nothing"):
        predictor(checkpoint, task="causal_lm")


@pytest.mark.slow
def test_a_small_bert_learns_to_write_what_nobody_showed_it(tmp_path):
    files = write_files(tmp_path, "reverse", {"train": 20_000, "test": 500})
    changes = {"epochs": 8, "batch_size": 64, "learning_rate": 2e-3}
    result = finetune(recipe_of(tmp_path, files, width=64, **changes), verbose=0)
    assert result.metrics["test"]["exact_match"] >= 0.99, result.metrics

"""Pseudo-log-likelihoods beside `transformers`, one masked copy after the other."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from keras_bert_zoo import BertEncoder, EncoderConfig, WordPieceTokenizer, bundle
from keras_bert_zoo.evaluation.prediction import keras_runner, outputs_of
from keras_bert_zoo.evaluation.pseudo_likelihood import PseudoLikelihood, pseudo_log_likelihood
from keras_bert_zoo.models import PretrainingModel
from keras_bert_zoo.tasks import task_named
from keras_bert_zoo.tasks.task import Settings

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghij", "##a", "##b", "##c", "."]
TEXTS = ["A b, c.", "abab caab [SEP] d", "", "h " * 30, "a"]
LENGTH = 16


@pytest.fixture(scope="module")
def tokenizer():
    return WordPieceTokenizer(WORDS, model_max_length=LENGTH)


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(5)
    config = EncoderConfig(
        vocab_size=len(WORDS), hidden_size=8, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=8, max_position_embeddings=24, initializer_range=0.5,
    )  # fmt: skip
    return PretrainingModel(BertEncoder(config, add_pooling_layer=False), next_sentence=False)


def test_totals_counts_and_perplexity():
    found = PseudoLikelihood(np.log([0.5, 0.25, 0.125]), np.array([0, 0, 2]), 4)
    np.testing.assert_allclose(found.totals, [np.log(0.125), 0, np.log(0.125), 0])
    assert found.counts.tolist() == [2, 0, 1, 0]
    assert found.perplexity == pytest.approx(4.0)


@pytest.mark.parametrize("texts", [[], ["", "[SEP] [MASK]"]])
def test_texts_without_words(model, tokenizer, texts):
    found = pseudo_log_likelihood(model, tokenizer, texts)
    assert found.totals.tolist() == [0.0] * len(texts)
    with pytest.raises(ValueError, match="no tokens but special ones"):
        _ = found.perplexity


def test_the_size_of_batches_does_not_matter(model, tokenizer):
    expected = pseudo_log_likelihood(model, tokenizer, TEXTS)
    found = pseudo_log_likelihood(model, tokenizer, TEXTS, batch_size=3)
    np.testing.assert_allclose(found.totals, expected.totals, rtol=0, atol=1e-5)


def test_a_model_without_a_head_for_words(model, tokenizer):
    with pytest.raises(ValueError, match=r"last_hidden_state.*masked_lm"):
        pseudo_log_likelihood(model.encoder, tokenizer, TEXTS)
    with pytest.raises(ValueError, match="from 3 to 24"):
        pseudo_log_likelihood(model, tokenizer, TEXTS, max_length=25)
    with pytest.raises(ValueError, match=r"texts\[1\].*None"):
        pseudo_log_likelihood(model, tokenizer, ["a", None])


def test_a_model_that_is_no_number_is_refused(model, tokenizer):
    broken = PretrainingModel.from_config(model.get_config())
    broken.weights[0].assign(np.full(broken.weights[0].shape, np.nan))
    with pytest.raises(ValueError, match="NaN"):
        pseudo_log_likelihood(broken, tokenizer, ["a"])


def reference(directory):
    import transformers

    model = transformers.BertForMaskedLM.from_pretrained(directory, attn_implementation="eager")
    return model.eval(), transformers.AutoTokenizer.from_pretrained(directory)


@pytest.mark.parity
@pytest.mark.parametrize("within_word", [False, True])
def test_log_probabilities_are_those_of_transformers(model, tokenizer, tmp_path, within_word):
    import torch

    bundle.save(model, tokenizer, tmp_path)
    theirs, their_tokenizer = reference(tmp_path)
    expected, owners = [], []
    for index, text in enumerate(TEXTS):
        encoded = their_tokenizer(text, truncation=True, max_length=LENGTH, return_tensors="pt")
        words = encoded.word_ids()
        ids = encoded["input_ids"][0]
        for place, word in enumerate(words):
            if word is None or ids[place] in their_tokenizer.all_special_ids[1:]:
                continue
            hidden = ids.clone()
            hidden[place] = their_tokenizer.mask_token_id
            for after in range(place + 1, len(ids)):
                if within_word and words[after] == word:
                    hidden[after] = their_tokenizer.mask_token_id
            with torch.no_grad():
                logits = theirs(**{**encoded, "input_ids": hidden[None]}).logits[0, place]
            expected.append(logits.double().log_softmax(-1)[ids[place]].item())
            owners.append(index)
    loaded = bundle.load(tmp_path, task="masked_lm", fresh_head=False)
    found = pseudo_log_likelihood(loaded.model, loaded.tokenizer, TEXTS, within_word=within_word)
    assert found.owners.tolist() == owners
    np.testing.assert_allclose(found.log_probabilities, expected, rtol=0, atol=1e-5)
    assert found.perplexity == pytest.approx(np.exp(-np.mean(expected)), rel=1e-5)


@pytest.mark.parity
def test_masks_are_filled_like_the_pipeline(model, tokenizer, tmp_path):
    import transformers

    bundle.save(model, tokenizer, tmp_path)
    texts = ["a [MASK] c.", "[MASK]", "[MASK]b [MASK], A[MASK]", "x [MASK] d"]
    theirs, their_tokenizer = reference(tmp_path)
    pipeline = transformers.pipeline("fill-mask", theirs, tokenizer=their_tokenizer, top_k=7)
    task = task_named("masked_lm")(Settings(max_length=LENGTH, options={"top_k": 7}))
    examples = task.asked(texts)
    rows = task.rows(examples, tokenizer, ())
    outputs = outputs_of(keras_runner(model), rows, max_length=LENGTH)
    for text, answer in zip(texts, task.answers(examples, rows, outputs, ()), strict=True):
        expected = pipeline(text)
        expected = expected if isinstance(expected[0], list) else [expected]
        assert len(answer["masks"]) == len(expected) == text.count("[MASK]")
        for ours, theirs in zip(answer["masks"], expected, strict=True):
            for mine, their in zip(ours, theirs, strict=True):
                assert mine.pop("score") == pytest.approx(their.pop("score"), abs=1e-5)
                assert mine == their

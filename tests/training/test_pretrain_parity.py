"""What a run leaves is what transformers loads, heads included."""

from __future__ import annotations

import numpy as np
import pytest

from keras_bert_zoo import bundle
from keras_bert_zoo.generation import generate
from keras_bert_zoo.training.pretrain import pretrain
from keras_bert_zoo.training.pretrain_recipe import PretrainRecipe

pytestmark = pytest.mark.parity


def inputs_for(config):
    generator = np.random.default_rng(0)
    ids = generator.integers(5, config.vocab_size, (3, 14))
    lengths = np.array([[14], [9], [5]])
    return {
        "input_ids": ids,
        "attention_mask": (np.arange(14) < lengths).astype("int64"),
        "token_type_ids": (np.arange(14) >= lengths // 2).astype("int64"),
    }


@pytest.mark.parametrize(
    ("sentences", "task", "names"),
    [
        ("next", "pretraining", ("AutoModelForPreTraining", "AutoModelForMaskedLM")),
        ("none", "masked_lm", ("AutoModelForMaskedLM",)),
    ],
)
def test_transformers_loads_the_bundle(pretraining, sentences, task, names):
    import torch
    import transformers

    phases = [{"steps": 6, "max_length": 32, "batch_size": 8}]
    changes = {"sentences": sentences, "phases": phases}
    result = pretrain(PretrainRecipe(**{**pretraining, **changes}), verbose=0)
    loaded = bundle.load(result.bundle, task=task, fresh_head=False)
    inputs = inputs_for(loaded.config)
    places = np.tile(np.arange(14), (3, 1))
    ours = loaded.model(
        {k: v.astype("int32") for k, v in inputs.items()}
        | {"masked_positions": places.astype("int32")}
    )
    real = inputs["attention_mask"] == 1
    for name in names:
        theirs, report = getattr(transformers, name).from_pretrained(
            result.bundle, output_loading_info=True
        )
        assert not report["missing_keys"] and not report["mismatched_keys"]
        with torch.no_grad():
            outputs = theirs.eval()(**{k: torch.tensor(v) for k, v in inputs.items()})
        logits = getattr(outputs, "prediction_logits", getattr(outputs, "logits", None))
        expected = np.array(ours["prediction_logits"])[real]
        np.testing.assert_allclose(logits.numpy()[real], expected, atol=1e-5)
    check_tokenizer(result, loaded)


def check_tokenizer(result, loaded):
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(result.bundle)
    assert (
        tokenizer("w1 w2##p3 w4")["input_ids"]
        == loaded.tokenizer("w1 w2##p3 w4")["input_ids"].to_list()[0]
    )


def test_transformers_loads_a_decoder(causal):
    import torch
    import transformers

    phases = [{"steps": 6, "max_length": 32, "batch_size": 8}]
    result = pretrain(PretrainRecipe(**{**causal, "phases": phases}), verbose=0)
    loaded = bundle.load(result.bundle)
    theirs, report = transformers.GPT2LMHeadModel.from_pretrained(
        result.bundle, output_loading_info=True
    )
    assert not report["missing_keys"] and not report["unexpected_keys"]
    theirs.eval()
    inputs = {k: v for k, v in inputs_for(loaded.config).items() if k != "token_type_ids"}
    real = inputs["attention_mask"] == 1
    with torch.no_grad():
        logits = theirs(**{k: torch.tensor(v) for k, v in inputs.items()}).logits.numpy()
    ours = loaded.model({k: v.astype("int32") for k, v in inputs.items()})["logits"]
    np.testing.assert_allclose(np.array(ours)[real], logits[real], atol=1e-5)
    # What a text begins and ends with is in the config, so that both write from nothing alike.
    specials = (loaded.tokenizer.cls_token_id, loaded.tokenizer.sep_token_id)
    assert (theirs.config.bos_token_id, theirs.config.eos_token_id) == specials
    begun = {"input_ids": np.array([[specials[0]]]), "attention_mask": np.array([[1]])}
    expected = theirs.generate(
        **{k: torch.tensor(v) for k, v in begun.items()}, max_new_tokens=8, do_sample=False
    ).numpy()[0, 1:]
    written = generate(loaded.model, begun, max_new_tokens=8, jit_compile=False)[0]
    np.testing.assert_array_equal(written[: len(expected)], expected)
    check_tokenizer(result, loaded)

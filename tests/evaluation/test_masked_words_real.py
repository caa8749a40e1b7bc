"""Masks filled and texts scored by published weights, beside `transformers`."""

from __future__ import annotations

import importlib.resources
import pathlib

import numpy as np
import pytest

from keras_bert_zoo import WordPieceTokenizer, bundle
from keras_bert_zoo.evaluation.prediction import keras_runner, outputs_of
from keras_bert_zoo.evaluation.pseudo_likelihood import pseudo_log_likelihood
from keras_bert_zoo.tasks import task_named
from keras_bert_zoo.tasks.task import Settings

pytestmark = pytest.mark.parity
# The heavy chain of trastuzumab, an antibody.
CHAIN = (
    "EVQLVESGGGLVQPGGSLRLSCAASGFNIKDTYIHWVRQAPGKGLEWVARIYPTNGYTRYADSVKGRFTISADTSKNTAYLQMNSLRAEDTAVYYC"
    "SRWGGDGFYAMDYWGQGTLVTVSS"
)
TEXTS = [
    "The capital of France is [MASK].",
    "She [MASK] the unbelievably long [MASK] to her mother, didn't she?",
    "[MASK] is what he said.",
    "SELECT name FROM [MASK] WHERE id = 3;",
    "Übersetzungs[MASK] und 中文[MASK]！",
]


def folder(package: str, *parts: str) -> pathlib.Path:
    return pathlib.Path(str(importlib.resources.files(package))).joinpath(*parts)


def test_masks_are_filled_like_the_pipeline():
    import transformers

    directory = folder("cognition", "model")
    loaded = bundle.load(directory, task="masked_lm", fresh_head=False)
    theirs = transformers.BertForMaskedLM.from_pretrained(directory, attn_implementation="eager")
    their_tokenizer = transformers.AutoTokenizer.from_pretrained(directory)
    pipeline = transformers.pipeline("fill-mask", theirs.eval(), tokenizer=their_tokenizer)
    task = task_named("masked_lm")(Settings(max_length=64))
    examples = task.asked(TEXTS)
    rows = task.rows(examples, loaded.tokenizer, ())
    outputs = outputs_of(keras_runner(loaded.model), rows, max_length=64)
    for text, answer in zip(TEXTS, task.answers(examples, rows, outputs, ()), strict=True):
        expected = pipeline(text)
        expected = expected if isinstance(expected[0], list) else [expected]
        assert len(answer["masks"]) == len(expected) == text.count("[MASK]")
        for ours, wanted in zip(answer["masks"], expected, strict=True):
            assert [each["token"] for each in ours] == [each["token"] for each in wanted]
            for mine, their in zip(ours, wanted, strict=True):
                assert mine.pop("score") == pytest.approx(their.pop("score"), abs=1e-5)
                assert mine == their


@pytest.mark.slow
def test_a_protein_is_likelier_than_its_residues_in_another_order():
    import torch
    import transformers

    directory = folder("antiberty", "trained_models", "AntiBERTy_md_smooth")
    words = (directory.parent / "vocab.txt").read_text().split()
    tokenizer = WordPieceTokenizer(words, do_lower_case=False)
    model = bundle.load(directory, task="masked_lm", fresh_head=False).model
    shuffled = np.random.default_rng(0).permutation(list(CHAIN))
    found = pseudo_log_likelihood(model, tokenizer, [" ".join(CHAIN), " ".join(shuffled)])
    assert found.counts.tolist() == [len(CHAIN)] * 2
    # In nats: more than one for each residue.
    assert found.totals[0] > found.totals[1] + len(CHAIN)

    theirs = transformers.BertForMaskedLM.from_pretrained(directory, attn_implementation="eager")
    ids = torch.tensor([2, *(words.index(residue) for residue in CHAIN), 3])
    rows = ids.repeat(len(CHAIN), 1)
    places = torch.arange(len(CHAIN))
    rows[places, places + 1] = words.index("[MASK]")
    with torch.no_grad():
        logits = theirs.eval()(rows).logits[places, places + 1].double()
    expected = logits.log_softmax(-1)[places, ids[1:-1]].numpy()
    # Logits reach 15 to 30: 1e-5 of that.
    bound = 1e-5 * float(logits.abs().max())
    np.testing.assert_allclose(found.log_probabilities[: len(CHAIN)], expected, rtol=0, atol=bound)

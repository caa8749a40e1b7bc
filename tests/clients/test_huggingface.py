"""optimum-onnx and sentence-transformers, each given nothing but the artifact's directory."""

from __future__ import annotations

import pytest

from .conftest import LABELS, ONNX, TEXTS

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

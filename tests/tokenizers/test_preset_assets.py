"""Merges and SentencePiece models of presets: the same ids both ways, but for what is said here."""

from __future__ import annotations

import io
import pathlib
from collections.abc import Callable
from typing import Any

import architectures
import numpy as np
import pytest
from presets import model_for
from tokenizers import ByteLevelBPETokenizer

from keras_bert_zoo.bundle import load
from keras_bert_zoo.conversion import write_keras_hub
from keras_bert_zoo.tokenizers import Tokenizer, TokenizerError, load_tokenizer

# keras-hub leaves the file of a model open.
pytestmark = [
    pytest.mark.parity,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
LICENSE = pathlib.Path(__file__).parents[2] / "LICENSE"
FAIRSEQ = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
TEXTS = [
    "The film was 12345 dull; don't (ever) say 'S or IT'S a café naïve.",
    "Größe, 你好 世界! Ⅳ ½ ① ﬁ ™ ``It's'' 1,000, 5, 9,9 ''and''",
    "  two  spaces   three ",
    "tab\tand\nline\r\n\n x",
    "吾輩は猫である。ﾊﾝｶｸ 다람쥐 헌 쳇바퀴에 ऋषियों को",
    "e\u0301A\u030a \u200b \ue000 𝔘𝔫𝔦 😀👍🏽",
    "\u3000全角\u00a0x\u2009y",
    "x" * 120,
    "",
    " ",
]
# Class of keras-hub: our architecture, file of a published vocabulary, how it was trained.
_ALBERT = {"pad_id": 0, "unk_id": 1, "bos_id": -1, "eos_id": -1, "pad_piece": "<pad>"}
_DEBERTA = {"pad_id": 0, "bos_id": 1, "eos_id": 2, "unk_id": 3, "pad_piece": "[PAD]"}
MODELS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "XLMRobertaTokenizer": ("xlm-roberta", "sentencepiece.bpe.model", {}),
    "AlbertTokenizer": (
        "albert",
        "spiece.model",
        {**_ALBERT, "control_symbols": ["[CLS]", "[SEP]", "[MASK]"]},
    ),
    "DebertaV3Tokenizer": (
        "deberta-v2",
        "spm.model",
        {**_DEBERTA, "bos_piece": "[CLS]", "eos_piece": "[SEP]", "unk_piece": "[UNK]"},
    ),
}
Read = Callable[..., tuple[Tokenizer, Any]]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], pathlib.Path]:
    """The vocabulary of a class, trained here, as it is published."""
    made: dict[str, pathlib.Path] = {}

    def make(name: str) -> pathlib.Path:
        if name not in made:
            made[name] = tmp_path_factory.mktemp(name)
            _train(name, made[name])
        return made[name]

    return make


def _train(name: str, folder: pathlib.Path) -> None:
    # A text that stays as it is: between cuts that are equally likely, rounding decides. Without
    # runs of spaces: where they are tokens, keras-hub cuts them otherwise than published.
    lines = [" ".join(line.split()) for line in LICENSE.read_text("utf-8").splitlines()]
    if name not in MODELS:
        tokenizer = ByteLevelBPETokenizer()
        tokenizer.train_from_iterator(lines, vocab_size=700, special_tokens=FAIRSEQ)
        tokenizer.save_model(str(folder))
        return
    sentencepiece = pytest.importorskip("sentencepiece")
    _, file, options = MODELS[name]
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines + TEXTS[:6] * 9),
        model_writer=model,
        vocab_size=700,
        hard_vocab_limit=False,
        minloglevel=2,
        user_defined_symbols=["<e1>"],
        **options,
    )
    (folder / file).write_bytes(model.getvalue())


def differences(ours: Tokenizer, theirs: Any, texts: list[str]) -> list[str]:
    ids = ours(texts, add_special_tokens=False)["input_ids"].to_list()
    return [
        text for text, row in zip(texts, ids, strict=True) if row != np.array(theirs(text)).tolist()
    ]


@pytest.mark.parametrize("name", ["RobertaTokenizer", *MODELS])
def test_the_same_ids_both_ways(
    name: str, directory: Callable[[str], pathlib.Path], tmp_path: pathlib.Path
) -> None:
    from keras_hub import models

    ours = load_tokenizer(directory(name))
    written = getattr(models, name)(**ours.preset_arguments(name))
    written.save_to_preset(str(tmp_path / "written"))
    assert tuple(written.get_vocabulary()) == ours.vocabulary
    assert differences(ours, written, TEXTS) == []
    back = load_tokenizer(tmp_path / "written")
    assert back.vocabulary == ours.vocabulary
    assert back.options.special_tokens == ours.options.special_tokens
    assert differences(back, written, TEXTS) == []
    if name in MODELS:  # read as SentencePiece applies it, which is not what transformers does
        data = (directory(name) / MODELS[name][1]).read_bytes()
        plain = getattr(models, name)(data)
        plain.save_to_preset(str(tmp_path / "plain"))
        assert differences(load_tokenizer(tmp_path / "plain"), plain, [*TEXTS, "a<e1>b"]) == []


@pytest.mark.parametrize("name", ["RobertaTokenizer", *MODELS])
def test_inputs_of_a_model(
    name: str,
    directory: Callable[[str], pathlib.Path],
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Special tokens and padding too, and in a directory with weights."""
    from keras_hub import models

    ours = load_tokenizer(directory(name))
    model_type = MODELS[name][0] if name in MODELS else "roberta"
    monkeypatch.setitem(architectures.SIZES, "vocab_size", ours.vocab_size)
    model = model_for(model_type, "sequence_classification")
    preset = write_keras_hub(model, ours, tmp_path / "preset")
    theirs = models.TextClassifier.from_preset(str(preset))
    found = theirs.preprocessor(TEXTS)
    expected = ours(
        TEXTS, padding="max_length", truncation=True, max_length=found["token_ids"].shape[1]
    )
    np.testing.assert_array_equal(found["token_ids"], expected["input_ids"])
    np.testing.assert_array_equal(found["padding_mask"], expected["attention_mask"])
    back = load(preset).tokenizer
    assert back is not None and back.model_max_length == model.config.max_tokens


def test_what_differs(directory: Callable[[str], pathlib.Path]) -> None:
    """Tokens in texts, white space at an end that is no space, and marks on what is decomposed."""
    from keras_hub import models

    def odd(name: str, *texts: str) -> int:
        ours = load_tokenizer(directory(name))
        theirs = getattr(models, name)(**ours.preset_arguments(name))
        return len(differences(ours, theirs, list(texts)))

    assert odd("RobertaTokenizer", "a <mask> b") == 1 and odd("RobertaTokenizer", "a<mask> b") == 0
    assert odd("XLMRobertaTokenizer", "<mask>", "<e1>x", "①\u0301") == 3
    assert odd("DebertaV3Tokenizer", "x\u200b") == 1


def test_tokenizers_of_another_kind(directory: Callable[[str], pathlib.Path]) -> None:
    bytes_of, pieces = (
        load_tokenizer(directory(n)) for n in ("RobertaTokenizer", "AlbertTokenizer")
    )
    with pytest.raises(TokenizerError, match="BertTokenizer is of another kind"):
        bytes_of.preset_arguments("BertTokenizer")
    with pytest.raises(TokenizerError, match=r"cls_token is '\[CLS\]', keras-hub's is '<s>'"):
        pieces.preset_arguments("XLMRobertaTokenizer")

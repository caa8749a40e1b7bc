"""MPNet's tokenizer: BERT's word pieces in RoBERTa's rows."""

from __future__ import annotations

import json

import pytest
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers, processors

from keras_bert_zoo import WordPieceTokenizer, load_tokenizer
from keras_bert_zoo.tokenizers import TokenizerError

LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORDS = ["<s>", "<pad>", "</s>", "[UNK]", *LETTERS, *(f"##{x}" for x in LETTERS), "the", "fox"]
VOCABULARY = [*WORDS, "##es", "你", "<mask>"]
ROLES = {"cls": "<s>", "sep": "</s>", "pad": "<pad>", "mask": "<mask>", "unk": "[UNK]"}
TEXTS = ["The foxes  <mask> é 你好!", "", "a<mask>b </s> c", "the" * 40, "Fox </s></s> fox"]
PAIRS = ["fox", " <mask>", "", "it's", "x y z"]


def reference(pair: str) -> Tokenizer:
    ids = {word: index for index, word in enumerate(VOCABULARY)}
    tokenizer = Tokenizer(models.WordPiece(vocab=ids, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    specials = [(token, ids[token]) for token in ("<s>", "</s>")]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair=pair, special_tokens=specials
    )
    for token in ROLES.values():
        added = AddedToken(token, lstrip=token == "<mask>", normalized=False)
        tokenizer.add_special_tokens([added])
    return tokenizer


@pytest.fixture(scope="module")
def theirs():
    return reference("<s> $A </s> </s> $B:0 </s>")


@pytest.fixture(scope="module", params=["tokenizer.json", "vocab.txt"])
def directory(request, theirs, tmp_path_factory):
    path = tmp_path_factory.mktemp("mpnet")
    if request.param == "vocab.txt":
        (path / "vocab.txt").write_text("\n".join(VOCABULARY), encoding="utf-8")
        config = {"tokenizer_class": "MPNetTokenizer"}
    else:
        theirs.save(str(path / "tokenizer.json"))
        config = {f"{role}_token": token for role, token in ROLES.items()}
    (path / "tokenizer_config.json").write_text(json.dumps(config))
    return path


def rows(theirs, *texts):
    found = theirs.encode_batch(
        [pair[0] if len(pair) == 1 else pair for pair in zip(*texts, strict=True)]
    )
    return [row.ids for row in found], [row.type_ids for row in found]


@pytest.mark.parametrize("texts", [(TEXTS,), (TEXTS, PAIRS)], ids=["single", "pair"])
def test_ids_are_theirs_also_of_what_was_saved(theirs, directory, texts, tmp_path):
    ours = load_tokenizer(directory)
    assert type(ours) is WordPieceTokenizer
    ours.save(tmp_path)
    for tokenizer in (ours, load_tokenizer(tmp_path)):
        found = tokenizer(*texts)
        expected = rows(theirs, *texts)
        assert (found["input_ids"].to_list(), found["token_type_ids"].to_list()) == expected
    written = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert rows(written, *texts) == rows(theirs, *texts)


@pytest.mark.parity
def test_transformers_reads_what_was_saved(theirs, directory, tmp_path):
    import transformers

    load_tokenizer(directory).save(tmp_path)
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path)
    found = tokenizer(TEXTS, PAIRS)
    assert found["input_ids"] == rows(theirs, TEXTS, PAIRS)[0]
    assert "token_type_ids" not in found


def test_other_places_are_refused(tmp_path):
    reference("<s> $A </s> $B:0 </s>").save(str(tmp_path / "tokenizer.json"))
    config = {f"{role}_token": token for role, token in ROLES.items()}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    with pytest.raises(TokenizerError, match="where BERT or MPNet have them"):
        load_tokenizer(tmp_path)


def test_options_may_be_chosen(directory):
    assert load_tokenizer(directory, do_lower_case=False).options.do_lower_case is False
    with pytest.raises(TokenizerError, match=r"\['lower'\] are no options of a BERT WordPiece"):
        load_tokenizer(directory, lower=True)

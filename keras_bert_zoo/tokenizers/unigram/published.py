"""A bare SentencePiece model as the content of the ``tokenizer.json`` that it is published with.

What a checkpoint's class in ``transformers`` adds to the model: XLM-R's and CamemBERT's ids are
fairseq's, ALBERT lowers case and strips accents before the map of characters and keeps numbers
from ending with a comma, DeBERTa strips white space. ALBERT's and DeBERTa's rules are those of the
converters of ``transformers``, which their published files were made with; the classes of
``transformers`` 5 leave out DeBERTa's map of characters and ALBERT's commas.
"""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from keras_bert_zoo.tokenizers.options import TokenizerError
from keras_bert_zoo.tokenizers.template import Template
from keras_bert_zoo.tokenizers.unigram.charsmap import unseen_rules
from keras_bert_zoo.tokenizers.unigram.spiece import (
    CONTROL,
    NORMAL,
    USER_DEFINED,
    Model,
    read,
)

Vocabulary = list[tuple[str, float]]
Parts = list[dict[str, Any]]
# Of ``tokenizer_config.json``, what changes the steps.
OPTIONS = ("do_lower_case", "keep_accents", "split_by_punct")
_SPACES = {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}
_STRIP = {"type": "Strip", "strip_left": True, "strip_right": True}
# SentencePiece's score of a piece that is never cut: the largest of single precision, less that.
_NEVER_CUT = -0.1


def content(data: bytes, tokenizer_class: str, **options: Any) -> dict[str, Any]:
    """What ``tokenizer.json`` would hold, as a class of ``transformers`` reads a model.

    Args:
        data: of ``sentencepiece.bpe.model``, ``spiece.model`` or ``spm.model``.
        tokenizer_class: as ``tokenizer_config.json`` has it.
        **options: of ``tokenizer_config.json``: those of ``OPTIONS``.

    Raises:
        TokenizerError: the model cannot be read, or the class is not known.
    """
    name = tokenizer_class.removesuffix("Fast")
    if name not in _CLASSES:
        raise TokenizerError(
            f"a SentencePiece model alone is read for {sorted(_CLASSES)}, received the "
            f"tokenizer_class {tokenizer_class!r}; convert it to tokenizer.json first"
        )
    return _content(read(data), _CLASSES[name], options)


def content_of_sentencepiece(data: bytes, tokenizer_class: str) -> dict[str, Any]:
    """What ``tokenizer.json`` would hold, as SentencePiece itself reads a model.

    Case, accents, quotes and numbers are what the model alone makes of them. Pieces that it never
    cuts are no added tokens, behind which a word would begin, but pieces that always win.

    Args:
        data: the model.
        tokenizer_class: of ``transformers``, whose ids and special tokens it has.

    Raises:
        TokenizerError: the model cannot be read, or does what none of these classes do.
    """
    model, rules = read(data), _CLASSES[tokenizer_class]
    if model.unusual:
        raise TokenizerError(
            f"a SentencePiece model with other {list(model.unusual)} than the default is not "
            "supported"
        )
    pieces = [
        (piece, _NEVER_CUT, NORMAL) if kind == USER_DEFINED else (piece, score, kind)
        for piece, score, kind in model.pieces
    ]
    whole = not any("▁" in piece[1:] for piece, *_ in pieces)
    longer = [
        {"type": "Replace", "pattern": {"String": text}, "content": new}
        for text, new in unseen_rules(model.charsmap).items()
    ]
    rules = dataclasses.replace(
        rules,
        normalizers=lambda charsmap, _: [*longer, *charsmap, _STRIP, _SPACES],
        flags={},
        splits=False,
    )
    return _content(dataclasses.replace(model, pieces=pieces), rules, {}, split=whole)


def _content(
    model: Model, rules: _Class, options: Mapping[str, Any], split: bool = True
) -> dict[str, Any]:
    vocabulary, unknown = rules.vocabulary(model)
    charsmap = base64.b64encode(model.charsmap).decode()
    precompiled = {"type": "Precompiled", "precompiled_charsmap": charsmap}
    metaspace = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always"}
    normalizers = rules.normalizers([precompiled] if model.charsmap else [], options)
    added = _added_tokens(model, vocabulary, rules)
    return {
        "added_tokens": added,
        "normalizer": {"type": "Sequence", "normalizers": normalizers},
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [
                *[{"type": "WhitespaceSplit"}] * rules.splits,
                {**metaspace, "split": split},
            ],
        },
        "post_processor": rules.template.to_json({each["content"]: each["id"] for each in added}),
        "decoder": metaspace,
        "model": {"type": "Unigram", "unk_id": unknown, "vocab": vocabulary},
    }


def _fairseq(head: Vocabulary, skipped: int) -> Callable[[Model], tuple[Vocabulary, int]]:
    """Fairseq's first ids in the place of SentencePiece's, and its mask at the end."""

    def vocabulary(model: Model) -> tuple[Vocabulary, int]:
        rest = [(piece, score) for piece, score, _ in model.pieces[skipped:]]
        return [*head, *rest, ("<mask>", 0.0)], head.index(("<unk>", 0.0))

    return vocabulary


def _own(model: Model) -> tuple[Vocabulary, int]:
    return [(piece, score) for piece, score, _ in model.pieces], model.unk_id


def _albert(model: Model) -> tuple[Vocabulary, int]:
    """Pieces of a digit and a comma are made all but impossible."""

    def ends_number(piece: str) -> bool:
        return len(piece) > 1 and piece[-1] == "," and piece[-2].isdigit()

    vocabulary, unknown = _own(model)
    return [(p, score - 100 if ends_number(p) else score) for p, score in vocabulary], unknown


def _map_alone(charsmap: Parts, options: Mapping[str, Any]) -> Parts:
    return charsmap


def _albert_normalizers(charsmap: Parts, options: Mapping[str, Any]) -> Parts:
    quotes = [
        {"type": "Replace", "pattern": {"String": quote}, "content": '"'} for quote in ("``", "''")
    ]
    accents = [{"type": "NFKD"}, {"type": "StripAccents"}]
    lower = [{"type": "Lowercase"}]
    return [
        *quotes,
        *([] if options.get("keep_accents", False) else accents),
        *(lower if options.get("do_lower_case", True) else []),
        *charsmap,
        _SPACES,
    ]


def _deberta_normalizers(charsmap: Parts, options: Mapping[str, Any]) -> Parts:
    if options.get("split_by_punct"):
        raise TokenizerError("split_by_punct is not supported")
    lower = [{"type": "Lowercase"}] if options.get("do_lower_case", False) else []
    return [*lower, _STRIP, *charsmap, _SPACES]


@dataclasses.dataclass(frozen=True)
class _Class:
    """How a class of ``transformers`` reads a model.

    Args:
        vocabulary: gives the pieces and the unknown one's id.
        normalizers: puts what belongs there around the map of characters.
        special: tokens.
        template: where they go.
        flags: of special tokens that are not found as all others are.
        splits: at white space, before spaces become marks.
    """

    vocabulary: Callable[[Model], tuple[Vocabulary, int]]
    normalizers: Callable[[Parts, Mapping[str, Any]], Parts]
    special: tuple[str, ...]
    template: Template
    flags: Mapping[str, Mapping[str, bool]]
    splits: bool = True


_FAIRSEQ_TEMPLATE = Template.roberta("<s>", "</s>")
_BERT_TEMPLATE = Template.bert("[CLS]", "[SEP]")
_FAIRSEQ_SPECIAL = ("<s>", "</s>", "<unk>", "<pad>", "<mask>")
_CLASSES = {
    "XLMRobertaTokenizer": _Class(
        _fairseq([("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)], skipped=3),
        _map_alone,
        _FAIRSEQ_SPECIAL,
        _FAIRSEQ_TEMPLATE,
        {"<mask>": {"lstrip": True}},
    ),
    "CamembertTokenizer": _Class(
        _fairseq(
            [
                ("<s>NOTUSED", 0.0),
                ("<pad>", 0.0),
                ("</s>NOTUSED", 0.0),
                ("<unk>", 0.0),
                ("<unk>NOTUSED", -100.0),
            ],
            skipped=1,
        ),
        _map_alone,
        (*_FAIRSEQ_SPECIAL, "<s>NOTUSED", "</s>NOTUSED", "<unk>NOTUSED"),
        _FAIRSEQ_TEMPLATE,
        {"<mask>": {"lstrip": True}},
    ),
    "AlbertTokenizer": _Class(
        _albert,
        _albert_normalizers,
        ("[CLS]", "[SEP]", "<unk>", "<pad>", "[MASK]"),
        _BERT_TEMPLATE,
        {"[MASK]": {"lstrip": True}},
    ),
    "DebertaV2Tokenizer": _Class(
        _own,
        _deberta_normalizers,
        ("[CLS]", "[SEP]", "[UNK]", "[PAD]", "[MASK]"),
        _BERT_TEMPLATE,
        {"[UNK]": {"normalized": True}},
        splits=False,
    ),
}
CLASSES = tuple(_CLASSES)


def _added_tokens(model: Model, vocabulary: Vocabulary, rules: _Class) -> list[dict[str, Any]]:
    """Special tokens, and the pieces that SentencePiece never cuts either."""
    ids = {piece: index for index, (piece, _) in enumerate(vocabulary)}
    special = {
        piece: kind == CONTROL
        for piece, _, kind in model.pieces
        if kind in (CONTROL, USER_DEFINED) and piece in ids
    }
    special |= dict.fromkeys(rules.special, True)
    for token in special:
        ids.setdefault(token, len(ids))
    entries = [
        {"id": ids[token], "content": token, "special": is_special, **rules.flags.get(token, {})}
        for token, is_special in special.items()
    ]
    return sorted(entries, key=lambda entry: entry["id"])

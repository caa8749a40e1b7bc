"""keras-hub's tokenizers of words in pieces: what a preset says, and what it can be told."""

from __future__ import annotations

import logging
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from keras_bert_zoo.tokenizers.options import TokenizerError
from keras_bert_zoo.tokenizers.text_files import read_lines, read_optional
from keras_bert_zoo.tokenizers.wordpiece_options import WordPieceOptions

_VOCABULARY = "assets/tokenizer/vocabulary.txt"
# Where the longest sequence may be stated, and how.
_LENGTHS = {"preprocessor.json": "sequence_length", "config.json": "max_sequence_length"}
_CLASSES = ("BertTokenizer", "DistilBertTokenizer")
# Its arguments that must be what they are here by default.
_FIXED = {"split": True, "split_on_cjk": True, "suffix_indicator": "##", "sequence_length": None}
# Its tokens that are no arguments.
_NAMES = {"sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]", "mask_token": "[MASK]"}
# BERT's uncased English vocabulary has 244 ideographs, a Chinese one thousands.
_CHINESE = 1_000

_log = logging.getLogger(__name__)


def is_preset(content: Mapping[str, Any]) -> bool:
    """Whether a JSON object is one that Keras serialised."""
    return "registered_name" in content


def content(stated: Mapping[str, Any], directory: pathlib.Path) -> dict[str, Any]:
    """What Hugging Face's ``tokenizer.json`` would say of the tokenizer of a preset.

    Args:
        stated: content of the preset's.
        directory: of the preset.

    Raises:
        FileNotFoundError: the vocabulary is not there.
        TokenizerError: it is of another class, or does what ours cannot.
    """
    given = stated["config"]
    if stated["class_name"] not in _CLASSES:
        raise TokenizerError(
            f"class_name must be one of {_CLASSES}, received {stated['class_name']!r} of keras-hub"
        )
    fixed = {key: given.get(key, value) for key, value in _FIXED.items()}
    if fixed != _FIXED:
        raise TokenizerError(f"keras-hub's tokenizer must have {_FIXED}, received {fixed}")
    # Whitespace at the end of a line does not count in keras-hub.
    words = [line.rstrip() for line in read_lines(directory / _VOCABULARY)]
    _warn_of_folding(words, given["lowercase"])
    ids = {word: index for index, word in enumerate(words)}
    return {
        "normalizer": {
            "type": "BertNormalizer",
            "lowercase": given["lowercase"],
            "strip_accents": given.get("strip_accents", False),
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "added_tokens": [
            {"id": ids[token], "content": token, "special": True}
            for token in given.get("special_tokens") or ()
        ],
        "model": {"type": "WordPiece", "unk_token": given.get("oov_token", "[UNK]"), "vocab": ids},
    }


def config(directory: pathlib.Path) -> dict[str, Any]:
    """What ``tokenizer_config.json`` would say beside a preset; nothing where there is none."""
    parts = [read_optional(directory / name) for name in _LENGTHS]
    stated = [
        part["config"].get(key)
        for part, key in zip(parts, _LENGTHS.values(), strict=True)
        if is_preset(part)
    ]
    sizes = [size for size in stated if size is not None]
    return {"model_max_length": min(sizes)} if sizes else {}


def arguments(vocabulary: Sequence[str], options: WordPieceOptions) -> dict[str, Any]:
    """Returns the arguments of such a tokenizer that does the same, but for what it folds.

    Raises:
        TokenizerError: it cannot; the message lists why.
    """
    problems = [
        f"{role} is {getattr(options, role)!r}, keras-hub's is {token!r}"
        for role, token in _NAMES.items()
        if getattr(options, role) != token
    ]
    if options.template is not None:
        problems.append("its special tokens are in other places than BERT's")
    if not options.tokenize_chinese_chars:
        problems.append("tokenize_chinese_chars is false, which its files cannot say")
    if lost := [token for token in vocabulary if token != token.rstrip() or "\n" in token]:
        problems.append(f"the tokens {lost[:3]} end in whitespace, which its files lose")
    if problems:
        raise TokenizerError(f"keras-hub cannot do what this tokenizer does: {'; '.join(problems)}")
    _warn_of_folding(vocabulary, options.do_lower_case)
    return {
        "vocabulary": list(vocabulary),
        "lowercase": options.do_lower_case,
        "strip_accents": options.strips_accents,
        "oov_token": options.unk_token,
        "special_tokens": list(options.added_tokens) or None,
        "special_tokens_in_strings": True,
    }


def _warn_of_folding(vocabulary: Iterable[str], lowercase: bool) -> None:
    """Warns where keras-hub reads other tokens than ours in ordinary texts."""
    if lowercase and sum("\u4e00" <= token <= "\u9fff" for token in vocabulary) > _CHINESE:
        _log.warning(
            "The vocabulary is Chinese. keras-hub's tokenizer folds full-width punctuation to "
            "ASCII where it lowers the case, the one of this project and of Hugging Face does not: "
            "the same text has other tokens there."
        )

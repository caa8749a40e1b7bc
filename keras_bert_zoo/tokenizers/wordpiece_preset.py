"""keras-hub's tokenizers of words in pieces."""

from __future__ import annotations

import logging
import pathlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from keras_bert_zoo.tokenizers.presets import PresetTokenizer
from keras_bert_zoo.tokenizers.source import TokenizerSource
from keras_bert_zoo.tokenizers.text_files import read_lines
from keras_bert_zoo.tokenizers.wordpiece_options import WordPieceOptions

_NAMES = {"sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]", "mask_token": "[MASK]"}
# BERT's uncased English vocabulary has 244 ideographs, a Chinese one thousands.
_CHINESE = 1_000

_log = logging.getLogger(__name__)


class WordPiecePreset(PresetTokenizer):
    """``vocabulary.txt``, and whether case and accents count."""

    classes: ClassVar[Mapping[str, Mapping[str, str]]] = dict.fromkeys(
        ("BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer"), _NAMES
    )
    fixed: ClassVar[Mapping[str, Any]] = {
        "split": True,
        "split_on_cjk": True,
        "suffix_indicator": "##",
        "sequence_length": None,
    }

    def content(self, name: str, given: Mapping[str, Any], assets: pathlib.Path) -> dict[str, Any]:
        """A vocabulary and a normalizer."""
        # Whitespace at the end of a line does not count in keras-hub.
        words = [line.rstrip() for line in read_lines(assets / "vocabulary.txt")]
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
            "model": {
                "type": "WordPiece",
                "unk_token": given.get("oov_token", "[UNK]"),
                "vocab": ids,
            },
        }

    def problems(self, name: str, source: TokenizerSource[WordPieceOptions]) -> Iterator[str]:
        """What its files cannot say."""
        if source.options.template is not None:
            yield "its special tokens are in other places than BERT's"
        if not source.options.tokenize_chinese_chars:
            yield "tokenize_chinese_chars is false, which its files cannot say"
        tokens = source.vocabulary
        if lost := [token for token in tokens if token != token.rstrip() or "\n" in token]:
            yield f"the tokens {lost[:3]} end in whitespace, which its files lose"

    def told(self, name: str, source: TokenizerSource[WordPieceOptions]) -> dict[str, Any]:
        """The same ids, but for what it folds."""
        options = source.options
        _warn_of_folding(source.vocabulary, options.do_lower_case)
        return {
            "vocabulary": list(source.vocabulary),
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

"""WordPiece vocabularies from a corpus, by the trainer of ``tokenizers``.

The same corpus gives the same vocabulary. The trainer alone does not do so: it numbers the
characters inside words in the order of a hash table, and ties between pieces go by numbers. So
the characters are counted before, and it is given them in an order.
"""

from __future__ import annotations

import collections
import dataclasses
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import tokenizers
from tokenizers import models, normalizers, pre_tokenizers, trainers

from keras_bert_zoo.corpus import sources
from keras_bert_zoo.corpus.formats import FORMATS
from keras_bert_zoo.corpus.texts import Texts
from keras_bert_zoo.tokenizers.files import TOKENIZER_FILE
from keras_bert_zoo.tokenizers.source import TokenizerSource
from keras_bert_zoo.tokenizers.wordpiece_files import VOCABULARY_FILE, WordPieceFiles
from keras_bert_zoo.tokenizers.wordpiece_options import WordPieceOptions

# In the published order, as `transformers` expects it of a vocabulary without a config.
SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
# Part of the text that the characters of a vocabulary make up, unless their number is given.
# What they leave out is in words that become [UNK].
COVERAGE = 0.9999


@dataclasses.dataclass(frozen=True, kw_only=True)
class VocabularyOptions:
    """What a vocabulary is trained for.

    Args:
        size: tokens, special ones among them.
        lower_case: lower the case of the text, and delete accents.
        min_frequency: how often a pair of pieces must stand in the text to become one.
        limit_alphabet: characters that are kept, the most frequent ones; by default those
            that make up 99.99 % of the text: some hundred of English, some 4,000 of Chinese.
        format: auto (by the suffix; running text where it says nothing), sentences, documents,
            paragraphs, text, jsonl or parquet, as for prepare.
        text_column: of the text in JSON lines and parquet.

    Raises:
        ValueError: a number is too small, or there is no such format.
    """

    size: int = 30522
    lower_case: bool = True
    min_frequency: int = 2
    limit_alphabet: int | None = None
    format: str = "auto"
    text_column: str = "text"

    def __post_init__(self) -> None:
        """Refuses numbers that are too small, and formats that there are not."""
        if self.format not in ("auto", *FORMATS):
            raise ValueError(
                f"format must be one of {('auto', *FORMATS)}, received {self.format!r}."
            )
        least = {"size": len(SPECIAL_TOKENS) + 1, "min_frequency": 1, "limit_alphabet": 1}
        for name, smallest in least.items():
            value = getattr(self, name)
            if value is not None and value < smallest:
                raise ValueError(f"{name} must be at least {smallest}, received {value}.")


def train(
    corpus: Sequence[str],
    options: VocabularyOptions | None = None,
    *,
    report: Callable[[int, int], Any] = lambda text, disk: None,
) -> TokenizerSource[WordPieceOptions]:
    """Trains a vocabulary; reads the corpus twice.

    Args:
        corpus: see ``sources.find``.
        options: what it is trained for.
        report: called with bytes of text and of the disk when these are read.

    Returns:
        The vocabulary, with the options of its tokenizer.

    Raises:
        CorpusError: the corpus is missing, empty or no text, or it is standard input.
        ValueError: the size is too small for the characters.
    """
    options = options or VocabularyOptions()
    if sources.STDIN in corpus:
        raise sources.CorpusError(
            "vocab reads its corpus twice, which standard input does not allow. Give files."
        )
    trainer = _Trainer(options)
    texts = Texts(corpus, options.format, options.text_column, report=report)
    words = trainer.train(texts, trainer.alphabet(texts))
    return TokenizerSource(words, WordPieceOptions(do_lower_case=options.lower_case))


def check_output(directory: str | pathlib.Path) -> None:
    """Raises what ``save`` would raise of a directory, before a vocabulary is trained.

    Raises:
        FileExistsError: there is a tokenizer, or a file.
    """
    path = pathlib.Path(directory)
    if path.exists() and not path.is_dir():
        raise FileExistsError(f"output {str(path)!r} is a file. Take a directory.")
    there = [name for name in (TOKENIZER_FILE, VOCABULARY_FILE) if (path / name).exists()]
    if there:
        raise FileExistsError(f"{path} holds {there}. Take another output, or remove them.")


def save(source: TokenizerSource[WordPieceOptions], directory: str | pathlib.Path) -> None:
    """Writes the files that ``transformers.AutoTokenizer`` reads, and ``vocab.txt``.

    Raises:
        FileExistsError: there is a tokenizer, or a file.
    """
    check_output(directory)
    WordPieceFiles().write(source, pathlib.Path(directory))


class _Trainer:
    def __init__(self, options: VocabularyOptions) -> None:
        self._options = options
        self._normalizer = normalizers.BertNormalizer(lowercase=options.lower_case)
        self._splitter = pre_tokenizers.BertPreTokenizer()

    def alphabet(self, texts: Texts) -> list[str]:
        """The characters to keep, in the order of Unicode."""
        counts: collections.Counter[str] = collections.Counter()
        for text in texts:
            counts.update(self._normalizer.normalize_str(text))
        counts = collections.Counter({c: n for c, n in counts.items() if not c.isspace()})
        if not counts:
            raise sources.CorpusError(f"The corpus is empty: {list(texts.corpus)} hold no text.")
        ordered = sorted(counts, key=lambda character: (-counts[character], character))
        limit = self._options.limit_alphabet
        return sorted(ordered[: _covering(counts, ordered) if limit is None else limit])

    def train(self, texts: Texts, alphabet: list[str]) -> list[str]:
        """The tokens in the order of their ids."""
        pieces = [f"##{character}" for character in alphabet if self._inside_words(character)]
        first = [*SPECIAL_TOKENS, *alphabet, *pieces]
        if len(first) > self._options.size:
            raise ValueError(
                f"size must be at least {len(first):,}: {len(alphabet):,} characters, "
                f"{len(pieces):,} of them also inside words, and {len(SPECIAL_TOKENS)} special "
                f"tokens; received {self._options.size:,}. Or lower limit_alphabet."
            )
        trainer = trainers.WordPieceTrainer(
            vocab_size=self._options.size,
            min_frequency=self._options.min_frequency,
            show_progress=False,
            # Numbered in this order, whether or not the text holds them.
            special_tokens=[*SPECIAL_TOKENS, *pieces],
            initial_alphabet=alphabet,
            limit_alphabet=len(alphabet),
        )
        tokenizer = tokenizers.Tokenizer(models.WordPiece(unk_token="[UNK]"))
        tokenizer.normalizer, tokenizer.pre_tokenizer = self._normalizer, self._splitter
        tokenizer.train_from_iterator(iter(texts), trainer)
        ids = tokenizer.get_vocab()
        learned = sorted(ids.keys() - set(first), key=ids.__getitem__)
        return [*first, *learned]

    def _inside_words(self, character: str) -> bool:
        """Whether it may stand inside a word: punctuation and Chinese are words of their own."""
        text = self._normalizer.normalize_str(f"a{character}a")
        return len(self._splitter.pre_tokenize_str(text)) == 1


def _covering(counts: collections.Counter[str], ordered: Sequence[str]) -> int:
    """How many of the most frequent characters make up ``COVERAGE`` of the text."""
    total, covered = counts.total(), 0
    for number, character in enumerate(ordered, start=1):
        covered += counts[character]
        if covered >= COVERAGE * total:
            return number
    return len(ordered)

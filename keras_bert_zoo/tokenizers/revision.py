"""Tokenizers with fewer or further tokens. TensorFlow-only."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from keras_bert_zoo.tokenizers.byte_bpe import ByteBpeTokenizer
from keras_bert_zoo.tokenizers.options import TokenizerError
from keras_bert_zoo.tokenizers.tokenizer import Tokenizer
from keras_bert_zoo.tokenizers.unigram import UnigramTokenizer
from keras_bert_zoo.tokenizers.unigram.source import UnigramSource
from keras_bert_zoo.tokenizers.wordpiece import WordPieceTokenizer

_AT_ONCE = 1000
# What stands before the characters of a piece: inside of words, and after a space.
_MARKS = ("##", "\u2581")


def count(texts: Iterable[str], tokenizer: Tokenizer[Any]) -> np.ndarray:
    """How often texts give each token, int64 ``(vocab_size,)``; special tokens are not added."""
    counts = np.zeros(tokenizer.vocab_size, np.int64)
    for batch in _batches(texts):
        ids = tokenizer(batch, add_special_tokens=False)["input_ids"].flat_values.numpy()
        counts += np.bincount(ids, minlength=len(counts))
    return counts


def cut(tokenizer: Tokenizer[Any], used: np.ndarray, keep_characters: bool) -> Tokenizer[Any]:
    """A tokenizer without the tokens that are not used.

    Texts that need none of the others are cut into the same tokens as before: both kinds search
    among the tokens that a text could hold, and those that won are still there.

    Args:
        tokenizer: of word pieces, or Unigram's.
        used: bool ``(vocab_size,)``; special and added tokens stay in any case.
        keep_characters: whether tokens of one character stay too, with which words are spelled
            that no text had.

    Raises:
        TokenizerError: the tokens of this kind are made of one another.
    """
    kind = type(tokenizer)
    if kind not in _WITH_WORDS:
        raise TokenizerError(
            f"The vocabulary of a {kind.__name__} cannot be cut: its tokens are merged from one "
            f"another. It can for {[each.__name__ for each in _WITH_WORDS]}."
        )
    source = tokenizer.source
    kept = {tokenizer.vocabulary[index] for index in np.flatnonzero(used)}
    kept |= set(source.options.literals)
    if keep_characters:
        kept |= {token for token in source.words if _is_character(token)}
    words = [index for index, token in enumerate(source.words) if token in kept]
    return _WITH_WORDS[kind](source, words)


def extend(tokenizer: Tokenizer[Any], tokens: Collection[str]) -> Tokenizer[Any]:
    """A tokenizer that knows further tokens, with the ids that follow.

    Word pieces are further words; to other kinds they are added tokens, matched literally.

    Raises:
        TokenizerError: a text that is such a token is cut otherwise; all of them are named.
    """
    known = set(tokenizer.vocabulary)
    new = [token for token in dict.fromkeys(tokens) if token not in known]
    source = tokenizer.source
    if isinstance(tokenizer, WordPieceTokenizer):
        extended: Tokenizer[Any] = WordPieceTokenizer([*source.words, *new], **vars(source.options))
    else:
        extended = _with_added(tokenizer, new)
    never = [token for token in new if extended.tokenize(token) != [token]]
    if never:
        cuts = {token: extended.tokenize(token) for token in never[:5]}
        raise TokenizerError(
            f"No text gives these tokens: {never[:20]}. They are cut into {cuts}. Write them as "
            "the tokenizer normalises them (lower case, no accents, no spaces); a word piece is "
            "one word, and Chinese characters are words of their own."
        )
    return extended


def _with_added(tokenizer: Tokenizer[Any], tokens: Sequence[str]) -> Tokenizer[Any]:
    source: Any = tokenizer.source
    options = {
        **vars(source.options),
        "added_tokens": {**source.options.added_tokens, **dict.fromkeys(tokens, False)},
    }
    if isinstance(tokenizer, ByteBpeTokenizer):
        return ByteBpeTokenizer(source.words, source.merges, **options)
    return UnigramTokenizer(
        UnigramSource(source.content, source.template, type(source.options)(**options))
    )


def _cut_word_pieces(source: Any, words: Sequence[int]) -> WordPieceTokenizer:
    return WordPieceTokenizer([source.words[index] for index in words], **vars(source.options))


def _cut_unigram(source: UnigramSource, words: Sequence[int]) -> UnigramTokenizer:
    model = source.content["model"]
    vocabulary = [model["vocab"][index] for index in words]
    pieces = [piece for piece, _ in vocabulary]
    ids = {piece: index for index, piece in enumerate(pieces)}
    added = [token for token in source.options.added_tokens if token not in ids]
    ids |= {token: len(pieces) + index for index, token in enumerate(added)}
    content = {
        **source.content,
        "post_processor": source.template.to_json(ids),
        "model": {**model, "vocab": vocabulary, "unk_id": ids[source.words[model["unk_id"]]]},
    }
    return UnigramTokenizer(UnigramSource(content, source.template, source.options))


_WITH_WORDS: Mapping[type[Tokenizer[Any]], Callable[[Any, Sequence[int]], Tokenizer[Any]]] = {
    WordPieceTokenizer: _cut_word_pieces,
    UnigramTokenizer: _cut_unigram,
}


def _is_character(token: str) -> bool:
    for mark in _MARKS:
        token = token.removeprefix(mark)
    return len(token) <= 1


def _batches(texts: Iterable[str]) -> Iterable[list[str]]:
    batch: list[str] = []
    for text in texts:
        batch.append(text)
        if len(batch) == _AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch

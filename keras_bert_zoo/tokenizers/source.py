"""A vocabulary and its options, checked against each other."""

from __future__ import annotations

import collections
import reprlib
from collections.abc import Sequence
from typing import Generic, TypeVar

from keras_bert_zoo.tokenizers.options import SPECIAL_TOKENS, TokenizerError, TokenizerOptions

Options = TypeVar("Options", bound=TokenizerOptions)
# Of so many, so long, TensorFlow compiles the pattern that finds them in texts.
_MOST_LITERALS, _LONGEST_LITERAL = 1024, 256


class TokenizerSource(Generic[Options]):
    """A vocabulary and its options, checked against each other.

    Args:
        vocabulary: tokens in the order of their ids.
        options: see there; its special tokens must be in the vocabulary or among the added
            ones, which are appended to the vocabulary where they are not in it.

    Attributes:
        words: the vocabulary of the model: as given.
        vocabulary: every token in the order of its id.
        ids: token to id.

    Raises:
        TokenizerError: the vocabulary is no sequence of strings, holds a token twice, or
            lacks a special token; the special and added tokens are too many or too long.
    """

    def __init__(self, vocabulary: Sequence[str], options: Options) -> None:
        _check_vocabulary(vocabulary)
        _check_literals(options.literals)
        self.options = options
        self.words = tuple(vocabulary)
        known = set(self.words)
        added = [token for token in options.added_tokens if token not in known]
        missing = set(options.special_tokens.values()) - known - set(added)
        if missing:
            raise TokenizerError(
                f"The vocabulary ({len(self.words)} tokens, beginning with "
                f"{list(self.words[:3])}) lacks the special tokens "
                f"{[token for token in options.special_tokens.values() if token in missing]}. "
                f"Name the ones it has with {', '.join(SPECIAL_TOKENS)}, or check that this is "
                "the right file."
            )
        self.vocabulary = (*self.words, *added)
        self.ids = {token: index for index, token in enumerate(self.vocabulary)}


def _check_literals(literals: Sequence[str]) -> None:
    long = [token for token in literals if len(token.encode()) > _LONGEST_LITERAL]
    if long or len(literals) > _MOST_LITERALS:
        raise TokenizerError(
            f"At most {_MOST_LITERALS} special and added tokens are supported, of at most "
            f"{_LONGEST_LITERAL} bytes each; received {len(literals)}, of which "
            f"{reprlib.repr(long)} are longer"
        )


def _check_vocabulary(vocabulary: Sequence[str]) -> None:
    if isinstance(vocabulary, str | bytes) or not isinstance(vocabulary, Sequence):
        raise TokenizerError(
            f"vocabulary must be a sequence of tokens, received {type(vocabulary).__name__}; "
            "to read files use from_directory"
        )
    strange = [token for token in vocabulary if not isinstance(token, str)]
    if strange:
        raise TokenizerError(f"vocabulary must hold strings, received {strange[:3]}")
    try:
        "".join(vocabulary).encode()
    except UnicodeEncodeError as error:
        raise TokenizerError(f"vocabulary holds what is no text: {error}") from error
    twice = [token for token, n in collections.Counter(vocabulary).items() if n > 1]
    if twice:
        raise TokenizerError(
            f"The vocabulary holds {len(twice)} tokens more than once, such as {twice[:3]}; "
            "every token needs one id"
        )

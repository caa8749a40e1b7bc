"""Token ids back to text, as Hugging Face's ``WordPiece`` decoder does it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from keras_bert_zoo.tokenizers.options import TokenizerError

_PREFIX = "##"
# The decoder cleans each token, the tokenizer on request the whole text: the lists differ
# in " do not" alone.
_CLEAN_TEXT = (
    (" .", "."),
    (" ?", "?"),
    (" !", "!"),
    (" ,", ","),
    (" ' ", "'"),
    (" n't", "n't"),
    (" 'm", "'m"),
    (" 's", "'s"),
    (" 've", "'ve"),
    (" 're", "'re"),
)
_CLEAN_TOKEN = (*_CLEAN_TEXT[:7], (" do not", " don't"), *_CLEAN_TEXT[7:])


def decode(
    ids: Sequence[int], vocabulary: Sequence[str], skipped: Iterable[str], clean_up: bool
) -> str:
    """Joins the tokens of ``ids`` to a text.

    Args:
        ids: token ids.
        vocabulary: tokens in the order of their ids.
        skipped: tokens to leave out.
        clean_up: also remove the spaces before punctuation that joining tokens left.

    Raises:
        TokenizerError: an id outside the vocabulary.
    """
    outside = [index for index in ids if not 0 <= index < len(vocabulary)]
    if outside:
        raise TokenizerError(
            f"ids must be in [0, {len(vocabulary)}), received {outside[:5]}. Replace the "
            "values that mark ignored positions, such as -100, before decoding."
        )
    tokens = [vocabulary[index] for index in ids]
    kept = [token for token in tokens if token not in skipped]
    text = "".join(_piece(token, is_first=i == 0) for i, token in enumerate(kept))
    return _replaced(text, _CLEAN_TEXT) if clean_up else text


def _piece(token: str, *, is_first: bool) -> str:
    if not is_first:
        token = token[len(_PREFIX) :] if token.startswith(_PREFIX) else f" {token}"
    return _replaced(token, _CLEAN_TOKEN)


def _replaced(text: str, table: Iterable[tuple[str, str]]) -> str:
    for old, new in table:
        text = text.replace(old, new)
    return text

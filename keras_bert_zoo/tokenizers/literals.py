"""Special tokens written in a text, and bytes that are no text.

TensorFlow-only. ``[MASK]`` in a text is one token, found before the text is normalised. A
private-use character of the same role takes its place, padded with characters that the
normaliser deletes, so that byte positions stay what they were.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import tensorflow as tf

from keras_bert_zoo.tokenizers.normalizer import STAND_INS
from keras_bert_zoo.tokenizers.options import TokenizerError
from keras_bert_zoo.tokenizers.utf8 import SURROGATES, replaced

# Both are deleted by the normaliser; the second has as many bytes as a stand-in.
_FILLER, _WIDE_FILLER = "\x01", "\uf8ff"
_STAND_IN_BYTES = len(chr(STAND_INS[0]).encode())
_STAND_IN_CLASS = rf"\x{{{STAND_INS[0]:X}}}-\x{{{STAND_INS[-1]:X}}}"


class LiteralMarker:
    """Finds literal tokens in texts and puts a stand-in in the place of each.

    Args:
        literals: the tokens, no more than there are stand-ins.

    Raises:
        TokenizerError: a token shorter than a stand-in, or two tokens of which one may begin
            inside the other.
    """

    def __init__(self, literals: Sequence[str]) -> None:
        _check(literals)
        self.stand_ins = dict(zip(literals, map(chr, STAND_INS), strict=False))
        first = "".join(re.escape(character) for character in sorted({t[0] for t in literals}))
        # RE2 in UTF-8 mode matches no invalid byte: one pass finds both kinds of trouble.
        self._harmless = f"[^{first}{SURROGATES}{_STAND_IN_CLASS}]*"

    def __call__(self, text: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Repairs and marks texts.

        Args:
            text: ``(B,)`` strings, any bytes.

        Returns:
            The texts as valid UTF-8, invalid bytes replaced by U+FFFD as
            ``bytes.decode(errors="replace")`` does, and the same with the literal tokens
            replaced; each ``(B,)``, and equal in length byte for byte.
        """
        harmless = tf.reduce_all(tf.strings.regex_full_match(text, self._harmless))
        return tf.cond(harmless, lambda: (text, text), lambda: self._marked(text))

    def _marked(self, text: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        valid = replaced(text)
        marked = tf.strings.regex_replace(valid, f"[{_STAND_IN_CLASS}]", _WIDE_FILLER)
        for literal in sorted(self.stand_ins, key=len, reverse=True):
            fillers = _FILLER * (len(literal.encode()) - _STAND_IN_BYTES)
            stand_in = self.stand_ins[literal] + fillers
            marked = tf.strings.regex_replace(marked, re.escape(literal), stand_in)
        return valid, marked


def _check(literals: Sequence[str]) -> None:
    short = [literal for literal in literals if len(literal.encode()) < _STAND_IN_BYTES]
    if short:
        raise TokenizerError(
            f"Special and added tokens need at least {_STAND_IN_BYTES} bytes, received {short}"
        )
    for literal in literals:
        inside = _beginning_inside(literal, literals)
        if inside:
            raise TokenizerError(
                f"The added tokens {inside} may begin inside {literal!r}; which of them a text "
                "holds is then ambiguous. Rename one."
            )


def _beginning_inside(literal: str, literals: Sequence[str]) -> list[str]:
    """Tokens that begin with an end of ``literal`` and go on."""
    ends = tuple(literal[start:] for start in range(1, len(literal)))
    return [
        other
        for other in literals
        if other != literal and other.startswith(ends) and not literal.endswith(other)
    ]

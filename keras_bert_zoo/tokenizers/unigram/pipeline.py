"""What a Unigram tokenizer is made of, read from the content of ``tokenizer.json``."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from keras_bert_zoo.tokenizers.files import model_type
from keras_bert_zoo.tokenizers.options import TokenizerError

_PARTS = {"normalizer": "normalizers", "pre_tokenizer": "pretokenizers"}


@dataclasses.dataclass(frozen=True)
class AddedToken:
    """A token that is found as it is written.

    Args:
        content: the token.
        id: of the token.
        special: whether decoding may skip it.
        lstrip: takes the white space before it.
        rstrip: takes the white space after it.
        normalized: is looked for in the normalised text, itself normalised.
    """

    content: str
    id: int
    special: bool = False
    lstrip: bool = False
    rstrip: bool = False
    normalized: bool = False


class Pipeline:
    """The vocabulary and the steps of a Unigram tokenizer, checked for what is supported.

    Args:
        content: of ``tokenizer.json``.
        exact_scores: take the scores as they are. ``tokenizers`` reads numbers from a file
            with a last digit that may be off by one, which decides between equally good
            pieces; so does this class, unless told otherwise.

    Attributes:
        pieces: the vocabulary of the model in the order of ids.
        scores: of the pieces.
        unknown_id: of characters that no piece spells.
        byte_ids: of the 256 bytes, where such characters are spelled with them, else ``None``.
        normalizers: the entries of ``normalizer``, in order.
        pre_tokenizers: the entries of ``pre_tokenizer``, in order.
        added_tokens: in the order in which they are tried.
        decoder: the entry ``decoder``.
        vocabulary: every token in the order of its id.
        ids: token to id.

    Raises:
        TokenizerError: a part is missing, malformed or not supported; it is named.
    """

    def __init__(self, content: Mapping[str, Any], *, exact_scores: bool = False) -> None:
        kind = model_type(content)
        if kind != "Unigram":
            raise TokenizerError(f"not a Unigram tokenizer: model is {kind or 'missing'}")
        model = content["model"]
        vocabulary = model.get("vocab")
        try:
            self.pieces = tuple(str(piece) for piece, _ in vocabulary or ())
            scores = [float(score) for _, score in vocabulary or ()]
        except (TypeError, ValueError) as error:
            raise TokenizerError(
                f"model.vocab must be pairs of piece and score: {error}"
            ) from error
        self.scores = tuple(scores if exact_scores else map(_as_read_from_text, scores))
        self.ids = {piece: index for index, piece in enumerate(self.pieces)}
        self.unknown_id = self._unknown_id(model)
        self.byte_ids = self._byte_ids() if model.get("byte_fallback") else None
        self.normalizers = _entries(content, "normalizer")
        self.pre_tokenizers = _entries(content, "pre_tokenizer")
        self.decoder = content.get("decoder")
        self.added_tokens = self._added_tokens(content.get("added_tokens") or ())
        self.vocabulary = self._vocabulary()
        self.ids |= {token.content: token.id for token in self.added_tokens}

    def _unknown_id(self, model: Mapping[str, Any]) -> int:
        index = model.get("unk_id")
        if not isinstance(index, int) or not 0 <= index < len(self.pieces):
            raise TokenizerError(
                f"model.unk_id must be an id below {len(self.pieces)}, the size of model.vocab, "
                f"received {index!r}; without one unknown characters have no id"
            )
        return index

    def _byte_ids(self) -> tuple[int, ...] | None:
        names = [f"<0x{byte:02X}>" for byte in range(256)]
        missing = [name for name in names if name not in self.ids]
        if 0 < len(missing) < len(names):
            raise TokenizerError(
                f"model.byte_fallback needs a piece for each byte; {len(missing)} are missing, "
                f"such as {missing[:3]}"
            )
        return None if missing else tuple(self.ids[name] for name in names)

    def _added_tokens(self, entries: Iterable[Mapping[str, Any]]) -> tuple[AddedToken, ...]:
        names = [field.name for field in dataclasses.fields(AddedToken)]
        tokens = []
        for entry in entries:
            if entry.get("single_word"):
                raise TokenizerError(
                    f"the added token {entry.get('content')!r} has the flag single_word, which "
                    "is not supported"
                )
            try:
                token = AddedToken(**{name: entry[name] for name in names if name in entry})
            except TypeError as error:
                raise TokenizerError(f"an added token is malformed, {entry}: {error}") from error
            if self.ids.get(token.content, token.id) != token.id:
                raise TokenizerError(
                    f"the added token {token.content!r} has the id {token.id}, but in "
                    f"model.vocab {self.ids[token.content]}"
                )
            if (token.lstrip or token.rstrip) and token.content.strip() != token.content:
                raise TokenizerError(
                    f"the added token {token.content!r} strips white space and has some at an "
                    "end; that is not supported"
                )
            tokens.append(token)
        # The reference tries special tokens first.
        return tuple(
            sorted(filter(lambda token: token.content, tokens), key=lambda t: not t.special)
        )

    def _vocabulary(self) -> tuple[str, ...]:
        tokens = dict(enumerate(self.pieces)) | {t.id: t.content for t in self.added_tokens}
        if sorted(tokens) != list(range(len(tokens))):
            beyond = sorted(set(tokens) - set(range(len(self.pieces))))
            raise TokenizerError(
                f"the added tokens must have the ids that follow the {len(self.pieces)} of "
                f"model.vocab, received {beyond[:5]}"
            )
        return tuple(tokens[index] for index in range(len(tokens)))


def _entries(content: Mapping[str, Any], name: str) -> tuple[Mapping[str, Any], ...]:
    """A part without its sequences."""

    def flat(part: Any) -> list[Mapping[str, Any]]:
        if not isinstance(part, Mapping):
            raise TokenizerError(f"{name} must hold objects, received {part!r}")
        if part.get("type") != "Sequence":
            return [part]
        return [entry for inner in part.get(_PARTS[name]) or () for entry in flat(inner)]

    part = content.get(name)
    return () if part is None else tuple(flat(part))


def _as_read_from_text(number: float) -> float:
    """The number that ``tokenizers`` makes of this one's digits: rounded twice."""
    digits, _, exponent = repr(abs(number)).partition("e")
    whole, _, fraction = digits.partition(".")
    power = int(exponent or 0) - len(fraction)
    scale = float(f"1e{abs(power)}")
    rounded = float(int(whole + fraction))
    rounded = rounded * scale if power >= 0 else rounded / scale
    return -rounded if number < 0 else rounded

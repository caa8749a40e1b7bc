"""A checkpoint with another vocabulary: cut to texts, with further tokens, of a round size."""

from __future__ import annotations

import dataclasses
import pathlib
import reprlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from keras_bert_zoo.atomic import check_switch
from keras_bert_zoo.checkpoints.tensors import LazyTensor, Tensor, transposed
from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.conversion.content import Content, Renumbered, open_content
from keras_bert_zoo.conversion.convert import Conversion, Report, checked_directory, write
from keras_bert_zoo.conversion.targets import TARGETS
from keras_bert_zoo.families import family
from keras_bert_zoo.tokenizers import Tokenizer
from keras_bert_zoo.tokenizers.revision import count, cut, extend

# What rows of no token have: the mask's number makes the probability of such a word exactly 0.
_NOTHING = {
    "embeddings/word_embeddings": 0.0,
    "predictions/further_words": 0.0,
    "predictions/bias": -10_000.0,
}


@dataclasses.dataclass(frozen=True)
class _Rows:
    """Which rows of the old tables make each row of the new ones.

    Args:
        old: for each token the old ids whose mean it is: its own, or those of its pieces.
        padding: rows of no token.
    """

    old: list[list[int]]
    padding: int

    def __len__(self) -> int:
        return len(self.old) + self.padding

    def of(self, tensor: Tensor, nothing: float) -> LazyTensor:
        """The new rows of a table or a bias, made when they are asked for."""

        def read() -> np.ndarray:
            values = tensor.read()
            made = np.full((len(self), *tensor.shape[1:]), nothing, tensor.dtype)
            for row, ids in enumerate(self.old):
                one = len(ids) == 1
                made[row] = values[ids[0]] if one else values[ids].astype("float32").mean(axis=0)
            return made

        return LazyTensor(tensor.dtype, (len(self), *tensor.shape[1:]), read)


def resize(
    source: str | pathlib.Path,
    directory: str | pathlib.Path,
    *,
    texts: Iterable[str] | None = None,
    min_count: int = 1,
    keep_characters: bool = True,
    add: Iterable[str] | None = None,
    multiple: int = 1,
    do_lower_case: bool | None = None,
    verify: bool = True,
    overwrite: bool = False,
    report: Report = lambda done, total: None,
) -> Conversion:
    """Writes a checkpoint, in Hugging Face's layout, whose tokenizer and tables have other rows.

    Tokens that texts do not give are left out, further ones are added with the mean of the rows of
    their pieces, and rows of no token, which are never predicted, fill the tables up. What the
    remaining tokens make the model answer is compared.

    Args:
        source: what ``load`` takes, with a tokenizer.
        directory: where to; parents are created.
        texts: of the languages and subjects that stay; by default all tokens do.
        min_count: how often texts must give a token that stays.
        keep_characters: whether tokens of one character stay in any case, so that words which no
            text had can be spelled.
        add: further tokens; those that are there already are passed over.
        multiple: what the number of rows is to be a multiple of, e.g. 64.
        do_lower_case: see ``convert``; so ``verify``, ``overwrite`` and ``report``.
        verify: as there.
        overwrite: as there.
        report: as there.

    Raises:
        TokenizerError: the vocabulary cannot be cut, or no text gives a further token.
        TypeError: ``texts`` or ``add`` is one string.
        ConversionError: the answers differ.
        ValueError: an argument is out of range, there is nothing to do, no token of ``texts``
            would stay, or there is no tokenizer; see ``convert`` also.
    """
    for name, value in (("min_count", min_count), ("multiple", multiple)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ValueError(f"{name} must be an integer of at least 1, received {value!r}.")
    check_switch("keep_characters", keep_characters)
    check_switch("verify", verify)
    _check_strings("texts", texts)
    _check_strings("add", add)
    further = list(add or ())
    if texts is None and not further and multiple == 1:
        raise ValueError("There is nothing to do: pass texts, add or multiple.")
    target = checked_directory(directory, overwrite)
    content = open_content(source, do_lower_case)
    old = content.tokenizer
    if old is None:
        raise ValueError(f"{source} has no tokenizer, whose tokens could be counted or added.")
    new = old
    if texts is not None:
        new = _cut_to(texts, old, min_count, keep_characters)
    new = extend(new, further)
    rows = _Rows(_origins(old, new), -new.vocab_size % multiple)
    if (new.vocabulary, len(rows)) == (old.vocabulary, content.weights.config.vocab_size):
        raise ValueError(
            f"There is nothing to do: {source} has these {len(old.vocabulary):,} tokens in "
            f"{len(rows):,} rows already."
        )
    said = {
        "source": str(source),
        "layout": content.layout,
        "target": "hf",
        "dtype": None,
        "vocabulary": {"before": old.vocab_size, "after": new.vocab_size, "rows": len(rows)},
    }
    return write(_revised(content, new, rows), target, TARGETS["hf"], said, verify, report)


def _check_strings(name: str, value: object) -> None:
    # The characters of one string are strings, too.
    if isinstance(value, (str, bytes)) or not isinstance(value, (Iterable, type(None))):
        raise TypeError(
            f"{name} must be a list of strings, or anything else that gives one after the other, "
            f"received {reprlib.repr(value)}."
        )


def _cut_to(
    texts: Iterable[str], tokenizer: Tokenizer, min_count: int, keep_characters: bool
) -> Tokenizer:
    counts = count(texts, tokenizer)
    new = cut(tokenizer, counts >= min_count, keep_characters)
    literals = set(tokenizer.source.options.literals)
    words = [index for index, token in enumerate(tokenizer.vocabulary) if token not in literals]
    most = counts[words].max(initial=0)
    if most < min_count:
        raise ValueError(
            f"texts give no token min_count={min_count} times, special and added ones apart: the "
            f"most frequent one comes {most} times. Pass more texts, or a lower min_count."
        )
    return new


def _origins(old: Tokenizer, new: Tokenizer) -> list[list[int]]:
    ids = {token: index for index, token in enumerate(old.vocabulary)}
    further = [token for token in new.vocabulary if token not in ids]
    pieces = old(further, add_special_tokens=False)["input_ids"].to_list() if further else []
    means = dict(zip(further, pieces, strict=True))
    return [[ids[token]] if token in ids else means[token] for token in new.vocabulary]


def _revised(content: Content, tokenizer: Tokenizer, rows: _Rows) -> Content:
    weights = content.weights
    tensors: dict[str, Any] = dict(weights.tensors)
    for row in weights.rows:
        if row.variable in _NOTHING:
            nothing, tensor = _NOTHING[row.variable], tensors[row.tensor]
            if row.transposed:  # words lie in its columns
                tensors[row.tensor] = transposed(rows.of(transposed(tensor), nothing))
            else:
                tensors[row.tensor] = rows.of(tensor, nothing)
    config = _config(weights.config, content.tokenizer, tokenizer, len(rows))
    same = np.array([(new, ids[0]) for new, ids in enumerate(rows.old) if len(ids) == 1])
    return dataclasses.replace(
        content,
        weights=dataclasses.replace(weights, config=config, tensors=tensors),
        tokenizer=tokenizer,
        renumbered=Renumbered(*same.T),
    )


def _config(
    config: EncoderConfig, old: Tokenizer | None, new: Tokenizer, rows: int
) -> EncoderConfig:
    assert old is not None
    ids = {token: index for index, token in enumerate(new.vocabulary)}

    def moved(index: int) -> int:
        return ids[old.vocabulary[index]]

    pad = moved(config.pad_token_id)
    if family(config.model_type).counts_tokens and pad != config.pad_token_id:
        raise ValueError(
            f"The padding token would move from {config.pad_token_id} to {pad}, from which a "
            f"{config.model_type} counts positions. Keep the tokens before it."
        )
    extra: Mapping[str, Any] = {
        name: moved(value)
        if name.endswith("_token_id") and isinstance(value, int) and value < old.vocab_size
        else value
        for name, value in config.extra.items()
    }
    return config.replace(vocab_size=rows, pad_token_id=pad, extra=extra)

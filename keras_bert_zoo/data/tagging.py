"""Texts of which each word has a tag: CoNLL files, and JSON lines with words or with entities."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import logging
import pathlib
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from keras_bert_zoo.data.records import Reader, Record, records, refuse_duplicates

CONLL = (".conll", ".bio", ".iob", ".txt")
INCONSISTENT = ("repair", "error", "keep")
_ENTITIES = "entities"
# A word, a Chinese character, or one of anything else but space: what BERT's tokenizer cuts at.
_WORD = re.compile(r"[㐀-䶿一-鿿豈-﫿𠀀-𯨟]|[^\W㐀-䶿一-鿿豈-﫿𠀀-𯨟]+|[^\w\s]")
_COMMENT = re.compile(r"# \S+ = ")
PREFIXED = re.compile(r"[BIESMLU]-.+")
# Tags of word segmentation, which have no kind.
PLAIN = frozenset("BIMESLUO")
# What an entity begins with instead of a tag that goes on with one.
_BEGUN = {"I": "B", "M": "B", "E": "S", "L": "U"}
# What it ends with, where the tags of a file have ends: tags that say so, and instead of which.
_ENDED = {"ES": {"B": "S", "I": "E", "M": "E"}, "LU": {"B": "U", "I": "L", "M": "L"}}

_log = logging.getLogger(__name__)
Span = tuple[int, int]


@dataclasses.dataclass(frozen=True)
class TaggedText:
    """A text, its words, and a tag for each.

    Args:
        text: as people read it.
        words: first character of each word, and the one behind its last.
        tags: as many, or ``None`` to predict.
        place: for error messages, e.g. ``"train.conll, line 7"``.
    """

    text: str
    words: tuple[Span, ...]
    tags: tuple[str, ...] | None
    place: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class TagTable:
    """How to read tagged texts.

    Args:
        words: column of the list of words.
        tags: column of the list of their tags.
        joiner: what stands between two words in the text: a space, or nothing for scripts
            without spaces.
        token_column: of a CoNLL file, from 0; negative ones count from the last.
        tag_column: the same for the tag.
        inconsistent: of tags that go on with an entity that did not begin (``I-`` after
            ``O`` or after another kind), or leave one without the end that such tags have:
            ``"repair"`` lets one begin or end, and logs how many; ``"error"`` stops; ``"keep"``.
        encoding: of the files.
    """

    words: str = "tokens"
    tags: str = "tags"
    joiner: str = " "
    token_column: int = 0
    tag_column: int = -1
    inconsistent: str = "repair"
    encoding: str = "utf-8-sig"

    def __post_init__(self) -> None:
        """Refuses an unknown choice."""
        if self.inconsistent not in INCONSISTENT:
            raise ValueError(
                f"inconsistent must be one of {INCONSISTENT}, received {self.inconsistent!r}."
            )

    def read(self, source: str | pathlib.Path) -> list[TaggedText]:
        """Reads a CoNLL file (``.conll``, ``.bio``, ``.iob``, ``.txt``) or ``.jsonl``.

        A line of JSON has ``tokens`` and ``tags``; or ``text`` and ``entities``, a list of
        ``{"start": …, "end": …, "label": …}`` in characters.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: it holds something else, or an ``id`` twice; the message names file and
                line.
        """
        read = [*records(source, encoding=self.encoding, readers=self.readers)]
        refuse_duplicates((place, values.get("id")) for place, values in read)
        found = [self.tagged(*record) for record in read]
        if not found:
            raise ValueError(f"{source} holds no texts.")
        untagged = next((row.place for row in found if row.tags is None), None)
        if untagged is not None:
            raise ValueError(
                f"{untagged}: no tags. A record has {self.words!r} and {self.tags!r}, or 'text' "
                f"and {_ENTITIES!r}; say which columns to take with text_column and label_column."
            )
        return self._consistent(str(source), found)

    @property
    def readers(self) -> dict[str, Reader]:
        """Of CoNLL files, by suffix."""
        columns = {self.words: self.token_column, self.tags: self.tag_column}
        return dict.fromkeys(CONLL, functools.partial(conll_records, columns=columns))

    @property
    def question_readers(self) -> dict[str, Reader]:
        """The same where tags are asked for: of words alone, whether there are tags or not."""
        columns = {self.words: self.token_column}
        reader = functools.partial(conll_records, columns=columns, of_words=True)
        return dict.fromkeys(CONLL, reader)

    def untagged(self, place: str, values: dict[str, Any]) -> TaggedText:
        """The same without its tags, which also do not cut its words."""
        answers = (self.tags, _ENTITIES)
        return self.tagged(place, {k: v for k, v in values.items() if k not in answers})

    def tagged(self, place: str, values: dict[str, Any]) -> TaggedText:
        """Makes a tagged text of one record; without tags where it has none."""
        if self.words in values:
            text, words = joined(place, values[self.words], self.joiner)
            tags = values.get(self.tags)
            return TaggedText(text, words, _checked_tags(place, tags, len(words)), place)
        if isinstance(values.get("text"), str):
            return _with_entities(place, values["text"], values.get(_ENTITIES))
        raise ValueError(
            f"{place}: no column {self.words!r} (a list of words) and no 'text' with 'entities'. "
            f"The columns are {list(values)}; say which to take with text_column and label_column."
        )

    def _consistent(self, source: str, found: list[TaggedText]) -> list[TaggedText]:
        names = {tag for row in found for tag in row.tags or ()}
        broken = [(row, repaired(row.tags or (), names)) for row in found]
        wrong = [(row, tags) for row, tags in broken if row.tags is not None and row.tags != tags]
        if not wrong or self.inconsistent == "keep":
            return found
        count = sum(
            a != b for row, tags in wrong for a, b in zip(row.tags or (), tags, strict=True)
        )
        message = (
            f"{source}: {count} tags go on with an entity that did not begin, or do not end one, "
            f"the first at {wrong[0][0].place}"
        )
        if self.inconsistent == "error":
            raise ValueError(f"{message}. Mend the file, or set inconsistent to 'repair'.")
        _log.warning("%s; they do now.", message)
        return [
            dataclasses.replace(row, tags=tags if row.tags is not None else None)
            for row, tags in broken
        ]


def conll_records(
    path: pathlib.Path, content: str, *, columns: dict[str, int], of_words: bool = False
) -> Iterator[Record]:
    """Sentences of a CoNLL file: a word a line, columns by tabs or spaces, a blank line after.

    ``-DOCSTART-`` lines and comments are skipped: ``# name = value``, and in a file with tabs
    every line with ``#`` in front and none.

    Args:
        path: for error messages.
        content: of the file.
        columns: number of the column by its name in the records.
        of_words: whether there may be words alone. Then every line has as many columns: a plain
            text has not, and its first words would pass for all.
    """
    rows: list[list[str]] = []
    first = width = 0
    tabs = "\t" in content
    # Not splitlines(): a word may be a strange kind of line break.
    for number, line in enumerate([*content.replace("\r\n", "\n").split("\n"), ""], start=1):
        fields = line.split("\t") if "\t" in line else line.split()
        if not line.strip() or fields[0] == "-DOCSTART-":
            if rows:
                picked = (list(column) for column in zip(*rows, strict=True))
                yield f"{path}, line {first}", dict(zip(columns, picked, strict=True))
            rows = []
            continue
        if _COMMENT.match(line) or (line[0] == "#" and "\t" not in line and tabs):
            continue
        place = f"{path}, line {number}"
        width = width or len(fields)
        if of_words and len(fields) != width:
            raise ValueError(
                f"{place}: {len(fields)} columns, the lines before have {width}. A CoNLL file has "
                "a word a line, a blank line between texts. A text a line is read from standard "
                f"input: keras-bert-zoo predict BUNDLE < {path}"
            )
        first = first if rows else number
        rows.append(_cells(place, line, fields, columns))


def _cells(place: str, line: str, fields: list[str], columns: dict[str, int]) -> list[str]:
    try:
        cells = [fields[column].strip() for column in columns.values()]
    except IndexError:
        cells = []
    if len(fields) < len(columns) or not cells or not all(cells):
        what = "a word and a tag, separated by a tab or spaces," if len(columns) > 1 else "a word"
        raise ValueError(
            f"{place}: expected {what} in the columns {tuple(columns.values())}; received "
            f"{line[:60]!r}."
        )
    return cells


def joined(place: str, words: Any, joiner: str) -> tuple[str, tuple[Span, ...]]:
    """The text that words make, and where each lies in it."""
    valid = isinstance(words, list | tuple)
    if not valid or not all(isinstance(word, str) and word.strip() for word in words):
        raise ValueError(f"{place}: expected a list of words, none of them empty: {words!r:.80}")
    starts, at = [], 0
    for word in words:
        starts.append(at)
        at += len(word) + len(joiner)
    spans = tuple((start, start + len(word)) for start, word in zip(starts, words, strict=True))
    return joiner.join(words), spans


def words_of(text: str, cuts: Iterable[int] = ()) -> tuple[Span, ...]:
    """Words of a text, as BERT's tokenizer separates them, and cut at some places besides."""
    borders = sorted(set(cuts))
    spans = []
    for match in _WORD.finditer(text):
        start, end = match.span()
        inner = [at for at in borders if start < at < end] if borders else []
        edges = [start, *inner, end]
        spans += list(itertools.pairwise(edges))
    return tuple(spans)


def _with_entities(place: str, text: str, entities: Any) -> TaggedText:
    if entities is None:
        return TaggedText(text, words_of(text), None, place)
    if not isinstance(entities, list | tuple):
        raise ValueError(f"{place}: entities must be a list, received {entities!r:.80}")
    found = sorted(_entity(place, text, entity) for entity in entities)
    for (_, end, _), (start, _, label) in itertools.pairwise(found):
        if start < end:
            raise ValueError(
                f"{place}: the entity {label!r} at {start} begins inside another, which ends at "
                f"{end}. A word has one tag: remove one of them."
            )
    words = words_of(text, (at for start, end, _ in found for at in (start, end)))
    tags = ["O"] * len(words)
    for start, end, label in found:
        inside = [i for i, word in enumerate(words) if start <= word[0] and word[1] <= end]
        for number, index in enumerate(inside):
            tags[index] = f"{'I' if number else 'B'}-{label}"
    return TaggedText(text, words, tuple(tags), place)


def _entity(place: str, text: str, entity: Any) -> tuple[int, int, str]:
    try:
        start, end, label = (entity[key] for key in ("start", "end", "label"))
        named = isinstance(label, str) and label.strip()
        fits = 0 <= start < end <= len(text) and text[start:end].strip() and named
    except (TypeError, KeyError):
        fits = False
    if not fits:
        raise ValueError(
            f"{place}: an entity has start, end (characters of the text, which has {len(text)}) "
            f"and label, which is not empty; received {entity!r}."
        )
    return start, end, label


def _checked_tags(place: str, tags: Any, count: int) -> tuple[str, ...] | None:
    if tags is None:
        return None
    valid = isinstance(tags, list | tuple)
    if not valid or not all(isinstance(tag, str) and tag.strip() for tag in tags):
        raise ValueError(
            f"{place}: tags must be a list of strings, none of them empty, received {tags!r:.80}"
        )
    if len(tags) != count:
        raise ValueError(f"{place}: {len(tags)} tags for {count} words.")
    return tuple(tags)


def spells_words(names: Collection[str]) -> bool:
    """Whether tags are those of word segmentation; ``B`` tells them from parts of speech."""
    return set(names) <= PLAIN and "B" in names


def repaired(tags: Sequence[str], names: Collection[str]) -> tuple[str, ...]:
    """Tags in which what goes on has begun, and what has begun ends.

    ``I-X`` that follows no ``X`` becomes ``B-X``. Where there are tags for ends (BIOES, BILOU,
    BMES), a begin that nothing follows becomes a whole entity, and the last that goes on an end.

    Args:
        tags: of one text.
        names: every tag of the file, which tell what tags there are.
    """
    plain = spells_words(names)
    parts = [_letter_and_kind(tag, plain) for tag in tags]
    for index, (letter, kind) in enumerate(parts):
        if letter in _BEGUN and not _is_open(parts[index - 1 : index], kind):
            parts[index] = (_BEGUN[letter], kind)
    letters = {_letter_and_kind(name, plain)[0] for name in names}
    ended = next((end for key, end in _ENDED.items() if letters & {*key}), {})
    for index, (letter, kind) in enumerate(parts):
        goes_on = any(then in _BEGUN and other == kind for then, other in parts[index + 1 :][:1])
        if letter in ended and not goes_on:
            parts[index] = (ended[letter], kind)
    return tuple(
        f"{letter}-{kind}" if kind else letter or tag
        for tag, (letter, kind) in zip(tags, parts, strict=True)
    )


def _letter_and_kind(tag: str, plain: bool) -> tuple[str, str]:
    """``I`` and ``X`` of ``I-X``, ``I`` and nothing of a plain ``I``; of others nothing at all."""
    if PREFIXED.fullmatch(tag):
        return tag[0], tag[2:]
    return (tag, "") if plain and tag != "O" else ("", "")


def _is_open(before: Sequence[tuple[str, str]], kind: str) -> bool:
    return any(letter in ("B", "I", "M") and other == kind for letter, other in before)

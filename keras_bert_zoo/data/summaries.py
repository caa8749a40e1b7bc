"""Documents with their summaries, from CSV, TSV and JSON-lines files."""

from __future__ import annotations

import dataclasses
import functools
import logging
import pathlib
import re
import reprlib
from collections.abc import Iterator, Mapping
from typing import Any

from keras_bert_zoo.corpus.sentences import SENTENCE, split_sentences
from keras_bert_zoo.data.records import records, refuse_duplicates, unpacked
from keras_bert_zoo.data.text_files import check_empty_texts

_log = logging.getLogger(__name__)
_TEXTS = ("sentences", "text")
_SUMMARY, _LABELS, _INDICES = "summary", "labels", "extracted"
# Without the line end inside the class, blanks without end would be tried again from each.
_PARAGRAPH = re.compile(r"\n[^\S\n]*\n")
# Between sentences that are given one by one, and between those of a summary.
JOINER = "\n"
Span = tuple[int, int]


@dataclasses.dataclass(frozen=True)
class Document:
    """A text as sentences, and what is known of its summary.

    Args:
        place: where it was read, for messages.
        text: the whole of it.
        spans: first and last character (exclusive) of each of its sentences, in order.
        summary: its summary as somebody wrote it.
        labels: 1 for each sentence that belongs to the summary, 0 for the others.
    """

    place: str
    text: str
    spans: tuple[Span, ...]
    summary: str | None = None
    labels: tuple[int, ...] | None = None

    @functools.cached_property
    def sentences(self) -> tuple[str, ...]:
        """The text of each sentence."""
        return tuple(self.text[start:end] for start, end in self.spans)

    @property
    def reference(self) -> str | None:
        """The summary, or the sentences that are labelled as such; ``None`` without either."""
        if self.summary is not None or self.labels is None:
            return self.summary
        chosen = (text for text, label in zip(self.sentences, self.labels, strict=True) if label)
        return JOINER.join(chosen)


@dataclasses.dataclass(frozen=True, kw_only=True)
class SummaryTable:
    """How to read documents.

    Lists, and objects by section or aspect, are written as JSON in a CSV or TSV. A column ``text``
    holds prose, which is taken as it is.

    Args:
        text: column of the document: a string, which is split into sentences, or a list of them,
            or lists of them by section; by default ``sentences``, or else ``text``.
        summary: column of the summary: a string, or a list of its sentences; by default
            ``summary``, if there is one.
        label: column of 0 or 1 for each sentence; by default ``labels``, if there is one. A column
            ``extracted`` may hold the indices of the sentences instead, from 0.
        aspect: which of several summaries, where that column or the labels are by aspect; by
            default all of them, one after the other, are the summary.
        delimiter: separates columns, see ``data.records``.
        encoding: of the file.
        empty_texts: of documents without a sentence: ``"drop"`` leaves them out; they are an
            error otherwise.

    Raises:
        ValueError: ``empty_texts`` is something else.
    """

    text: str | None = None
    summary: str | None = None
    label: str | None = None
    aspect: str | None = None
    delimiter: str | None = None
    encoding: str = "utf-8-sig"
    empty_texts: str = "error"

    def __post_init__(self) -> None:
        """Refuses an unknown choice."""
        check_empty_texts(self.empty_texts)

    def read(self, source: str | pathlib.Path) -> list[Document]:
        """Reads a file of documents with summaries or labels.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: it cannot be read, a document has no sentence or nothing is known of its
                summary, labels do not fit its sentences, an ``id`` occurs twice; the message
                names file and line.
        """
        found = list(records(source, delimiter=self.delimiter, encoding=self.encoding))
        refuse_duplicates((place, values.get("id")) for place, values in found)
        kept = self._without_empty(str(source), [self.document(*each) for each in found])
        if not kept:
            raise ValueError(f"{source} holds no documents.")
        return kept

    def _without_empty(self, source: str, read: list[Document]) -> list[Document]:
        empty = [each for each in read if not each.spans]
        if empty and self.empty_texts != "drop":
            raise ValueError(
                f"{empty[0].place}: the document has no sentence, as {len(empty)} of {len(read)}. "
                "Fill them, or set empty_texts to 'drop'."
            )
        if empty:
            _log.warning("%s: dropped %d documents without a sentence", source, len(empty))
        return [each for each in read if each.spans]

    def document(self, place: str, values: Mapping[str, Any], *, labelled: bool = True) -> Document:
        """One document; ``labelled`` says whether something must be known of its summary.

        Raises:
            ValueError: as for ``read``, but for documents without a sentence.
        """
        known = (self.text,) if self.text else _TEXTS
        column = next((name for name in known if values.get(name) is not None), None)
        if column is None:
            raise _no_column(place, " or ".join(known), values)
        # What is asked on the command line has this name, brackets or not.
        found = values[column] if column == "text" else unpacked(values[column])
        text, spans = _sentences(f"{place}: {column}", found)
        if not labelled:
            return Document(place, text, spans)
        for name in (self.summary, self.label):
            if name and values.get(name) is None:
                raise _no_column(place, name, values)
        summary, labels = self._summary(place, values), self._labels(place, values, len(spans))
        if summary is None and labels is None:
            raise _no_column(place, f"{_SUMMARY}, {_LABELS} or {_INDICES}", values)
        return Document(place, text, spans, summary, labels)

    def _summary(self, place: str, values: Mapping[str, Any]) -> str | None:
        name = self.summary or _SUMMARY
        found = unpacked(values.get(name))
        if found is None:
            return None
        place = f"{place}: {name}"
        summary = JOINER.join(_strings(place, self._of_aspect(place, found)))
        if not summary.strip():
            raise ValueError(f"{place} is empty. Write one, or leave the document out.")
        return summary

    def _labels(self, place: str, values: Mapping[str, Any], count: int) -> tuple[int, ...] | None:
        name = self.label or _LABELS
        if values.get(name) is not None:
            place = f"{place}: {name}"
            flags = _flat(place, self._of_aspect(place, unpacked(values[name])))
            if len(flags) != count or not all(flag in (0, 1) for flag in flags):
                raise ValueError(
                    f"{place} must be 0 or 1 for each of the {count} sentences, received "
                    f"{len(flags)}: {reprlib.repr(flags)}."
                )
            return tuple(map(int, flags))
        indices = unpacked(values.get(_INDICES))
        if indices is None:
            return None
        valid = isinstance(indices, list | tuple) and all(type(each) is int for each in indices)
        if not valid or len(set(indices) & set(range(count))) != len(indices):
            raise ValueError(
                f"{place}: {_INDICES} must be distinct numbers of sentences, 0 to {count - 1}, "
                f"received {reprlib.repr(indices)}."
            )
        return tuple(int(index in set(indices)) for index in range(count))

    def _of_aspect(self, place: str, found: Any) -> Any:
        if self.aspect is None:
            return found
        if not isinstance(found, Mapping) or self.aspect not in found:
            known = list(found) if isinstance(found, Mapping) else "no aspects"
            raise ValueError(
                f"{place} has no aspect {self.aspect!r}, only {known}. Set options.aspect to "
                "one of them, or leave it out."
            )
        return found[self.aspect]


def sentence_spans(text: str) -> tuple[Span, ...]:
    """Where the sentences of a text lie; a blank line ends one too.

    See ``corpus.sentences.split_sentences``: only white space lies outside of them.
    """
    text, at, spans = text.replace(SENTENCE, " "), 0, []
    for paragraph in _PARAGRAPH.split(text):
        for sentence in split_sentences(paragraph):
            start = text.index(sentence, at)
            at = start + len(sentence)
            spans.append((start, at))
    return tuple(spans)


def _no_column(place: str, name: str, values: Mapping[str, Any]) -> ValueError:
    return ValueError(
        f"{place}: no column {name}. The columns are {list(values)}; say which to take with "
        "text_column, pair_column (the summary) and label_column."
    )


def _sentences(place: str, found: Any) -> tuple[str, tuple[Span, ...]]:
    """A document's text and where its sentences are."""
    if isinstance(found, str):
        return found, sentence_spans(found)
    sentences = list(_strings(place, found))
    empty = [index for index, sentence in enumerate(sentences) if not sentence.strip()]
    if empty:
        raise ValueError(f"{place}: sentence {empty[0]} is empty. Leave it out.")
    starts = [0]
    for sentence in sentences:
        starts.append(starts[-1] + len(sentence) + len(JOINER))
    spans = ((at, at + len(each)) for at, each in zip(starts, sentences, strict=False))
    return JOINER.join(sentences), tuple(spans)


def _strings(place: str, found: Any) -> Iterator[str]:
    for value in _flat(place, found) if isinstance(found, list | tuple | Mapping) else [found]:
        if not isinstance(value, str):
            raise ValueError(
                f"{place} must be a text or a list of sentences, received {reprlib.repr(found)}."
            )
        yield value


def _flat(place: str, found: Any) -> list[Any]:
    """The members of a list, or of lists by name, one after the other."""
    if isinstance(found, Mapping):
        parts = ([each] if isinstance(each, str) else _flat(place, each) for each in found.values())
        return [value for part in parts for value in part]
    if not isinstance(found, list | tuple):
        raise ValueError(
            f"{place} must be a list, in a CSV as JSON, received {reprlib.repr(found)}."
        )
    return list(found)

"""Questions about texts from SQuAD's JSON files and from JSON lines.

SQuAD 1.1 (Rajpurkar et al. 2016) and 2.0 (Rajpurkar et al. 2018).
"""

from __future__ import annotations

import dataclasses
import json
import logging
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

from keras_bert_zoo.data.records import Reader, Record, records, refuse_duplicates
from keras_bert_zoo.data.text_files import EMPTY_TEXTS

# Whether to look for answers elsewhere, and to drop questions whose answers are not found.
MISPLACED = {
    "error": (False, False),
    "drop": (False, True),
    "find": (True, False),
    "find_or_drop": (True, True),
}
_KEYS = ("id", "question", "context", "answers")
_SHOWN = 60
_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Answer:
    """A part of a text.

    Args:
        text: as it stands in the text.
        start: its first character.
    """

    text: str
    start: int

    @property
    def end(self) -> int:
        """The character after its last."""
        return self.start + len(self.text)

    def stands_in(self, context: str) -> bool:
        """Whether the text has it at that place."""
        return self.start >= 0 and context.startswith(self.text, self.start)

    def nearest(self, context: str) -> Answer | None:
        """The same answer at the place nearest to ``start``, the first of two as near."""
        at = max(self.start, 0)
        before = context.rfind(self.text, 0, at + len(self.text))
        after = context.find(self.text, at)
        found = [place for place in (before, after) if place >= 0]
        return Answer(self.text, min(found, key=lambda x: abs(x - at))) if found else None


@dataclasses.dataclass(frozen=True)
class Question:
    """A question about a text.

    Args:
        id: its name.
        question: what is asked.
        context: the text that may hold the answer.
        answers: answers by different people; none where the text has none, and ``None``
            where they are not known.
        place: where it was read, for messages.
    """

    id: str
    question: str
    context: str
    answers: tuple[Answer, ...] | None = None
    place: str = ""

    @property
    def impossible(self) -> bool:
        """Whether it is known that the text has no answer."""
        return self.answers == ()

    @property
    def misplaced(self) -> tuple[Answer, ...]:
        """The answers that are not where they should be."""
        return tuple(each for each in self.answers or () if not each.stands_in(self.context))

    def found(self) -> Question | None:
        """The same with all answers at their nearest places; ``None`` where one has none."""
        nearest = [each.nearest(self.context) for each in self.answers or ()]
        answers = tuple(each for each in nearest if each)
        complete = len(answers) == len(nearest)
        return dataclasses.replace(self, answers=answers) if complete else None


@dataclasses.dataclass(frozen=True, kw_only=True)
class QuestionFile:
    """How to read questions.

    Args:
        misplaced: what to do with a question one of whose answers is not where the file
            says: ``"error"``, ``"drop"``, ``"find"`` the nearest place that has it (an error
            where there is none), or ``"find_or_drop"``. How many were dropped or moved is logged.
        empty_texts: what to do with questions or texts of white space only: ``"error"``,
            ``"drop"`` or ``"keep"``.
        encoding: of the file.

    Raises:
        ValueError: a choice is unknown.
    """

    misplaced: str = "error"
    empty_texts: str = "error"
    encoding: str = "utf-8-sig"

    def __post_init__(self) -> None:
        """Refuses an unknown choice."""
        for name, valid in (("misplaced", tuple(MISPLACED)), ("empty_texts", EMPTY_TEXTS)):
            if getattr(self, name) not in valid:
                raise ValueError(f"{name} must be one of {valid}: {getattr(self, name)!r}")

    def read(self, source: str | pathlib.Path) -> tuple[Question, ...]:
        """Reads SQuAD's ``.json``, or ``.jsonl`` with a question a line.

        Lines have the keys ``id``, ``question``, ``context``, ``answers``, and perhaps
        ``is_impossible``; ``answers`` is ``{"text": […], "answer_start": […]}`` or a list
        of ``{"text": …, "answer_start": …}``, empty where the text has no answer.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: it holds something else, an id twice, an empty text, or an answer
                that the text does not have; the message names file and place.
        """
        found = records(source, encoding=self.encoding, readers=READERS)
        read = [_question(place, values) for place, values in found]
        if not read:
            raise ValueError(f"{source} holds no questions.")
        refuse_duplicates((each.place, each.id) for each in read)
        return tuple(self._placed(str(source), self._without_empty(str(source), read)))

    def _without_empty(self, source: str, read: list[Question]) -> list[Question]:
        empty = [each for each in read if not (each.question.strip() and each.context.strip())]
        if not empty or self.empty_texts == "keep":
            return read
        if self.empty_texts == "error":
            raise ValueError(
                f"{empty[0].place}: the question or its context is empty, as in {len(empty)} of "
                f"{len(read)}. Fill them, or set empty_texts to 'drop' or 'keep'."
            )
        _log.warning("%s: dropped %d questions without text", source, len(empty))
        dropped = {each.id for each in empty}
        return [each for each in read if each.id not in dropped]

    def _placed(self, source: str, read: list[Question]) -> list[Question]:
        """The questions whose answers stand where they should, by now."""
        finds, drops = MISPLACED[self.misplaced]
        wrong = [each for each in read if each.misplaced]
        settled = {each.id: each.found() if finds else None for each in wrong}
        lost = [each for each in wrong if settled[each.id] is None]
        if lost and not drops:
            raise _misplaced(lost, len(read), sought=finds)
        counts = {"dropped": len(lost), "moved the answers of": len(wrong) - len(lost)}
        for done, count in counts.items():
            if count:
                _log.warning("%s: %s %d of %d questions", source, done, count, len(read))
        placed = (settled.get(each.id, each) for each in read)
        kept = [each for each in placed if each is not None]
        if not kept:
            raise ValueError(f"{source}: no question is left; all {len(read)} were dropped.")
        return kept


def _misplaced(lost: list[Question], count: int, *, sought: bool) -> ValueError:
    """What to say of questions one of whose answers is not in its place, and of how many."""
    first = lost[0]
    answer = next(each for each in first.misplaced if not (sought and each.nearest(first.context)))
    there = first.context[max(answer.start, 0) :][: len(answer.text)]
    where = " nor anywhere else in it" if sought else ""
    return ValueError(
        f"{first.place}: the answer {_short(answer.text)} is not at answer_start {answer.start} of "
        f"the context of question {first.id!r}{where}; there stands {_short(there)}. So it is with "
        f"{len(lost)} of {count} questions. Correct them, or set misplaced to 'drop' (leave such "
        "questions out), 'find' (take the nearest place that has the answer) or 'find_or_drop' "
        "(leave out only those without such a place)."
    )


def _short(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")


def _articles(path: pathlib.Path, content: str) -> Iterator[Record]:
    """Questions of a file of SQuAD, as records that have their context with them."""
    try:
        whole = json.loads(content)
    except ValueError as error:
        raise ValueError(
            f"{path}: not valid JSON: {error}. A file with one object a line is named .jsonl."
        ) from error
    for place, article in _members(str(path), whole, "data", "article"):
        for inner, paragraph in _members(place, article, "paragraphs", "paragraph"):
            if "context" not in paragraph:
                raise ValueError(f"{inner}: no 'context', only {_known(paragraph)}.")
            for innermost, question in _members(inner, paragraph, "qas", "question"):
                yield innermost, {"context": paragraph["context"], **question}


def _members(place: str, whole: Any, key: str, name: str) -> Iterator[Record]:
    """The objects in a list of an object, numbered from 1."""
    members = whole.get(key) if isinstance(whole, dict) else None
    if not isinstance(members, list):
        raise ValueError(
            f"{place}: no list {key!r}, only {_known(whole)}. SQuAD's files are "
            '{"data": [{"paragraphs": [{"context": …, "qas": […]}]}]}; a question a line with '
            f"{list(_KEYS)} is named .jsonl."
        )
    for number, member in enumerate(members, start=1):
        inner = f"{place}, {name} {number}"
        if not isinstance(member, dict):
            raise ValueError(f"{inner}: must be an object, received {_short(str(member))}.")
        yield inner, member


def _known(values: Any) -> str:
    return str(list(values)) if isinstance(values, dict) else type(values).__name__


def _question(place: str, values: Mapping[str, Any]) -> Question:
    impossible = values.get("is_impossible")
    answers = values.get("answers", [] if impossible else None)
    missing = [key for key in _KEYS[:3] if key not in values]
    if answers is None:
        missing.append("answers")
    if missing:
        raise ValueError(f"{place}: no {missing}. The keys are {list(values)}.")
    for key in ("question", "context"):
        if not isinstance(values[key], str):
            raise ValueError(f"{place}: {key!r} must be a string, received {values[key]!r}.")
    name = values["id"]
    if isinstance(name, bool) or not isinstance(name, str | int):
        raise ValueError(f"{place}: 'id' must be a string or a number, received {name!r}.")
    found = tuple(_answer(place, *pair) for pair in _pairs(place, answers))
    if impossible not in (None, True, False) or (
        impossible is not None and bool(impossible) != (not found)
    ):
        raise ValueError(
            f"{place}: question {name!r} has {len(found)} answers and is_impossible is "
            f"{impossible!r}. It is true where there is no answer, and false where there is one."
        )
    return Question(str(name), values["question"], values["context"], found, place)


def _pairs(place: str, answers: Any) -> list[tuple[Any, Any]]:
    """Text and start of each answer, from a list of objects or an object of lists."""
    if isinstance(answers, dict):
        texts, starts = answers.get("text"), answers.get("answer_start")
        if isinstance(texts, list) and isinstance(starts, list) and len(texts) == len(starts):
            return list(zip(texts, starts, strict=True))
    elif isinstance(answers, list) and all(isinstance(each, dict) for each in answers):
        return [(each.get("text"), each.get("answer_start")) for each in answers]
    raise ValueError(
        f'{place}: \'answers\' must be {{"text": […], "answer_start": […]}} with lists of one '
        f"length, or a list of objects with these keys, received {_short(str(answers))}."
    )


def _answer(place: str, text: Any, start: Any) -> Answer:
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"{place}: the 'text' of an answer must be a text, received {text!r}.")
    if isinstance(start, bool) or not isinstance(start, int):
        raise ValueError(f"{place}: 'answer_start' must be a whole number, received {start!r}.")
    return Answer(text, start)


# Of the format that SQuAD is published in.
READERS: dict[str, Reader] = {".json": _articles}

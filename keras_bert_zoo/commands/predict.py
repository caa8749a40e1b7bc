"""``keras-bert-zoo predict``."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from keras_bert_zoo.commands.piped_lines import PipedLines, lines_of
from keras_bert_zoo.commands.table_options import ENCODING, add_text_options
from keras_bert_zoo.data.records import Located, check_file

if TYPE_CHECKING:
    from keras_bert_zoo.tasks.predictor import Predictor

MODEL = "a fine-tuned bundle, or a directory that `keras-bert-zoo export` wrote"
# Questions that are read and answered before the next ones are.
_AT_ONCE = 256
# How many words each option takes.
_VALUES = {
    "--input": 1,
    "--pairs": 0,
    "--jsonl": 0,
    "--text_column": 1,
    "--pair_column": 1,
    "--delimiter": 1,
    "--encoding": 1,
    "--task": 1,
    "--max_length": 1,
    "--options": 1,
}


def predict(
    bundle: str,
    texts: Sequence[str],
    *,
    input: str | None = None,
    pairs: bool = False,
    jsonl: bool = False,
    task: str | None = None,
    max_length: int | None = None,
    options: Mapping[str, Any] | None = None,
    **columns: Any,
) -> None:
    """Answer texts or records; prints one JSON object a line.

    Lines of standard input are answered as they come. What stands before a row that cannot be asked
    is answered before the error is raised.

    The arguments are those of the command line.
    """
    if input is not None and (texts or pairs or jsonl):
        raise ValueError("input is read instead of texts, pairs and jsonl: leave those out.")
    named = [name for name, value in columns.items() if value not in (None, ENCODING)]
    if input is None and named:
        raise ValueError(f"{named} are of a file: name it with input, or leave them out.")
    ask = opened(bundle, input, task=task, max_length=max_length, options=options, **columns)
    if input is None:
        lines = texts or lines_of(sys.stdin)
        questions = questions_of(lines, pairs, jsonl)
    else:
        lines, questions = (), _questions_in(input, ask)
    for part in blocks(questions, lines.ready if isinstance(lines, PipedLines) else _always):
        for question, answer in _answered(ask, part):
            print(json.dumps({**question, **answer}, ensure_ascii=False), flush=True)


def _always() -> bool:
    return True


def blocks(
    questions: Iterable[dict[str, Any]], ready: Callable[[], bool]
) -> Iterator[list[dict[str, Any]]]:
    """Questions to answer at once, as many as can be read without waiting.

    Args:
        questions: all of them.
        ready: whether there is a next one that need not be waited for.

    Raises:
        ValueError: a question cannot be read; those before it come first.
    """
    part: list[dict[str, Any]] = []
    try:
        for question in questions:
            part.append(question)
            if len(part) == _AT_ONCE or not ready():
                yield part
                part = []
    except ValueError:
        if part:
            yield part
        raise
    if part:
        yield part


def _answered(
    ask: Predictor, part: Sequence[dict[str, Any]]
) -> Iterable[tuple[dict[str, Any], dict[str, Any]]]:
    """Questions with their answers; where one cannot be asked, those before it."""
    try:
        return zip(part, ask(part), strict=True)
    except ValueError:
        if len(part) == 1:
            raise
    return ((question, ask([question])[0]) for question in part)


def opened(
    source: str, data: str | None = None, *, task: str | None = None, **arguments: Any
) -> Predictor:
    """The predictor of a bundle, or of what was exported of one.

    Raises:
        FileNotFoundError: there are artifacts in the source; they are named. Or there is no file
            to ask about.
        ValueError: a task is named for an artifact, which has its own.
    """
    from keras_bert_zoo import zoo
    from keras_bert_zoo.checkpoints import sources
    from keras_bert_zoo.export.artifact import artifacts_in, is_artifact

    of_keras = not is_artifact(source) and not artifacts_in(source)
    # What is no source or no file is told before TensorFlow loads.
    if of_keras:
        sources.resolve(zoo.resolve(source))
    if data is not None:
        check_file(data)
    if of_keras:
        from keras_bert_zoo.tasks.predictor import predictor

        return predictor(source, task=task, **arguments)
    from keras_bert_zoo.export.asking import predictor as predictor_of_artifact

    if task is not None:
        raise ValueError(f"{source} was exported for one task: leave out task={task!r}.")
    return predictor_of_artifact(source, **arguments)


def _questions_in(source: str, ask: Predictor) -> Iterator[dict[str, Any]]:
    questions = ask.task.questions(source)
    first = next(questions, None)
    if first is None:
        raise ValueError(f"{source} holds no rows.")
    return itertools.chain([first], questions)


def questions_of(lines: Iterable[str], pairs: bool, jsonl: bool) -> Iterator[dict[str, Any]]:
    """What is asked, a dict with the task's columns for each line."""
    kind, read = ("line", _object) if jsonl else ("text", _pair if pairs else _single)
    for number, line in enumerate(lines, start=1):
        place = f"{kind} {number}"
        yield Located(place, read(place, line.rstrip("\r\n")), of_file=False)


def _single(place: str, text: str) -> dict[str, Any]:
    return {"text": text}


def _object(place: str, text: str) -> dict[str, Any]:
    try:
        values = json.loads(text)
    except ValueError as error:
        raise ValueError(f"{place} is no JSON: {error}") from error
    if not isinstance(values, dict):
        raise ValueError(f"{place} must be a JSON object, received {text[:40]!r}.")
    return values


def _pair(place: str, text: str) -> dict[str, Any]:
    parts = text.split("\t")
    if len(parts) != 2:
        raise ValueError(
            f"{place} has {len(parts) - 1} tabs; with pairs it takes one, between the two texts."
        )
    return {"text": parts[0], "text_pair": parts[1]}


def main(argv: Sequence[str] | None = None) -> None:
    """Parses the arguments of the command and runs it."""
    import jsonargparse

    description = (predict.__doc__ or "").splitlines()[0]
    parser = jsonargparse.ArgumentParser(prog="keras-bert-zoo predict", description=description)
    add = parser.add_argument
    add("bundle", help=MODEL)
    add("texts", nargs="*", default=[], help="by default the lines of standard input")
    formats = "a .csv, .tsv or .jsonl file instead, or another format that the task is trained on"
    add("--input", type=str | None, help=formats)
    add("--pairs", action="store_true", help="each text is two, with a tab between them")
    add("--jsonl", action="store_true", help="each text is a JSON object with the task's columns")
    add_text_options(parser, by_task=True)
    add_task_options(parser)
    predict(**vars(parser.parse_args(_texts_last(sys.argv[1:] if argv is None else argv))))


def _texts_last(words: Sequence[str]) -> list[str]:
    """Options in front: argparse takes texts only right behind the bundle."""
    options: list[str] = []
    others: list[str] = []
    rest = iter(words)
    for word in rest:
        if word == "--":
            return [*options, *others, word, *rest]
        name, equals, _ = word.partition("=")
        if name in _VALUES:
            options += [word, *itertools.islice(rest, 0 if equals else _VALUES[name])]
        else:
            others.append(word)
    return [*options, *others]


def add_task_options(parser: Any) -> None:
    """Adds what the commands that ask a model have in common."""
    add = parser.add_argument
    add("--task", type=str | None, help="by default what the checkpoint was trained for")
    length = "tokens of a row; by default as in training, else the model's positions"
    add("--max_length", type=int | None, help=length)
    add("--options", type=dict[str, Any] | None, help="of the task, e.g. '{stride: 64}'")

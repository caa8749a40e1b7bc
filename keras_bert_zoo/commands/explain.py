"""``keras-bert-zoo explain``."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any


def explain(
    bundle: str,
    texts: Sequence[str],
    *,
    output: str | None = None,
    pairs: bool = False,
    jsonl: bool = False,
    attentions: str | None = None,
    layer: int = -1,
    task: str | None = None,
    max_length: int | None = None,
    options: Mapping[str, Any] | None = None,
) -> None:
    """Show which words of texts speak for a model's answers, as a page of HTML.

    The arguments are those of the command line.
    """
    from keras_bert_zoo.commands.predict import questions_of
    from keras_bert_zoo.tasks.explanation import explain, explanation_page
    from keras_bert_zoo.tasks.predictor import predictor

    questions = list(questions_of(texts, pairs, jsonl))
    if attentions is not None:
        _draw(bundle, questions[0], attentions, layer)
    elif output is None:
        output = "explanation.html"
    if output is not None:
        ask = predictor(bundle, task=task, max_length=max_length, options=options)
        page = explanation_page(explain(ask, questions))
        pathlib.Path(output).write_text(page, encoding="utf-8")
        print(output)


def _draw(bundle: str, question: Mapping[str, Any], path: str, layer: int) -> None:
    from keras_bert_zoo.evaluation.attention_pictures import attention_picture
    from keras_bert_zoo.tasks.attentions import attentions_of

    words = [value for value in question.values() if isinstance(value, str)][:2]
    print(attention_picture(pathlib.Path(path), *attentions_of(bundle, *words, layer=layer)))


def main(argv: Sequence[str] | None = None) -> None:
    """Parses the arguments of the command and runs it."""
    import jsonargparse

    from keras_bert_zoo.commands.predict import add_task_options

    description = (explain.__doc__ or "").splitlines()[0]
    parser = jsonargparse.ArgumentParser(prog="keras-bert-zoo explain", description=description)
    add = parser.add_argument
    add("bundle", help="directory of a fine-tuned model, or where else one is found")
    add("texts", nargs="+", help="what is answered and explained")
    page = "the page; by default explanation.html, or none where attentions are drawn"
    add("--output", type=str | None, help=page)
    add("--pairs", action="store_true", help="each text is two, with a tab between them")
    add("--jsonl", action="store_true", help="each text is a JSON object with the task's columns")
    add("--attentions", type=str | None, help="a PNG of one layer's attention to the first text")
    add("--layer", type=int, default=-1, help="which, from 0; by default the last")
    add_task_options(parser)
    explain(**vars(parser.parse_args(argv)))

"""``keras-bert-zoo resize``: a checkpoint with another vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def resize(
    source: str, directory: str, texts: Sequence[str], add: str | None, **options: Any
) -> None:
    """Cut the vocabulary of a checkpoint to your texts, add tokens, fill its tables up.

    The arguments are those of the command line.
    """
    import rich

    from keras_bert_zoo.commands.convert import bar, shown
    from keras_bert_zoo.conversion import resize as resized
    from keras_bert_zoo.corpus.texts import Texts

    tokens = _lines(add) if add else []
    with bar() as report:
        read = Texts(texts, invalid_utf8="error") if texts else None
        done = resized(source, directory, texts=read, add=tokens, report=report, **options)
    sizes = done.vocabulary or {}
    rich.print(f"{sizes['before']:,} tokens became {sizes['after']:,}, in {sizes['rows']:,} rows")
    shown(done)


def _lines(path: str) -> list[str]:
    import pathlib

    from keras_bert_zoo.foreign import read_text

    lines = read_text(pathlib.Path(path), ValueError).removeprefix("\ufeff").splitlines()
    return [line.strip() for line in lines if line.strip()]


def main(argv: Sequence[str] | None = None) -> None:
    """Parses the arguments of the command and runs it."""
    import jsonargparse

    description = (resize.__doc__ or "").splitlines()[0]
    parser = jsonargparse.ArgumentParser(prog="keras-bert-zoo resize", description=description)
    add = parser.add_argument
    add("source", help="a checkpoint with a tokenizer, as convert takes it")
    add("directory", help="that receives the new checkpoint")
    corpus = "files, directories or patterns; tokens that they do not give are left out"
    add("--texts", nargs="+", default=[], help=corpus)
    add("--min_count", type=int, default=1, help="how often texts must give a token that stays")
    characters = "tokens of one character stay, to spell words that no text had"
    add("--keep_characters", type=bool, default=True, help=characters)
    add("--add", type=str | None, help="a file with further tokens, one a line")
    add("--multiple", type=int, default=1, help="the number of rows is a multiple of it, e.g. 64")
    case = "of the tokenizer, where no file says it: true or false"
    add("--do_lower_case", type=bool | None, help=case)
    add("--verify", type=bool, default=True, help="load both sides and compare their answers")
    add("--overwrite", action="store_true", help="replace a checkpoint that exists")
    resize(**vars(parser.parse_args(argv)))

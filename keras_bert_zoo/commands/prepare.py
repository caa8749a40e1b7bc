"""``keras-bert-zoo prepare``: a corpus to shards of token ids."""

from __future__ import annotations

import pathlib
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keras_bert_zoo.corpus.options import PrepareOptions
    from keras_bert_zoo.corpus.shards import Shards

# Above this share of unknown tokens, in percent, the vocabulary is probably not the text's.
_MANY_UNKNOWN = 1.0


def prepare(
    corpus: Sequence[str],
    *,
    output: str,
    tokenizer: str,
    options: PrepareOptions,
    workers: int | None = None,
    beam: str | None = None,
) -> None:
    """Tokenise a corpus once, into shards that pretraining reads.

    The arguments are those of the command line.
    """
    import rich

    directory = tokenizer_directory(tokenizer)
    if beam is None:
        shards = _on_this_machine(corpus, output, directory, options, workers)
    else:
        shards = _on_a_pipeline(corpus, output, directory, options, beam)
    rich.print(_table(shards))
    unknown = _percent_unknown(shards)
    if unknown > _MANY_UNKNOWN:
        rich.print(
            f"[yellow]{unknown:.1f} % of the tokens are unknown: the vocabulary of {tokenizer} may "
            "not be that of this text. keras-bert-zoo vocab makes one of a corpus.[/yellow]"
        )


def _on_this_machine(
    corpus: Sequence[str],
    output: str,
    tokenizer: pathlib.Path,
    options: PrepareOptions,
    workers: int | None,
) -> Shards:
    from keras_bert_zoo.commands.corpus_progress import reading
    from keras_bert_zoo.corpus.prepare import prepare as write_shards
    from keras_bert_zoo.corpus.sources import find

    with reading(find(corpus)) as report:
        return write_shards(corpus, output, tokenizer, options, workers=workers, report=report)


def _on_a_pipeline(
    corpus: Sequence[str],
    output: str,
    tokenizer: pathlib.Path,
    options: PrepareOptions,
    arguments: str,
) -> Shards:
    try:
        from keras_bert_zoo.corpus.beam import prepare_with_beam
    except ImportError as error:
        raise ImportError(f"{error}: beam needs pip install keras-bert-zoo[beam].") from error
    return prepare_with_beam(corpus, output, tokenizer, options, arguments=shlex.split(arguments))


def tokenizer_directory(name: str) -> pathlib.Path:
    """Where the tokenizer is: a directory, or what ``load`` takes.

    Raises:
        FileNotFoundError: there is none.
    """
    from keras_bert_zoo import zoo
    from keras_bert_zoo.checkpoints import sources

    return sources.resolve(zoo.resolve(name))


def _percent_unknown(shards: Shards) -> float:
    counts = shards.manifest["counts"]
    return float(100 * counts["unknown_tokens"] / counts["tokens"])


def _table(shards: Shards) -> Any:
    from rich.table import Table

    from keras_bert_zoo.corpus.shards import MANIFEST, Shards

    counts = shards.manifest["counts"]
    table = Table("", "number", title=str(shards.directory))
    table.columns[1].justify = "right"
    for name, number in counts.items():
        table.add_row(name.replace("_", " "), f"{number:,}")
    table.add_row("tokens a document", f"{counts['tokens'] / counts['documents']:.1f}")
    table.add_row("unknown tokens, %", f"{_percent_unknown(shards):.3f}")
    for name, directory in {"to train on": shards.directory, "held out": _held_out(shards)}.items():
        if (directory / MANIFEST).is_file():
            parts = Shards(directory).manifest["shards"]
            documents, tokens = (sum(p[key] for p in parts) for key in ("documents", "tokens"))
            table.add_row(f"documents {name}", f"{documents:,}")
            table.add_row(f"tokens {name}", f"{tokens:,}")
    table.add_row("shards to train on", f"{len(shards):,}")
    return table


def _held_out(shards: Shards) -> pathlib.Path:
    return shards.directory / "held_out"


def main(argv: Sequence[str] | None = None) -> None:
    """Parses the arguments of the command and runs it."""
    import jsonargparse

    from keras_bert_zoo.corpus.options import PrepareOptions

    description = (prepare.__doc__ or "").splitlines()[0]
    parser = jsonargparse.ArgumentParser(prog="keras-bert-zoo prepare", description=description)
    add = parser.add_argument
    add("corpus", nargs="+", help="files, directories, patterns such as 'wiki/*.gz', or - (stdin)")
    add("--output", required=True, help="directory of the shards; a run that was killed goes on")
    add("--tokenizer", required=True, help="directory with a tokenizer or vocab.txt, or a bundle")
    add("--workers", type=int | None, help="processes that tokenise; one per core by default")
    pipeline = "arguments of an Apache Beam pipeline that does the work, e.g. --beam=--runner=…"
    add("--beam", type=str | None, help=pipeline)
    parser.add_class_arguments(PrepareOptions, as_group=False)
    values = parser.parse_args(argv).as_dict()
    own = {name: values.pop(name) for name in ("corpus", "output", "tokenizer", "workers", "beam")}
    prepare(**own, options=PrepareOptions(**values))

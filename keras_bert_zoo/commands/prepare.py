"""``keras-bert-zoo prepare``: a corpus to shards of token ids."""

from __future__ import annotations

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
) -> None:
    """Tokenise a corpus once, into shards that pretraining reads.

    The arguments are those of the command line.
    """
    import rich

    from keras_bert_zoo.commands.corpus_progress import reading
    from keras_bert_zoo.corpus import prepare as preparation
    from keras_bert_zoo.corpus.sources import find

    directory = tokenizer_directory(tokenizer)
    with reading(find(corpus)) as report:
        shards = preparation.prepare(
            corpus, output, directory, options, workers=workers, report=report
        )
    rich.print(_table(shards))
    unknown = _percent_unknown(shards)
    if unknown > _MANY_UNKNOWN:
        rich.print(
            f"[yellow]{unknown:.1f} % of the tokens are unknown: the vocabulary of {tokenizer} may "
            "not be that of this text. keras-bert-zoo vocab makes one of a corpus.[/yellow]"
        )


def tokenizer_directory(name: str) -> Any:
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

    counts = shards.manifest["counts"]
    table = Table("", "number", title=str(shards.directory))
    table.columns[1].justify = "right"
    for name, number in counts.items():
        table.add_row(name.replace("_", " "), f"{number:,}")
    table.add_row("tokens a document", f"{counts['tokens'] / counts['documents']:.1f}")
    table.add_row("unknown tokens, %", f"{_percent_unknown(shards):.3f}")
    table.add_row("shards", f"{len(shards):,}")
    return table


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
    parser.add_class_arguments(PrepareOptions, as_group=False)
    values = parser.parse_args(argv).as_dict()
    own = {name: values.pop(name) for name in ("corpus", "output", "tokenizer", "workers")}
    prepare(**own, options=PrepareOptions(**values))

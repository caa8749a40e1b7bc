"""``keras-bert-zoo vocab``: a WordPiece vocabulary of a corpus."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keras_bert_zoo.corpus.vocabulary import VocabularyOptions


def vocab(corpus: Sequence[str], *, output: str, options: VocabularyOptions) -> None:
    """Train a WordPiece vocabulary on a corpus.

    The arguments are those of the command line.
    """
    import rich

    from keras_bert_zoo.commands.corpus_progress import reading
    from keras_bert_zoo.corpus.sources import find
    from keras_bert_zoo.corpus.vocabulary import check_output, save, train

    check_output(output)
    with reading(find(corpus), times=2) as report:
        source = train(corpus, options, report=report)
    save(source, output)
    size = len(source.words)
    rich.print(f"{output}: {size:,} tokens")
    if size < options.size:
        rich.print(
            f"[yellow]The corpus gave no more than that: {options.size:,} were asked for. Lower "
            "size to it, or min_frequency for more.[/yellow]"
        )


def main(argv: Sequence[str] | None = None) -> None:
    """Parses the arguments of the command and runs it."""
    import jsonargparse

    from keras_bert_zoo.corpus.vocabulary import VocabularyOptions

    description = (vocab.__doc__ or "").splitlines()[0]
    parser = jsonargparse.ArgumentParser(prog="keras-bert-zoo vocab", description=description)
    add = parser.add_argument
    add("corpus", nargs="+", help="files, directories, patterns such as 'wiki/*.gz'")
    add("--output", required=True, help="directory that receives the tokenizer")
    parser.add_class_arguments(VocabularyOptions, as_group=False)
    values = parser.parse_args(argv).as_dict()
    own = {name: values.pop(name) for name in ("corpus", "output")}
    vocab(**own, options=VocabularyOptions(**values))

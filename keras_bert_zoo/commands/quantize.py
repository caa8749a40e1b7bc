"""``keras-bert-zoo quantize``: the smallest TFLite file that is good enough on your texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keras_bert_zoo.data.text_files import TextTable
    from keras_bert_zoo.export.search.trials import Search


def quantize(
    bundle: str,
    *,
    data: str,
    table: TextTable,
    output: str,
    limit: int | None = None,
    lengths: str | None = None,
    **options: Any,
) -> None:
    """Search recipes and mixtures of 4 and 8 bits for the smallest file within a budget.

    The arguments are those of the command line.
    """
    import rich

    from keras_bert_zoo import zoo
    from keras_bert_zoo.checkpoints import purpose, sources
    from keras_bert_zoo.commands.export import numbers
    from keras_bert_zoo.commands.verify import read_examples
    from keras_bert_zoo.export.search.quantization import quantize as search_and_export

    config = purpose.config_of(sources.resolve(zoo.resolve(bundle)))
    examples = read_examples(config, table, data, limit)
    tokens = numbers("lengths", lengths)
    artifact, found = search_and_export(bundle, output, examples, lengths=tokens, **options)
    rich.print(_table(found))
    rich.print(f"{artifact.file}, {artifact.size / 1e6:.1f} MB: {found.best.name}")
    try:
        from keras_bert_zoo.export.search.picture import draw
    except ImportError:
        rich.print("No picture: it needs matplotlib (pip install keras-bert-zoo[quickstart]).")
    else:
        rich.print(draw(found, artifact.path / "search.png"))


def _table(found: Search) -> Any:
    from rich.table import Table

    caption = f"{found.texts:,} texts; budget {found.max_drop} points"
    table = Table("tried", "MB", found.metric, "drop", "p50 ms", caption=caption)
    for trial in found.trials:
        table.add_row(
            trial.name,
            f"{trial.size / 1e6:.1f}",
            f"{trial.quality:.4f}",
            f"{trial.drop:+.2f}",
            f"{trial.milliseconds:.1f}",
            style="bold" if trial == found.best else None,
        )
    return table


def main(argv: Sequence[str] | None = None) -> None:
    """Parses the arguments of the command and runs it."""
    import jsonargparse

    from keras_bert_zoo.commands.table_options import add_table_options, take_table

    description = (quantize.__doc__ or "").splitlines()[0]
    parser = jsonargparse.ArgumentParser(prog="keras-bert-zoo quantize", description=description)
    add = parser.add_argument
    add("bundle", help="directory, hf://org/name, package://name/folder or short name of the zoo")
    add("--output", required=True, help="directory that receives tflite-mixed/")
    add("--data", required=True, help=".csv, .tsv or .jsonl to judge files with, or tweets://…")
    add_table_options(parser, empty_texts="error")
    add("--limit", type=int | None, help="number of rows, from the first; all by default")
    add("--max_drop", type=float, default=0.5, help="of the metric, in points (hundredths)")
    add("--goal", default="size", help="size or speed")
    add("--lengths", type=str | None, help="tokens in a row, e.g. 128 or 32,64; open by default")
    add("--threads", type=int | None, help="of the runtime; one per processor by default")
    add("--overwrite", action="store_true", help="replace an artifact that exists")
    options = vars(parser.parse_args(argv))
    quantize(table=take_table(options), **options)

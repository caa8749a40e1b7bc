"""``keras-bert-zoo export``: a bundle to the formats that servers, phones and browsers run."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keras_bert_zoo.data.text_files import TextTable


def export(
    bundle: str,
    *,
    output: str,
    formats: str | None = None,
    task: str | None = None,
    lengths: str | None = None,
    metadata: str | None = None,
    normalize: bool = False,
    data: str | None = None,
    table: TextTable,
    min_fidelity: float,
    generation: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> None:
    """Export a bundle; each format becomes a directory of its own.

    The arguments are those of the command line.
    """
    import rich

    from keras_bert_zoo.data.examples import Examples
    from keras_bert_zoo.export.conversion import export as export_bundle

    options: dict[str, Any] = {
        "metadata": metadata,
        "normalize": normalize,
        "min_fidelity": min_fidelity,
        "generation": generation,
    }
    if data is not None:
        rows = table.read(data)
        options["examples"] = Examples(rows.texts, rows.text_pairs)
    names, tokens = formats and _words(formats), numbers("lengths", lengths)
    for artifact in export_bundle(
        bundle, output, names, task=task, lengths=tokens, overwrite=overwrite, **options
    ):
        size = f"{artifact.size / 1e6:.1f} MB"
        found = artifact.fidelity
        lost = f", {'[yellow]' if found.notes else ''}{found}" if found else ""
        rich.print(f"{artifact.format}: {artifact.file}, {size}{lost}")


def numbers(name: str, values: str | None) -> list[int] | None:
    """Reads ``"32,64,128"``; the name of the option is for the message."""
    if values is None:
        return None
    parts = _words(values)
    if not parts or not all(part.isdecimal() for part in parts):
        raise ValueError(f"{name} must be numbers, e.g. 32,64,128, received {values!r}")
    return [int(part) for part in parts]


def _words(values: str) -> list[str]:
    """What commas, spaces or both separate, in brackets too as recipes write lists."""
    return re.sub("[][,]", " ", values).split()


def _formats_joined(words: Sequence[str]) -> list[str]:
    """``--formats tflite onnx`` means ``--formats tflite,onnx``."""
    from keras_bert_zoo.export.formats import KNOWN_FORMATS

    joined: list[str] = []
    for word in words:
        names = _words(word)
        follows = len(joined) > 1 and joined[-2] == "--formats"
        if follows and names and all(name in KNOWN_FORMATS for name in names):
            joined[-1] = ",".join([*_words(joined[-1]), *names])
        else:
            joined.append(word)
    return joined


def main(argv: Sequence[str] | None = None) -> None:
    """Parses the arguments of the command and runs it."""
    import jsonargparse

    from keras_bert_zoo.commands.table_options import add_table_options, take_table
    from keras_bert_zoo.export.fidelity import LEAST
    from keras_bert_zoo.export.formats import ENCODERS, WRITERS

    description = (export.__doc__ or "").splitlines()[0]
    parser = jsonargparse.ArgumentParser(prog="keras-bert-zoo export", description=description)
    add = parser.add_argument
    add("bundle", help="directory, hf://org/name, package://name/folder or short name of the zoo")
    add("--output", required=True, help="directory that receives one directory per format")
    formats = "; ".join(
        f"of {kind.name} {', '.join(kind.formats)} (by default {','.join(kind.defaults)})"
        for kind in (ENCODERS, *WRITERS.values())
    )
    add("--formats", type=str | None, help=f"separated by commas or spaces; {formats}")
    task = "masked_lm or next_sentence of a pretrained bundle; else what it was fine-tuned for"
    add("--task", type=str | None, help=task)
    tokens = "tokens in a row of the TFLite files, e.g. 128 or 32,64,128; open by default"
    add("--lengths", type=str | None, help=tokens)
    metadata = "mediapipe: TFLite files that MediaPipe Tasks load; needs one of --lengths"
    add("--metadata", type=str | None, help=metadata)
    normalize = "divide the embeddings of such files by their length"
    add("--normalize", action="store_true", help=normalize)
    data = ".csv, .tsv or .jsonl of real texts, or tweets://…: the static formats need them"
    add("--data", type=str | None, help=data)
    add_table_options(parser, empty_texts="drop")
    parser.set_defaults(label_column=None)
    least = "static formats whose figure on half of the texts is below are refused"
    add("--min_fidelity", type=float, default=LEAST, help=least)
    writes = "how a model writes, e.g. '{max_new_tokens: 64, num_beams: 4}'"
    add("--generation", type=dict[str, Any] | None, help=writes)
    add("--overwrite", action="store_true", help="replace artifacts that exist")
    options = vars(parser.parse_args(_formats_joined(sys.argv[1:] if argv is None else argv)))
    export(table=take_table(options), **options)

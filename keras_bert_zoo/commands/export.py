"""``keras-bert-zoo export``: a bundle to the formats that servers, phones and browsers run."""

from __future__ import annotations

from collections.abc import Sequence


def export(
    bundle: str,
    *,
    output: str,
    formats: str,
    lengths: str | None = None,
    metadata: str | None = None,
    normalize: bool = False,
    overwrite: bool = False,
) -> None:
    """Export a bundle; each format becomes a directory of its own.

    The arguments are those of the command line.
    """
    import rich

    from keras_bert_zoo.export.conversion import export as export_bundle

    names, options = formats.split(","), {"metadata": metadata, "normalize": normalize}
    for artifact in export_bundle(
        bundle, output, names, lengths=numbers("lengths", lengths), overwrite=overwrite, **options
    ):
        rich.print(f"{artifact.format}: {artifact.file}, {artifact.size / 1e6:.1f} MB")


def numbers(name: str, values: str | None) -> list[int] | None:
    """Reads ``"32,64,128"``; the name of the option is for the message."""
    parts = None if values is None else values.split(",")
    if parts is not None and not all(part.strip().isdecimal() for part in parts):
        raise ValueError(f"{name} must be numbers, e.g. 32,64,128, received {values!r}")
    return None if parts is None else [int(part) for part in parts]


def main(argv: Sequence[str] | None = None) -> None:
    """Parses the arguments of the command and runs it."""
    import jsonargparse

    from keras_bert_zoo.export.formats import DEFAULT_FORMATS, FORMATS

    description = (export.__doc__ or "").splitlines()[0]
    parser = jsonargparse.ArgumentParser(prog="keras-bert-zoo export", description=description)
    add = parser.add_argument
    add("bundle", help="directory, hf://org/name, package://name/folder or short name of the zoo")
    add("--output", required=True, help="directory that receives one directory per format")
    formats = f"separated by commas, of {', '.join(FORMATS)}"
    add("--formats", default=",".join(DEFAULT_FORMATS), help=formats)
    tokens = "tokens in a row of the TFLite files, e.g. 128 or 32,64,128; open by default"
    add("--lengths", type=str | None, help=tokens)
    metadata = "mediapipe: TFLite files that MediaPipe Tasks load; needs one of --lengths"
    add("--metadata", type=str | None, help=metadata)
    normalize = "divide the embeddings of such files by their length"
    add("--normalize", action="store_true", help=normalize)
    add("--overwrite", action="store_true", help="replace artifacts that exist")
    export(**vars(parser.parse_args(argv)))

"""The directory that a bundle is written to: what it may hold already."""

from __future__ import annotations

import fnmatch
import pathlib
from collections.abc import Iterable

from keras_bert_zoo.checkpoints import hugging_face, sources
from keras_bert_zoo.checkpoints.sentence_transformers import WRITTEN

# What `conversion` says it did, beside what it wrote.
MANIFEST = "conversion.json"
_WRITTEN = {
    hugging_face.CONFIG,
    hugging_face.WEIGHTS,
    "README.md",
    MANIFEST,
    *sources.TOKENIZER_FILES,
    *WRITTEN,
}


def check_target(directory: pathlib.Path, overwrite: bool, also: Iterable[str] = ()) -> None:
    """Raises what ``save`` would raise of a directory, before there is something to save.

    Args:
        directory: that is to be written.
        overwrite: whether a bundle in it may be replaced.
        also: patterns of further files that may be.
    """
    if not directory.exists():
        return
    if not directory.is_dir():
        raise FileExistsError(f"directory {str(directory)!r} is a file.")
    found = {path.name for path in directory.iterdir()}
    if found and not overwrite:
        raise FileExistsError(
            f"directory {str(directory)!r} exists and is not empty. Pass overwrite=True "
            "(--overwrite) to replace the bundle in it, or another directory."
        )
    replaceable = (*_WRITTEN, *also)
    others = sorted(n for n in found if not any(fnmatch.fnmatch(n, p) for p in replaceable))
    if others:
        raise FileExistsError(
            f"directory {str(directory)!r} holds {others}, which replacing the bundle would "
            "delete. Move them, or pass another directory."
        )

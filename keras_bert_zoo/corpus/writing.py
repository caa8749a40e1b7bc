"""Documents to the files of a directory of shards; see ``shards`` for what they hold."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import pathlib
from collections.abc import Sequence
from typing import Any

import safetensors.numpy

from keras_bert_zoo.atomic import write_bytes, write_text
from keras_bert_zoo.corpus.arrays import joined
from keras_bert_zoo.corpus.choosing import Kept, count
from keras_bert_zoo.corpus.counts import Counts
from keras_bert_zoo.corpus.shards import FORMAT, MANIFEST, TOKENIZER, vocabulary_digest
from keras_bert_zoo.tokenizers.options import SPECIAL_TOKENS
from keras_bert_zoo.tokenizers.source import TokenizerSource
from keras_bert_zoo.tokenizers.wordpiece_files import WordPieceFiles
from keras_bert_zoo.tokenizers.wordpiece_options import WordPieceOptions

HELD_OUT = "held_out"
_SIDES = ("", HELD_OUT)
# Of a shard's counts; the others are of documents that are in none.
_IN_SHARDS = ("documents", "sentences", "tokens", "unknown_tokens")
# What the manifest says of a shard, by side; a side without documents has none.
Written = dict[str, dict[str, Any]]


@dataclasses.dataclass(frozen=True)
class Target:
    """A directory that receives shards.

    Args:
        directory: of the shards.
        source: of the tokenizer they are made with.
    """

    directory: pathlib.Path
    source: TokenizerSource[WordPieceOptions]

    @property
    def unknown(self) -> int:
        """Id of the unknown token."""
        return self.source.ids[self.source.options.unk_token]

    def write_shards(self, number: int, units: Sequence[Kept]) -> Written:
        """Writes the documents of some units: one shard for each side."""
        written = {}
        for index, side in enumerate(_SIDES):
            documents = joined([unit.sides[index] for unit in units])
            if not len(documents):
                continue
            path = self.directory / side / f"shard-{number:05}.safetensors"
            content = safetensors.numpy.save(documents.arrays(), {"format": FORMAT})
            write_bytes(path, content)
            counts = count(documents, self.unknown).as_dict()
            written[side] = {
                "file": path.name,
                "bytes": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
                **{name: counts[name] for name in _IN_SHARDS},
            }
        return written

    def write_manifests(self, written: Sequence[Written], counts: Counts, run: Any) -> None:
        """Writes the manifest of the shards held out, if there are some, and then that of all.

        Args:
            written: what ``write_shards`` returned, in the order of numbers.
            counts: of the corpus.
            run: what else the manifest says of the run.
        """
        for side in reversed(_SIDES):
            shards = [each[side] for each in written if side in each]
            if not shards:
                continue
            inside = {name: sum(shard[name] for shard in shards) for name in _IN_SHARDS}
            directory = self.directory / side
            WordPieceFiles().write(self.source, directory / TOKENIZER)
            manifest = {
                "format": FORMAT,
                **describe(self.source),
                **run,
                "counts": inside if side else counts.as_dict(),
                "shards": shards,
            }
            write_text(directory / MANIFEST, json.dumps(manifest, indent=1) + "\n")


def describe(source: TokenizerSource[WordPieceOptions]) -> dict[str, Any]:
    """What the manifest says of the tokenizer."""
    options = vars(source.options)
    return {
        "vocabulary": vocabulary_digest(source.words),
        "vocab_size": len(source.vocabulary),
        "special_tokens": {name: source.ids[options[name]] for name in SPECIAL_TOKENS},
        "lower_case": options["do_lower_case"],
        "strip_accents": options["strip_accents"],
        "chinese_characters": options["tokenize_chinese_chars"],
    }

"""Counts the lines of text files that our tokenizer and the reference cut differently.

Compares ids and character offsets with ``tokenizers`` over one vocabulary, with every line
of every file as one text, cased and uncased:

    python benchmarks/tokenizer_parity.py --vocabulary vocab.txt corpus.txt.gz reviews.txt
"""

from __future__ import annotations

import argparse
import dataclasses
import gzip
import itertools
import json
import pathlib
from collections.abc import Iterable, Iterator

import tokenizers
from tokenizers import AddedToken, BertWordPieceTokenizer

from keras_bert_zoo.tokenizers import WordPieceTokenizer

SPECIALS = ("[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]")
BATCH = 2048


@dataclasses.dataclass
class Count:
    """What one file gave."""

    file: str
    lower_case: bool
    lines: int = 0
    tokens: int = 0
    different_ids: int = 0
    different_offsets: int = 0


def read_lines(path: pathlib.Path) -> list[str]:
    content = path.read_bytes()
    content = gzip.decompress(content) if path.suffix == ".gz" else content
    return content.decode("utf-8", "replace").split("\n")


def batches(lines: list[str]) -> Iterator[list[str]]:
    iterator = iter(lines)
    while batch := list(itertools.islice(iterator, BATCH)):
        yield batch


def reference(vocabulary: list[str], lower_case: bool) -> BertWordPieceTokenizer:
    ids = {token: index for index, token in enumerate(vocabulary)}
    built = BertWordPieceTokenizer(ids, lowercase=lower_case)
    built.add_special_tokens([AddedToken(token, normalized=False) for token in SPECIALS])
    return built


def compare(path: pathlib.Path, vocabulary: list[str], lower_case: bool) -> Count:
    count = Count(path.name, lower_case)
    theirs = reference(vocabulary, lower_case)
    ours = WordPieceTokenizer(vocabulary, do_lower_case=lower_case)
    for lines in batches(read_lines(path)):
        got = ours(lines, return_offsets_mapping=True)
        ids, offsets = got["input_ids"].to_list(), got["offset_mapping"].to_list()
        for i, encoding in enumerate(theirs.encode_batch(lines)):
            count.lines += 1
            count.tokens += len(encoding.ids)
            count.different_ids += encoding.ids != ids[i]
            count.different_offsets += [list(span) for span in encoding.offsets] != offsets[i]
    return count


def main(arguments: Iterable[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=pathlib.Path)
    parser.add_argument("--vocabulary", required=True, type=pathlib.Path)
    options = parser.parse_args(arguments)
    vocabulary = options.vocabulary.read_text(encoding="utf-8").rstrip("\n").split("\n")
    print(json.dumps({"tokenizers": tokenizers.__version__, "vocabulary": len(vocabulary)}))
    for path, lower_case in itertools.product(options.files, (False, True)):
        print(json.dumps(dataclasses.asdict(compare(path, vocabulary, lower_case))), flush=True)


if __name__ == "__main__":
    main()

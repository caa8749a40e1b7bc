"""What Debian's packages are in a line, and at length, for ``packages-abstractive``.

    python benchmarks/quality/package_summaries.py [--output data/packages]

Every package is described by its maintainer in a line of a few words, the summary, and in
paragraphs, the text; apt's lists have both. A source has many packages with nearly the same
descriptions ("This package contains the documentation."), so one is taken of each: the one with
its name, else the one with the longest text. Transitional packages, texts of fewer than ``WORDS``
words, and those that have the text or the line of another one are left out. What is left is split
by a hash of the source's name.
"""

from __future__ import annotations

import argparse
import collections
import email.parser
import json
import pathlib
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from email.message import Message

from splits import SHARES, split_of

from keras_bert_zoo.atomic import write_text

WORDS = 15
Document = dict[str, str]


def lists(folder: pathlib.Path) -> Iterator[tuple[str, str]]:
    """Downloads apt's lists into a folder: what each is, and its text."""
    apt = ["-o", f"Dir::State::Lists={folder}", "-o", "Acquire::Languages=en"]
    (folder / "partial").mkdir(parents=True)
    subprocess.run(["apt-get", *apt, "update", "-qq"], check=True)
    command = ["apt-get", *apt, "indextargets", "--format", "$(CREATED_BY) $(FILENAME)"]
    for line in _output(command).splitlines():
        kind, path = line.split(" ", 1)
        yield kind, _output(["/usr/lib/apt/apt-helper", "cat-file", path])


def _output(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout


def records(text: str) -> Iterator[Message]:
    """The records of a list, which stand between empty lines."""
    for record in text.split("\n\n"):
        if record.strip():
            yield email.parser.HeaderParser().parsestr(record)


def sources_of(found: Iterable[Message]) -> dict[str, str]:
    """The source of each package; what names none has its own name."""
    names = ((record["Package"], record["Source"]) for record in found)
    return {package: (source or package).split()[0] for package, source in names}


def document_of(description: str) -> Document:
    """The summary and the text of a description: a line, and lines that begin with a space."""
    summary, _, text = description.partition("\n")
    paragraphs: list[list[str]] = [[]]
    for line in text.splitlines():
        words = line.split()
        if words == ["."]:
            paragraphs.append([])
        else:
            paragraphs[-1] += words
    return {
        "text": "\n\n".join(" ".join(words) for words in paragraphs if words),
        "summary": " ".join(summary.split()),
    }


def chosen(
    described: Iterable[tuple[str, Document]], sources: dict[str, str]
) -> tuple[dict[str, Document], dict[str, int]]:
    """A description of each source, and how many were there and were left out.

    Args:
        described: names of packages, and what is said of them.
        sources: of packages.
    """
    counts = dict.fromkeys(("packages", "sources", "transitional", "short", "repeated"), 0)
    best: dict[str, tuple[tuple[bool, int, str], Document]] = {}
    for package, document in described:
        counts["packages"] += 1
        source = sources.get(package, package)
        rank = (package == source, len(document["text"]), package)
        if source not in best or rank > best[source][0]:
            best[source] = rank, document
    counts["sources"] = len(best)
    left: dict[str, Document] = {}
    seen: collections.defaultdict[str, set[str]] = collections.defaultdict(set)
    for source, (_, document) in sorted(best.items()):
        if "transitional" in document["summary"].lower():
            counts["transitional"] += 1
        elif len(document["text"].split()) < WORDS:
            counts["short"] += 1
        elif any(value in seen[name] for name, value in document.items()):
            counts["repeated"] += 1
        else:
            left[source] = document
            for name, value in document.items():
                seen[name].add(value)
    return left, counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=pathlib.Path, default="data/packages")
    options = parser.parse_args()
    sources: dict[str, str] = {}
    described: dict[str, Document] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for kind, text in lists(pathlib.Path(scratch) / "lists"):
            if kind == "Packages":
                sources |= sources_of(records(text))
            else:
                found = ((r["Package"], r["Description-en"]) for r in records(text))
                described |= {name: document_of(value) for name, value in found if value}
    documents, counts = chosen(described.items(), sources)
    splits: dict[str, list[str]] = {split: [] for split in SHARES}
    for source, document in documents.items():
        line = json.dumps({"id": source, **document}, ensure_ascii=False)
        splits[split_of(source)].append(line)
    for split, lines in splits.items():
        write_text(options.output / f"{split}.jsonl", "".join(f"{line}\n" for line in lines))
        counts[split] = len(lines)
    for name, count in counts.items():
        print(f"{count:7,} {name}")


if __name__ == "__main__":
    main()

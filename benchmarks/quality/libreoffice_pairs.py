"""Pairs of English and Chinese of LibreOffice's help pages, for ``translate-libreoffice``.

    python benchmarks/quality/libreoffice_pairs.py [--output data/libreoffice] [--pages FOLDER]

The pages are those of two Debian packages; without ``--pages``, the folder with ``en-US`` and
``zh-CN``, the packages are downloaded and unpacked. Both languages of a page have the same
paragraphs and headings with the same ids, and a paragraph is a row. What it leaves out:

- paragraphs without Chinese on the Chinese side: code, and what nobody translated;
- repeated sources: one stands once, with its most frequent translation.

A page is in one split, chosen by a hash of its name. A source on pages of several splits belongs
to the first of training, validation and test: nothing that is tested was learned, and what is
common stays in training.
"""

from __future__ import annotations

import argparse
import collections
import pathlib
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator

# Of sacrebleu, which the project needs.
import lxml.html
from splits import SHARES, split_of

from keras_bert_zoo.atomic import write_text
from keras_bert_zoo.corpus.sentences import CHINESE

LANGUAGES = ("en-US", "zh-CN")
PACKAGES = ("libreoffice-help-en-us", "libreoffice-help-zh-cn")
_UNPACKED = "usr/share/libreoffice/help"
_PARAGRAPHS = '//*[starts-with(@id, "par_id") or starts-with(@id, "hd_id")]'
# Alternatives, one of which the browser shows: of a system, or of one of the programs.
_SWITCHES = './/span[@class="switchinline"]'

Pair = tuple[str, str]


def unpack(folder: pathlib.Path) -> pathlib.Path:
    """Downloads and unpacks the packages; the folder of the pages."""
    subprocess.run(["apt-get", "download", *PACKAGES], cwd=folder, check=True)
    for package in folder.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", str(package), str(folder)], check=True)
    return folder / _UNPACKED


def paragraphs(page: str) -> dict[str, list[str]]:
    """The texts of a page by id; an id of a passage that is shown twice has several."""
    found = collections.defaultdict(list)
    for element in lxml.html.document_fromstring(page).xpath(_PARAGRAPHS):
        for switch in element.xpath(_SWITCHES):
            _choose(switch)
        for line in element.iter("br"):
            line.tail = f" {line.tail or ''}"
        found[element.get("id")].append(" ".join(element.text_content().split()))
    return found


def _choose(switch: lxml.html.HtmlElement) -> None:
    """Leaves one alternative: what is shown by default, which is the last one."""
    for other in switch[:-1]:
        switch.remove(other)


def aligned(source: str, target: str) -> Iterator[Pair]:
    """The paragraphs that stand equally often on both sides of a page."""
    sides = paragraphs(source), paragraphs(target)
    for name in sides[0]:
        texts = [side.get(name, []) for side in sides]
        if len(texts[0]) == len(texts[1]):
            yield from zip(*texts, strict=True)


def pages(folder: pathlib.Path) -> Iterator[tuple[str, list[Pair]]]:
    """The pages of both languages, in the order of their names, with their pairs."""
    first, second = (folder / language for language in LANGUAGES)
    for path in sorted((first / "text").rglob("*.html")):
        name = path.relative_to(first)
        if (second / name).is_file():
            sides = ((side / name).read_text(encoding="utf-8") for side in (first, second))
            yield name.as_posix(), list(aligned(*sides))


def splits_of(
    found: Iterable[tuple[str, list[Pair]]],
) -> tuple[dict[str, list[Pair]], dict[str, int]]:
    """The pairs of each split, and how many were there and were left out.

    Args:
        found: pages with their pairs.
    """
    counts = dict.fromkeys(("pages", "aligned", "identical", "without Chinese", "repeated"), 0)
    chosen: dict[str, str] = {}
    targets: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for page, pairs in found:
        split = split_of(page)
        counts["pages"] += 1
        for source, target in pairs:
            counts["aligned"] += 1
            if source == target:
                counts["identical"] += 1
            elif not source or not re.search(f"[{CHINESE}]", target):
                counts["without Chinese"] += 1
            else:
                counts["repeated"] += source in targets
                chosen[source] = min(split, chosen.get(source, split), key=list(SHARES).index)
                targets[source][target] += 1
    splits: dict[str, list[Pair]] = {split: [] for split in SHARES}
    for source, split in chosen.items():
        splits[split].append((source, targets[source].most_common(1)[0][0]))
    return splits, counts


def write(splits: dict[str, list[Pair]], folder: pathlib.Path) -> None:
    """Writes a table of each split, and the lines of the training texts in both languages."""
    for split, pairs in splits.items():
        # White space inside texts is single spaces, and quotes are ordinary characters.
        rows = (f"{a}\t{b}\n" for a, b in [("source", "target"), *pairs])
        write_text(folder / f"{split}.tsv", "".join(rows))
    write_text(folder / "train.txt", "".join(f"{a}\n{b}\n" for a, b in splits["train"]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=pathlib.Path, default="data/libreoffice")
    parser.add_argument("--pages", type=pathlib.Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        splits, counts = splits_of(pages(options.pages or unpack(pathlib.Path(scratch))))
    write(splits, options.output)
    for name, count in {**counts, **{split: len(pairs) for split, pairs in splits.items()}}.items():
        print(f"{count:7,} {name}")


if __name__ == "__main__":
    main()

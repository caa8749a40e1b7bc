"""Summaries of packages, of apt's lists."""

from __future__ import annotations

import package_summaries as packages

PACKAGES = """Package: one
Version: 1
Description: first

Package: one-dev
Source: one
Version: 1

Package: two-bin
Source: two (1:2.0+b1)
Description: second
"""
DESCRIPTIONS = """Package: one
Description-md5: 0
Description-en: counts  things
 One counts
 things.
 .
   * fast
 .
 It is small.

Package: two-bin
Description-en: writes
"""
LONG = " ".join(map(str, range(packages.WORDS)))


def document(summary, text=LONG):
    return {"text": text, "summary": summary}


def test_sources_are_named_or_the_packages_own():
    found = packages.sources_of(packages.records(PACKAGES))
    assert found == {"one": "one", "one-dev": "one", "two-bin": "two"}


def test_descriptions_are_a_line_and_paragraphs():
    found = [r["Description-en"] for r in packages.records(DESCRIPTIONS)]
    assert packages.document_of(found[0]) == document(
        "counts things", "One counts things.\n\n* fast\n\nIt is small."
    )
    assert packages.document_of(found[1]) == document("writes", "")


def test_a_source_has_one_package_and_no_text_twice():
    described = {
        "a-doc": document("documents", LONG + " and more"),
        "a": document("of its name", LONG),
        "b-one": document("short text", LONG + " x"),
        "b-two": document("long text", LONG + " x y"),
        "c": document("the same text", LONG),
        "d": document("long text", LONG + " other"),
        "e": document("Transitional package", LONG + " e"),
        "f": document("few words", "no more"),
        "unknown": document("has no source", LONG + " z"),
    }
    sources = {"a-doc": "a", "b-one": "b", "b-two": "b", **{x: x for x in "acdef"}}
    found, counts = packages.chosen(described.items(), sources)
    assert {name: each["summary"] for name, each in found.items()} == {
        "a": "of its name", "b": "long text", "unknown": "has no source",
    }  # fmt: skip
    assert counts == {
        "packages": 9, "sources": 7, "transitional": 1, "short": 1, "repeated": 2,
    }  # fmt: skip

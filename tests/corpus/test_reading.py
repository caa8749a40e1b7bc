"""Files to units of work."""

from __future__ import annotations

import gzip
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_bert_zoo.corpus import reading
from keras_bert_zoo.corpus.documents import read_text
from keras_bert_zoo.corpus.formats import FORMATS
from keras_bert_zoo.corpus.reading import Reader
from keras_bert_zoo.corpus.sentences import SENTENCE
from keras_bert_zoo.corpus.sources import CorpusError, Source, find

TEXTS = st.lists(
    st.sampled_from(
        ["a word", "好。", "é", "end. ", "\n", "\n\n", "\r\n", " \n", "\n\n\n", "x" * 30]
    )
).map("".join)
PLAIN = ("sentences", "documents", "paragraphs", "text")


def read(paths, **options):
    reader = Reader(**options)
    sources = find([str(path) for path in paths])
    return [unit for group in reader.groups(sources) for unit in reader.units(group)]


def parts(units):
    return list(itertools.chain.from_iterable(unit.parts for unit in units))


@settings(deadline=None, max_examples=50)
@given(
    st.lists(TEXTS.filter(bool), min_size=1, max_size=4), st.sampled_from(PLAIN), st.integers(5, 80)
)
def test_parts_are_the_files(tmp_path_factory, texts, kind, size):
    folder = tmp_path_factory.mktemp("corpus")
    for number, text in enumerate(texts):
        (folder / f"{number}.txt").write_text(text, "utf-8", newline="")
    units = read([folder], format=kind, unit=size)
    for number, text in enumerate(texts):
        own = [part for part in parts(units) if part.name.endswith(f"{number}.txt")]
        assert b"".join(part.data for part in own) == text.encode()
        ends = list(itertools.accumulate(len(part.data) for part in own))
        assert [part.offset for part in own] == [0, *ends[:-1]]
        for part in own:
            part.data.decode()  # no character is cut
    assert all(unit.size <= size for unit in units)
    assert sum(unit.disk for unit in units) == sum(len(text.encode()) for text in texts)


@settings(deadline=None, max_examples=50)
@given(TEXTS, st.sampled_from(PLAIN), st.integers(30, 200))
def test_documents_are_the_same_however_the_file_is_cut(tmp_path_factory, text, kind, size):
    path = tmp_path_factory.mktemp("corpus") / "text.txt"
    path.write_text(f"begin\n\n\n{text}", "utf-8", newline="")
    whole = documents(read([path], format=kind))
    if max((len(each.encode()) for each in whole), default=0) * 2 < size:
        assert documents(read([path], format=kind, unit=size)) == whole


def documents(units):
    return [document for part in parts(units) for document in read_text(part).documents()]


def test_a_document_longer_than_a_unit_is_cut_at_a_line_a_word_or_a_character(tmp_path):
    for text, ends in (("ab cd\nef gh ij kl", b"\n"), ("ab cd ef gh ij kl", b" ")):
        path = tmp_path / "text.txt"
        path.write_text(text)
        assert parts(read([path], unit=10))[0].data.endswith(ends)
    path.write_text("好" * 100, "utf-8")
    assert [len(part.data) for part in parts(read([path], unit=10))] == [9] * 33 + [3]


def test_broken_bytes_do_not_stop_the_cutting(tmp_path):
    path = tmp_path / "text.txt"
    path.write_bytes(b"words " * 20_000 + b"\x80" * 1000)
    assert b"".join(part.data for part in parts(read([path], unit=64))) == path.read_bytes()


def test_small_files_share_a_unit_and_a_large_one_has_its_own(tmp_path):
    for number, size in enumerate((10, 10, 100, 10, 0, 10)):
        (tmp_path / f"{number}").write_text("x" * size)
    reader = Reader(unit=30)
    groups = reader.groups(find([str(tmp_path)]))
    names = [[source.name[-1] for source in group] for group in groups]
    assert names == [["0", "1"], ["2"], ["3", "4", "5"]]


def test_lines_of_json_are_whole(tmp_path):
    path = tmp_path / "text.jsonl"
    path.write_text("".join(f'{{"text": "{"x" * n}"}}\n' for n in range(50)))
    for part in parts(read([path], unit=100)):
        assert part.format == "jsonl"
        assert part.data.endswith(b"}\n")


def test_a_line_of_json_that_is_too_long_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "LONGEST_LINE", 1000)
    path = tmp_path / "text.jsonl"
    path.write_text('{"text": "' + "x" * 5000 + '"}\n')
    with pytest.raises(CorpusError, match=r"text\.jsonl has a line of more than"):
        read([path], unit=100)


def test_gzip_is_unpacked_and_its_damage_is_named(tmp_path):
    path = tmp_path / "text.txt.gz"
    path.write_bytes(gzip.compress(b"one two\n" * 100_000))
    assert sum(unit.size for unit in read([path], unit=1000)) == 800_000
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CorpusError, match=r"text\.txt\.gz is a damaged gzip file"):
        read([path], unit=1000)
    path.write_bytes(b"not gzip at all")
    with pytest.raises(CorpusError, match="damaged gzip"):
        Reader().check([Source(str(path), 15)])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04\0\0binary", "byte 4 is NUL"),
        ("text".encode("utf-16"), "NUL"),
        (("中国人民的新年" * 20).encode("gbk"), "no text in UTF-8"),
    ],
)
def test_binary_files_are_refused_by_name(tmp_path, content, message):
    path = tmp_path / "file.txt"
    path.write_bytes(content)
    with pytest.raises(CorpusError, match=rf"file\.txt is .*{message}"):
        Reader().check(find([str(path)]))


def test_formats_by_suffix(tmp_path):
    from keras_bert_zoo.corpus.formats import format_of

    names = {"a.jsonl": "jsonl", "a.jsonl.gz": "jsonl", "a.parquet": "parquet", "a.txt": "text"}
    assert {name: format_of(name, "auto") for name in names} == names
    assert format_of("a.jsonl", "documents") == "documents"
    assert set(names.values()) <= FORMATS.keys()


def test_sources_are_files_directories_and_patterns(tmp_path):
    for name in ("b.txt", "a.txt", "more/c.txt", ".hidden", "more/.x/d.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)

    def names(*arguments):
        found = find([str(tmp_path / argument) for argument in arguments])
        return [source.name.removeprefix(f"{tmp_path}/") for source in found]

    assert names(".") == ["a.txt", "b.txt", "more/c.txt"]
    assert names("b.txt", "*.txt") == ["b.txt", "a.txt"]
    assert names("**/*.txt") == ["a.txt", "b.txt", "more/c.txt"]
    with pytest.raises(CorpusError, match=r"none\.txt' names no file"):
        names("none.txt")
    (tmp_path / "empty").write_text("")
    with pytest.raises(CorpusError, match="The corpus is empty"):
        names("empty")


def test_sentence_marks_in_a_file_are_no_marks(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(f"one{SENTENCE}two\x02three")
    assert documents(read([path])) == ["one two three"]

"""Lines of a pipe are taken as they come, in blocks as large as they come."""

from __future__ import annotations

import os
import threading

import pytest

from keras_bert_zoo.commands.piped_lines import PipedLines
from keras_bert_zoo.commands.predict import blocks, questions_of


@pytest.fixture
def pipe():
    """Both ends, as a reader of lines and a function that writes."""
    reading, writing = os.pipe()
    ends = {reading, writing}

    def close():
        ends.remove(writing)
        os.close(writing)

    yield PipedLines(reading, "utf-8", "strict"), lambda data: os.write(writing, data), close
    for end in ends:
        os.close(end)


def texts(part):
    return [question["text"] for question in part]


def test_what_is_there_is_not_waited_for(pipe):
    lines, write, close = pipe
    found = blocks(questions_of(lines, pairs=False, jsonl=False), lines.ready)
    write(b"eins\r\nzwei\ndr")
    assert texts(next(found)) == ["eins", "zwei"]
    rest = "ei\nfünf\n\nsix".encode()
    write(rest[:5])  # half of a letter
    assert texts(next(found)) == ["drei"]
    write(rest[5:])
    close()
    assert [texts(part) for part in found] == [["fünf", "", "six"]]


def test_a_pipe_that_is_full_makes_full_blocks(pipe):
    lines, write, close = pipe

    def fill():
        for start in range(0, 5000, 100):
            write(
                "".join(f"{number} {'x' * 99}\n" for number in range(start, start + 100)).encode()
            )
        close()

    writer = threading.Thread(target=fill)
    writer.start()
    found = [*blocks(questions_of(lines, pairs=False, jsonl=False), lines.ready)]
    writer.join()
    assert [int(text.split()[0]) for part in found for text in texts(part)] == [*range(5000)]
    # A writer that the machine holds up may close a block early.
    assert sum(len(part) == 256 for part in found) > 10


def test_what_stands_before_a_bad_line_comes_first(pipe):
    lines, write, close = pipe
    found = blocks(questions_of(lines, pairs=False, jsonl=True), lines.ready)
    write(b'{"text": "a"}\n{"text": "b"}\n{"text": \n')
    close()
    assert texts(next(found)) == ["a", "b"]
    with pytest.raises(ValueError, match="line 3 is no JSON"):
        next(found)


def test_bytes_that_do_not_decode_spoil_their_line_alone(pipe):
    lines, write, close = pipe
    write(b"a\n\xff\n")
    close()
    assert next(lines) == "a"
    with pytest.raises(UnicodeDecodeError):
        next(lines)

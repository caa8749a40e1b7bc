"""Shards that are none: refused with the reason, whatever their manifest says."""

from __future__ import annotations

import json

import numpy as np
import pytest
import safetensors.numpy
from limits import limits
from shard_files import write_shards

from keras_bert_zoo.corpus.shards import ShardError, Shards

DOCUMENTS = [[[5, 6, 605], [7]], [[8, 9]]]


@pytest.fixture
def shards(tmp_path):
    return write_shards(tmp_path / "shards", DOCUMENTS, words=DOCUMENTS)


def rewrite(shards, changes):
    path = shards.directory / "shards.json"
    path.write_text(json.dumps({**shards.manifest, **changes}))


def entry(**changes):
    return {"file": "shard-00000.safetensors", "bytes": 1, "tokens": 6, **changes}


MANIFESTS = {
    "no list": {"shards": 3},
    "no objects": {"shards": [3]},
    "a file outside": {"shards": [entry(file="../shard-00000.safetensors")]},
    "a file by its root": {"shards": [entry(file="/etc/passwd")]},
    "no number of bytes": {"shards": [entry(bytes="many")]},
    "no number of tokens": {"shards": [entry(tokens=None)]},
    "no vocabulary": {"vocab_size": "1000"},
}


@pytest.mark.parametrize("case", MANIFESTS)
def test_a_damaged_manifest(shards, case):
    rewrite(shards, MANIFESTS[case])
    with pytest.raises(ShardError, match=r"shards\.json is damaged.*Run prepare again"):
        Shards(shards.directory)


def test_another_size(shards):
    rewrite(shards, {"shards": [entry()]})
    with pytest.raises(ShardError, match=r"lacks \['shard-00000"):
        Shards(shards.directory)


def array(*values, dtype="int32"):
    return np.array(values, dtype)


ARRAYS = {
    "an array too many": ({"more": array(1)}, r"of \['more'\] type or shape is wrong"),
    "an array too few": ({"sentence_ends": None}, r"lacks \['sentence_ends'\]"),
    "two axes": ({"input_ids": array([5, 6])}, r"of \['input_ids'\] type or shape"),
    "no tokens": ({"input_ids": array()}, r"of \['input_ids'\] type or shape"),
    "no integers": ({"input_ids": array(1, dtype="float32")}, r"of \['input_ids'\] type"),
    "negative tokens": ({"input_ids": array(5, 6, 7, 8, -1, 9)}, "ids or ends are none"),
    "tokens of no word": ({"input_ids": array(5, 6, 7, 8, 1000, 9)}, "ids or ends are none"),
    "an end before the start": ({"sentence_ends": array(-3, 4, 6)}, "ids or ends are none"),
    "an empty sentence": ({"sentence_ends": array(3, 3, 6)}, "ids or ends are none"),
    "an end behind the end": ({"document_ends": array(2, 2**31 - 1)}, "ids or ends are none"),
    "words of other tokens": (
        {"word_continues": array(0, dtype="uint8")},
        "ids or ends are none",
    ),
}


@pytest.mark.parametrize("case", ARRAYS)
def test_a_damaged_shard(shards, case):
    changes, message = ARRAYS[case]
    path = shards.files[0]
    arrays = {**safetensors.numpy.load_file(path), **changes}
    arrays = {name: values for name, values in arrays.items() if values is not None}
    safetensors.numpy.save_file(arrays, path)
    rewrite(shards, {"shards": [entry(bytes=path.stat().st_size)]})
    with limits(64, 5), pytest.raises(ShardError, match=message):
        Shards(shards.directory).open(0)


def test_a_sound_one(shards):
    assert shards.open(0).input_ids.tolist() == [5, 6, 605, 7, 8, 9]

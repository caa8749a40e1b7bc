"""Ids back to text, against the reference."""

from __future__ import annotations

import json

import hypothesis
import hypothesis.strategies as st
import pytest
from tokenizers import Tokenizer

from keras_bert_zoo.tokenizers.unigram import decoding
from keras_bert_zoo.tokenizers.unigram.pipeline import Pipeline

DECODERS = [
    {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
    {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "never", "split": True},
    {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": True},
    {"type": "Metaspace", "replacement": "e", "add_prefix_space": True},
    {"type": "Metaspace", "replacement": "▁", "add_prefix_space": True, "prepend_scheme": "never"},
]


@pytest.fixture(scope="module", params=DECODERS)
def decoder(request, make_pipeline):
    """Our source of a tokenizer with this decoder, and the reference."""
    content = make_pipeline() | {"decoder": request.param}
    return Pipeline(content), Tokenizer.from_str(json.dumps(content))


@hypothesis.given(st.lists(st.integers(0, 40) | st.integers(0, 1999), max_size=12))
@hypothesis.settings(max_examples=60, deadline=None, derandomize=True)
def test_decodes_as_the_reference(decoder, ids):
    source, theirs = decoder
    tokens = [source.vocabulary[index] for index in ids]
    special = {token.content for token in source.added_tokens if token.special}
    for skipped in (set(), special):
        expected = theirs.decode(ids, skip_special_tokens=bool(skipped))
        kept = [token for token in tokens if token not in skipped]
        assert decoding.join(kept, source.decoder, False) == expected

"""Small shards in the format of ``prepare``."""

from __future__ import annotations

import pytest
from shard_files import random_documents, write_shards


@pytest.fixture(scope="session")
def documents():
    return random_documents(300)


@pytest.fixture(scope="session")
def shards(documents, tmp_path_factory):
    """300 documents in four shards."""
    return write_shards(tmp_path_factory.mktemp("shards"), documents, per_shard=80)


@pytest.fixture(scope="session")
def save_shards():
    return write_shards

"""Small shards in the format of ``prepare``."""

from __future__ import annotations

import json

import numpy as np
import safetensors.numpy

from keras_bert_zoo.corpus import shards as format_

# Words, and pieces that go on with a word.
VOCABULARY = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    *(f"w{i}" for i in range(600)),
    *(f"##p{i}" for i in range(395)),
]
FIRST_WORD, FIRST_PIECE = 5, 605


def write_shards(directory, documents, *, per_shard=None, words=None, vocabulary=VOCABULARY):
    """Writes documents, lists of sentences, which are lists of ids; ``words`` like them."""
    from keras_bert_zoo.tokenizers import WordPieceTokenizer

    directory.mkdir(exist_ok=True)
    WordPieceTokenizer(vocabulary).save(directory / format_.TOKENIZER)
    per_shard = per_shard or len(documents)
    entries = []
    for start in range(0, len(documents), per_shard):
        part = documents[start : start + per_shard]
        arrays = arrays_of(part)
        if words is not None:
            continues = arrays_of(words[start : start + per_shard])["input_ids"]
            arrays["word_continues"] = continues.astype("uint8")
        name = f"shard-{len(entries):05}.safetensors"
        safetensors.numpy.save_file(arrays, directory / name)
        tokens, size = len(arrays["input_ids"]), (directory / name).stat().st_size
        entries.append({"file": name, "bytes": size, "tokens": tokens})
    manifest = {
        "format": format_.FORMAT,
        "vocabulary": format_.vocabulary_digest(vocabulary),
        "vocab_size": len(vocabulary),
        "shards": entries,
    }
    (directory / format_.MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    return format_.Shards(directory)


def arrays_of(documents):
    sentences = [sentence for document in documents for sentence in document]
    return {
        "input_ids": np.concatenate([np.asarray(s, "uint16") for s in sentences]),
        "sentence_ends": np.cumsum([len(s) for s in sentences]).astype("int32"),
        "document_ends": np.cumsum([len(d) for d in documents]).astype("int32"),
    }


def random_documents(count, seed=0, sentences=12, tokens=25, pieces=0.3):
    """Sentences of random words, of which some are spelled in pieces."""
    generator = np.random.default_rng(seed)

    def sentence():
        length = generator.integers(1, tokens, endpoint=True)
        ids = generator.integers(FIRST_WORD, FIRST_PIECE, length)
        parts = generator.integers(FIRST_PIECE, len(VOCABULARY), length)
        return np.where((generator.random(length) < pieces) & (np.arange(length) > 0), parts, ids)

    return [
        [sentence() for _ in range(generator.integers(1, sentences, endpoint=True))]
        for _ in range(count)
    ]

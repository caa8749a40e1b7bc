"""How much this process grows at its peak by one kind of work: prints bytes. Linux only.

python memory_process.py {predict,train} config.json BATCH LENGTH
"""

from __future__ import annotations

import pathlib
import re
import sys

import numpy as np

from keras_bert_zoo import BertAdamW, EncoderConfig, SequenceClassifier
from keras_bert_zoo.models import encoder_of


def status(key: str) -> int:
    """A line of /proc/self/status, in bytes."""
    text = pathlib.Path("/proc/self/status").read_text()
    found = re.search(rf"^{key}:\s+(\d+) kB", text, re.MULTILINE)
    assert found, key
    return int(found[1]) * 1024


def work(kind: str, config: EncoderConfig, batch: int, length: int) -> object:
    """A few steps or calls of a classifier."""
    model = SequenceClassifier(encoder_of(config))
    ids = np.random.default_rng(0).integers(1, config.vocab_size, (batch, length), "int32")
    rows = {"input_ids": ids, "attention_mask": ids * 0 + 1, "token_type_ids": ids * 0}
    if kind == "train":
        model.compile(BertAdamW(1e-4))
    for _ in range(3):
        if kind == "train":
            model.train_on_batch(rows, np.zeros(batch, "int32"))
        else:
            model.predict_on_batch(rows)
    return model


def main(kind: str, path: str, batch: str, length: str) -> None:
    config = EncoderConfig.from_file(path)
    # First what the framework takes, whatever the model.
    small = config.replace(
        vocab_size=100, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=16, embedding_size=config.embedding_size and 8,
    )  # fmt: skip
    kept = [work(kind, small, 2, 8)]
    before = status("VmRSS")
    pathlib.Path("/proc/self/clear_refs").write_text("5")  # the peak starts again
    kept.append(work(kind, config, int(batch), int(length)))
    print(status("VmHWM") - before)


if __name__ == "__main__":
    main(*sys.argv[1:])

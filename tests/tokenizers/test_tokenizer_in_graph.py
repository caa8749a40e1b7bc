"""The tokenizer inside ``tf.data``, ``tf.function`` and a SavedModel."""

from __future__ import annotations

import pytest
import tensorflow as tf
from in_graph import CALLS, operators, served_and_eager, traced_and_eager

TEXTS = ["Hello wörld [MASK]", "", "x" * 101 + " 你好！", "a\ue000b"]


@pytest.mark.parametrize("name", CALLS)
def test_graph_and_eager_agree(tokenizer, name):
    second = [f"{text} and more of it all" for text in TEXTS]
    traced, eager = traced_and_eager(tokenizer, TEXTS, second, CALLS[name])
    assert traced == eager


def test_in_a_dataset(tokenizer):
    dataset = tf.data.Dataset.from_tensor_slices(TEXTS).batch(3)
    dataset = dataset.map(lambda text: tokenizer(text, padding=True), num_parallel_calls=2)
    rows = [row for batch in dataset for row in batch["input_ids"].numpy().tolist()]
    alone = [tokenizer(text)["input_ids"].to_list()[0] for text in TEXTS]
    assert [[token for token in row if token] for row in rows] == alone


def test_nothing_of_python_is_left_in_the_graph(tokenizer):
    found = operators(tokenizer)
    foreign = {name for name in found if "FastBert" in name or "Wordpiece" in name}
    assert foreign == {"FastBertNormalize", "FastWordpieceTokenizeWithOffsets"}


# The libraries of operators are all that a server needs: no Python of tensorflow-text.
CLIENT = """
import importlib.util, json, pathlib, sys
import tensorflow as tf
folder = pathlib.Path(importlib.util.find_spec("tensorflow_text").origin).parent / "python" / "ops"
for name in ("fast_bert_normalizer", "fast_wordpiece_tokenizer", "whitespace_tokenizer_v2"):
    tf.load_op_library(str(folder / f"_{name}.so"))
encode = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
encoded = encode(text=tf.constant(json.loads(sys.argv[2])))
assert "tensorflow_text" not in sys.modules
print(json.dumps({name: values.numpy().tolist() for name, values in encoded.items()}))
"""


def test_a_saved_model_serves_the_same_ids(tokenizer, tmp_path):
    def encode(text):
        return tokenizer(text, padding=True, return_offsets_mapping=True)

    served, eager = served_and_eager(tokenizer, encode, tmp_path, TEXTS, CLIENT)
    assert served == eager

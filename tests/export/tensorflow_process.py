"""Runs a SavedModel through the session loader of whatever TensorFlow this Python has.

No keras-bert-zoo here: ``python tensorflow_process.py MODEL REQUESTS ANSWERS``, two pickles of
``[(signature, inputs), ...]`` and ``[outputs, ...]``, of lists and strings alone.
"""

import importlib.util
import pathlib
import pickle
import sys

import tensorflow as tf

LIBRARIES = (
    "_fast_bert_normalizer.so",
    "_fast_wordpiece_tokenizer.so",
    "_whitespace_tokenizer_v2.so",
)


def main(model: str, requests: str, answers: str) -> None:
    operators = pathlib.Path(importlib.util.find_spec("tensorflow_text").origin).parent
    for library in LIBRARIES:
        tf.load_op_library(str(operators / "python/ops" / library))
    session = tf.compat.v1.Session(graph=tf.Graph())
    with session.graph.as_default():
        signatures = tf.compat.v1.saved_model.load(session, ["serve"], model).signature_def
    results = []
    for name, inputs in pickle.loads(pathlib.Path(requests).read_bytes()):
        definition = signatures[name]
        feeds = {definition.inputs[key].name: value for key, value in inputs.items()}
        fetches = {key: tensor.name for key, tensor in definition.outputs.items()}
        outputs = session.run(fetches, feeds)
        results.append({key: value.tolist() for key, value in outputs.items()})
    pathlib.Path(answers).write_bytes(pickle.dumps((tf.__version__, results)))


if __name__ == "__main__":
    main(*sys.argv[1:])

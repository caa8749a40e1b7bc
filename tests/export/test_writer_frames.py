"""What a decoder alone has seen around a text is there in a SavedModel that takes texts."""

from __future__ import annotations

import json
import string

import numpy as np
import pytest
import tensorflow as tf

import keras_bert_zoo
from keras_bert_zoo import WordPieceTokenizer, save
from keras_bert_zoo.data.pair_rows import Frame
from keras_bert_zoo.export import export, verify
from keras_bert_zoo.export.writing.savedmodel import framed
from keras_bert_zoo.models import TASKS, BertEncoder
from keras_bert_zoo.models.warm_start import prefix_ids_of, prefix_lm

WORDS = ("[PAD]", "[SEP]", "[CLS]", "[UNK]", "[MASK]", *string.ascii_lowercase)
TEXTS = ["a b c d e", "q", "x y z"]
WRITES = {"max_new_tokens": 5}


def test_it_stands_at_the_ends_of_rows_of_any_length():
    rows = [[5, 6, 7], [8, 0, 0], [0, 0, 0]]
    ids = {"input_ids": tf.constant(rows), "attention_mask": tf.constant(np.sign(rows))}
    around = {name: x.numpy().tolist() for name, x in framed(ids, Frame(2, 3)).items()}
    assert around["input_ids"] == [[2, 5, 6, 7, 3], [2, 8, 3, 0, 0], [2, 3, 0, 0, 0]]
    assert [sum(row) for row in around["attention_mask"]] == [5, 3, 2]
    before = framed(ids, Frame(2))["input_ids"].numpy().tolist()
    assert before == [[2, 5, 6, 7], [2, 8, 0, 0], [2, 0, 0, 0]]


@pytest.mark.slow
def test_a_prefix_is_read_as_the_bundle_reads_it(tiny_config, randomise, tmp_path):
    tokenizer = WordPieceTokenizer(WORDS, model_max_length=20)
    config = tiny_config.replace(vocab_size=len(WORDS))
    masked = randomise(TASKS["masked_lm"](BertEncoder(config, add_pooling_layer=False)))
    place = save(prefix_lm(masked, prefix_ids_of(tokenizer)), tokenizer, tmp_path / "bundle")
    known = json.loads((place / "config.json").read_text())
    known["task_specific_params"] = {"causal_lm": {"options": WRITES}}
    (place / "config.json").write_text(json.dumps(known))
    [artifact] = export(place, tmp_path / "exports", ["writer-savedmodel"], progress=False)
    assert artifact.options["generation"] == WRITES
    assert verify(place, [artifact], TEXTS, progress=False).passed
    answers = keras_bert_zoo.predictor(place)(TEXTS)
    written = artifact.run({"text": TEXTS})["text"].tolist()
    assert [{"generated_text": text} for text in written] == answers
    assert len({answer["generated_text"] for answer in answers}) > 1

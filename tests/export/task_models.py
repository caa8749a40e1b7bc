"""A tiny model of every task, and what it is asked."""

from __future__ import annotations

import keras_bert_zoo
from keras_bert_zoo import models

LONG = "the dog of the fox, no price; shares rise up of the fall. the fox of the dog"
# What each task is asked: answers of a row and of several, short and long.
ASKED = {
    "token_classification": ["shares of the fox rise", "the dog", f"{LONG}; {LONG}"],
    "question_answering": [("the dog", "no fox of the dog"), ("up", LONG)],
    "next_sentence": [("shares rise", "the fox"), ("up", LONG)],
    "masked_lm": ["the [MASK] of the fox", f"[MASK] {LONG} [MASK] up"],
    "multiple_choice": [("the dog", ["rise", "of the price", LONG]), ("no", ["up", "fox"])],
    "sentence_embedding": [("the dog", "no fox"), ("shares rise", LONG)],
    "extractive_summarization": [
        f"{LONG}. Shares rise. No fall of the price. Up, the fox; up, the dog. "
        "No shares of the dog.",
        "The dog. No fox.",
    ],
}
# What a training leaves in `config.json`: short rows, so that long texts take several.
REMEMBERED = {
    "token_classification": {"max_length": 32, "options": {"stride": 4}},
    "question_answering": {
        "max_length": 32,
        "options": {"stride": 4, "max_question_length": 6},
    },
    "extractive_summarization": {"max_length": 32, "options": {"sentences": 2}},
}
ON_REQUEST = ("masked_lm", "next_sentence")


def models_of(encoder):
    tags = encoder.config.replace(id2label=dict(enumerate(["O", "B-X", "I-X", "B-Y", "I-Y"])))
    return {
        "token_classification": models.TokenClassifier(encoder, tags),
        "question_answering": keras_bert_zoo.QuestionAnswerer(encoder),
        "next_sentence": keras_bert_zoo.NextSentencePredictor(encoder),
        "masked_lm": keras_bert_zoo.PretrainingModel(encoder, next_sentence=False),
        "multiple_choice": models.MultipleChoice(encoder),
        "sentence_embedding": keras_bert_zoo.SentenceEmbedder(
            encoder, pooling=["cls", "max"], dense_units=7, normalize=True
        ),
        "extractive_summarization": models.ExtractiveSummarizer(encoder),
    }

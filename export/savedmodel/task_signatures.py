"""What a SavedModel answers to texts for tasks whose answer is no class and no embedding.

TensorFlow only. ``B`` texts, ``S`` tokens, ``W`` rows where a text takes several; ``E`` answers of
the text that has most. Places are Unicode characters of the text, as in the Python answers of
``keras_bert_zoo.tasks``, with which ``verify`` compares what comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert_zoo.data.tagging import words_of
from keras_bert_zoo.evaluation.tagging import entities, spells_entities
from keras_bert_zoo.layers.crf import marginals, viterbi
from keras_bert_zoo.tasks.predictor import task_of

from ..signature import BATCH, TensorSpec

Tensors = dict[str, tf.Tensor]
_MANY, _CHOICES = "answers", "choices"


def _text(name: str, *axes: str) -> TensorSpec:
    return TensorSpec(name, "string", (BATCH, *axes))


class _Answering:
    """A bundle's tokenizer and task in front of its graph.

    Args:
        bundle: with a tokenizer.
        forward: the graph as a concrete function, int32 ``(B, S)`` by name.
    """

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]

    def __init__(self, bundle: Any, forward: Callable[..., Tensors]) -> None:
        self.forward, self.tokenizer = forward, bundle.tokenizer
        self.task: Any = task_of(bundle.model.task, bundle.config, bundle.tokenizer)
        self.max_length, self.options = self.task.settings.max_length, self.task.options

    def encoded(self, *texts: tf.Tensor) -> Tensors:
        """Rows of ids, cut to the length of the training."""
        return self.tokenizer(*texts, truncation=True, max_length=self.max_length, padding=True)

    @staticmethod
    def whole(examples: Any, rows: Any) -> np.ndarray:
        """Which examples the signature answers as the task does."""
        return np.ones(len(examples), bool)

    @staticmethod
    def arrays(answers: Sequence[Mapping[str, Any]]) -> dict[str, np.ndarray]:
        """Answers of the task as the signature returns them."""
        return {name: _column([answer[name] for answer in answers]) for name in answers[0]}


class Tags(_Answering):
    """Entities of a text, or the tag of each word; as ``tasks.token_classification`` reads them.

    A text that is longer than a row is cut: send its parts.
    """

    inputs = (_text("text"),)
    outputs = tuple(
        TensorSpec(name, dtype, (BATCH, _MANY))
        for name, dtype in {
            "labels": "string",
            "texts": "string",
            "starts": "int32",
            "ends": "int32",
            "scores": "float32",
        }.items()
    )

    def __init__(self, bundle: Any, forward: Callable[..., Tensors]) -> None:
        super().__init__(bundle, forward)
        tags = bundle.config.labels
        spell = spells_entities(tags)
        self.labels = tf.constant([_kind(tag) if spell else tag for tag in tags])
        self.counts = tf.constant([not spell or bool(entities([tag])) for tag in tags])
        # Whether a tag goes on with what the one before it began.
        self.goes_on = tf.constant(
            [[spell and len(entities([a, b])) == 1 and bool(entities([a])) and bool(entities([b]))
              for b in tags] for a in tags]
        )  # fmt: skip
        self.transitions = self.task.transitions(tags)
        vocabulary = bundle.tokenizer.vocabulary
        self.continues = tf.constant([token.startswith("##") for token in vocabulary])

    def __call__(self, text: tf.Tensor) -> Tensors:
        """Tags the words of each text, and joins those of one entity."""
        encoded = self.tokenizer(
            text,
            truncation=True,
            max_length=self.max_length,
            padding=True,
            return_offsets_mapping=True,
            return_special_tokens_mask=True,
        )
        offsets, special = (encoded.pop(f"{n}") for n in ("offset_mapping", "special_tokens_mask"))
        logits = self.forward(**encoded)["logits"]
        token = tf.logical_and(special == 0, encoded["attention_mask"] == 1)
        begins = tf.logical_and(token, ~tf.gather(self.continues, encoded["input_ids"]))
        # Words of all texts in one line; a word ends where its last token does.
        word = tf.cumsum(tf.cast(tf.boolean_mask(begins, token), tf.int32)) - 1
        ends = tf.math.segment_max(tf.boolean_mask(offsets[..., 1], token), word)
        owner = tf.where(begins)[:, 0]
        starts = tf.boolean_mask(offsets[..., 0], begins)
        tag, score = self._best(tf.boolean_mask(logits, begins), owner, tf.shape(text)[0])
        return self._joined(text, owner, tag, starts, ends, score)

    def _best(
        self, logits: tf.Tensor, owner: tf.Tensor, count: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The tag of each word, and its probability."""
        if self.transitions is None:
            chances = tf.nn.softmax(logits)
            return tf.argmax(chances, -1, tf.int32), tf.reduce_max(chances, axis=-1)
        texts = tf.RaggedTensor.from_value_rowids(logits, owner, tf.cast(count, owner.dtype))
        words = tf.pad(texts.to_tensor(), [[0, 0], [0, 1], [0, 0]])  # no loop of length 0
        mask = tf.sequence_mask(texts.row_lengths(), tf.shape(words)[1])
        chain = words, mask, self.transitions
        tags = tf.boolean_mask(tf.cast(viterbi(*chain), tf.int32), mask)
        shares = tf.boolean_mask(marginals(*chain), mask)
        return tags, tf.gather(shares, tags, batch_dims=1)

    def _joined(
        self,
        text: tf.Tensor,
        owner: tf.Tensor,
        tag: tf.Tensor,
        starts: tf.Tensor,
        ends: tf.Tensor,
        score: tf.Tensor,
    ) -> Tensors:
        before = tf.concat([tag[:1], tag[:-1]], axis=0)
        same = tf.concat([tf.zeros_like(owner[:1], tf.bool), owner[1:] == owner[:-1]], axis=0)
        goes_on = same & tf.gather_nd(self.goes_on, tf.stack([before, tag], axis=-1))
        counts = tf.gather(self.counts, tag)
        first = counts & ~goes_on
        unit = tf.boolean_mask(tf.cumsum(tf.cast(first, tf.int32)) - 1, counts)
        rows = tf.boolean_mask(owner, first)
        starts, last = tf.boolean_mask(starts, first), tf.boolean_mask(ends, counts)
        ends = tf.math.segment_max(last, unit)
        found = {
            "labels": tf.gather(self.labels, tf.boolean_mask(tag, first)),
            "texts": _cut(tf.gather(text, rows), starts, ends),
            "starts": starts,
            "ends": ends,
            "scores": tf.math.segment_mean(tf.boolean_mask(score, counts), unit),
        }
        count = tf.shape(text, tf.int64)[0]
        return {
            name: tf.RaggedTensor.from_value_rowids(values, rows, count).to_tensor()
            for name, values in found.items()
        }

    @staticmethod
    def whole(examples: Any, rows: Any) -> np.ndarray:
        """Those that take one row, and whose words are where BERT's tokenizer cuts."""
        own = [tuple(each.words) == words_of(each.text) for each in examples]
        return np.array(own) & (np.bincount(rows.memory.windows.owners) == 1)

    @staticmethod
    def given(examples: Any) -> dict[str, list[Any]]:
        """What the signature is called with."""
        return {"text": [example.text for example in examples]}

    @staticmethod
    def arrays(answers: Sequence[Mapping[str, Any]]) -> dict[str, np.ndarray]:
        """Answers of the task as the signature returns them."""
        found = [next(iter(answer.values())) for answer in answers]
        names = {"labels": "label", "texts": "text", "starts": "start", "ends": "end"}
        return {
            name: _table([[unit[key] for unit in units] for units in found])
            for name, key in {**names, "scores": "score"}.items()
        }


class Answers(_Answering):
    """The part of a context that answers a question; as ``tasks.question_answering`` finds it.

    A long context takes several rows. ``logit`` is the sum of the logits of the first and the last
    token of the answer, ``null_margin`` that of ``[CLS]`` less it.
    """

    inputs = (_text("question"), _text("context"))
    outputs = tuple(
        TensorSpec(name, dtype, (BATCH,))
        for name, dtype in {
            "answer": "string",
            "start": "int32",
            "end": "int32",
            "logit": "float32",
            "null_margin": "float32",
        }.items()
    )

    def __call__(self, question: tf.Tensor, context: tf.Tensor) -> Tensors:
        """Searches all rows of each context."""
        longest = self.options.max_question_length + self.tokenizer.num_special_tokens()
        words = self.tokenizer(
            question, truncation=True, max_length=longest, padding=True, return_offsets_mapping=True
        )
        asked = _cut(question, 0, tf.reduce_max(words["offset_mapping"][..., 1], axis=1))
        encoded = self.tokenizer(
            asked,
            context,
            truncation="only_second",
            max_length=self.max_length,
            stride=self.options.stride,
            padding=True,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
            return_special_tokens_mask=True,
        )
        offsets, special, owner = (
            encoded.pop(name)
            for name in ("offset_mapping", "special_tokens_mask", "overflow_to_sample_mapping")
        )
        made = self.forward(**encoded)
        begin, end = made["start_logits"], made["end_logits"]
        takes = (special == 0) & (encoded["token_type_ids"] == 1)
        place, best = self._best(begin, end, takes)
        width = tf.shape(begin)[1]
        first, last = place // width, place % width
        # The best row of each question.
        rows = tf.RaggedTensor.from_value_rowids(best, owner, tf.shape(question, tf.int32)[0])
        at = tf.cast(tf.argmax(rows.to_tensor(-np.inf), axis=1), owner.dtype)
        row = tf.gather(tf.cast(rows.row_starts(), owner.dtype), tf.range(tf.size(at))) + at
        nothing = tf.math.segment_min(begin[:, 0] + end[:, 0], owner)
        logit = tf.gather(best, row)
        spans = tf.stack(
            [
                tf.gather_nd(offsets[..., 0], tf.stack([row, tf.gather(first, row)], axis=1)),
                tf.gather_nd(offsets[..., 1], tf.stack([row, tf.gather(last, row)], axis=1)),
            ]
        )
        margin = nothing - logit
        spans *= tf.cast(~self._silent(margin), spans.dtype)
        return {
            "answer": _cut(context, spans[0], spans[1]),
            "start": spans[0],
            "end": spans[1],
            "logit": logit,
            "null_margin": margin,
        }

    def _best(
        self, begin: tf.Tensor, end: tf.Tensor, takes: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The likeliest pair of tokens of each row, as one number, and its score ``(W,)``."""
        width = tf.shape(begin)[1]
        low = tf.constant(-np.inf, begin.dtype)
        sums = tf.where(takes, begin, low)[:, :, None] + tf.where(takes, end, low)[:, None, :]
        ones = tf.ones((width, width), tf.bool)
        longest = tf.minimum(self.options.max_answer_length - 1, width)
        ones = tf.linalg.band_part(ones, 0, longest)
        flat = tf.reshape(tf.where(ones, sums, low), (-1, width * width))
        return tf.argmax(flat, axis=1, output_type=tf.int32), tf.reduce_max(flat, axis=1)

    def _silent(self, margin: tf.Tensor) -> tf.Tensor:
        """Where a context has no token there is no answer, whether one is wanted or not."""
        known = bool(self.options.impossible)
        return margin > (self.options.null_threshold if known else np.finfo("float32").max)

    @staticmethod
    def given(examples: Any) -> dict[str, list[Any]]:
        """What the signature is called with."""
        return {
            "question": [example.question for example in examples],
            "context": [example.context for example in examples],
        }

    @staticmethod
    def arrays(answers: Sequence[Mapping[str, Any]]) -> dict[str, np.ndarray]:
        """Answers of the task as the signature returns them."""
        names = ("answer", "start", "end", "null_margin")
        found = {name: [answer[name] for answer in answers] for name in names}
        found["null_margin"] = [np.inf if x is None else x for x in found["null_margin"]]
        return {name: _column(values) for name, values in found.items()}


class Choices(_Answering):
    """Which of several texts goes best with a first one."""

    inputs = (_text("text"), _text("choices", _CHOICES))
    outputs = (
        TensorSpec("choice", "int32", (BATCH,)),
        TensorSpec("chosen", "string", (BATCH,)),
        TensorSpec("scores", "float32", (BATCH, _CHOICES)),
    )

    def __call__(self, text: tf.Tensor, choices: tf.Tensor) -> Tensors:
        """Scores every choice with its text."""
        first = tf.repeat(text, tf.shape(choices)[1])
        rows = self.encoded(first, tf.reshape(choices, [-1]))
        scores = tf.nn.softmax(tf.reshape(self.forward(**rows)["logits"], tf.shape(choices)))
        choice = tf.argmax(scores, axis=1, output_type=tf.int32)
        chosen = tf.gather(choices, choice, batch_dims=1)
        return {"choice": choice, "chosen": chosen, "scores": scores}

    @staticmethod
    def given(examples: Any) -> dict[str, list[Any]]:
        """What the signature is called with."""
        pairs = examples.examples()
        choices = np.array(pairs.text_pairs, object).reshape(len(examples), -1)
        return {"text": list(pairs.texts[:: examples.members]), "choices": choices.tolist()}


class Follows(_Answering):
    """Whether a second text follows a first one."""

    inputs = (_text("text"), _text("text_pair"))
    outputs = (TensorSpec("follows", "float32", (BATCH,)),)

    def __call__(self, text: tf.Tensor, text_pair: tf.Tensor) -> Tensors:
        """The probability for each pair."""
        rows = self.encoded(text, text_pair)
        return {"follows": tf.nn.softmax(self.forward(**rows)["logits"])[:, 0]}

    @staticmethod
    def given(examples: Any) -> dict[str, list[Any]]:
        """What the signature is called with."""
        return {"text": list(examples.texts), "text_pair": list(examples.text_pairs)}


class Words(_Answering):
    """The likeliest words for each mask of a text."""

    inputs = (_text("text"),)

    def __init__(self, bundle: Any, forward: Callable[..., Tensors]) -> None:
        super().__init__(bundle, forward)
        self.top_k = min(self.options.top_k, bundle.config.vocab_size)
        self.tokens = tf.constant(list(bundle.tokenizer.vocabulary))
        self.outputs = (
            TensorSpec("tokens", "string", (BATCH, "masks", self.top_k)),
            TensorSpec("scores", "float32", (BATCH, "masks", self.top_k)),
        )

    def __call__(self, text: tf.Tensor) -> Tensors:
        """Fills the masks, each by itself."""
        rows = self.encoded(text)
        masks = tf.where(rows["input_ids"] == self.tokenizer.mask_token_id)
        logits = tf.gather_nd(self.forward(**rows)["logits"], masks)
        scores, ids = tf.math.top_k(tf.nn.softmax(logits), self.top_k)
        count = tf.shape(text, tf.int64)[0]
        return {
            name: tf.RaggedTensor.from_value_rowids(values, masks[:, 0], count).to_tensor(
                shape=(None, None, self.top_k)
            )
            for name, values in {"tokens": tf.gather(self.tokens, ids), "scores": scores}.items()
        }

    @staticmethod
    def given(examples: Any) -> dict[str, list[Any]]:
        """What the signature is called with."""
        return {"text": list(examples.texts)}

    @staticmethod
    def arrays(answers: Sequence[Mapping[str, Any]]) -> dict[str, np.ndarray]:
        """Answers of the task as the signature returns them."""
        found = [answer["masks"] for answer in answers]
        return {
            name: _table([[[word[key] for word in words] for words in masks] for masks in found])
            for name, key in {"tokens": "token_str", "scores": "score"}.items()
        }


SIGNATURES: Mapping[str, Any] = {
    "token_classification": Tags,
    "question_answering": Answers,
    "multiple_choice": Choices,
    "next_sentence": Follows,
    "masked_lm": Words,
}


def _kind(tag: str) -> str:
    return next((kind for kind, _, _ in entities([tag])), tag)


def _cut(text: tf.Tensor, start: Any, end: tf.Tensor) -> tf.Tensor:
    """From one character to before another, ``(B,)``."""
    start = tf.zeros_like(end) + start
    return tf.strings.substr(text, start, end - start, unit="UTF8_CHAR")


def _column(values: Sequence[Any]) -> np.ndarray:
    return np.array(values, object if values and isinstance(values[0], str) else None)


def _table(rows: Sequence[Sequence[Any]]) -> np.ndarray:
    """Lists of different lengths, filled with nothing."""
    inner = next((np.shape(value) for row in rows for value in row), ())
    kind = np.array([value for row in rows for value in row])
    table = np.zeros((len(rows), max(map(len, rows), default=0), *inner), kind.dtype)
    if kind.dtype.kind == "U":
        table = np.full(table.shape, "", object)
    for index, row in enumerate(rows):
        table[index, : len(row)] = row
    return table

"""Whether two models answer the same."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

from keras_bert_zoo.checkpoints.memory import give_back
from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.tokenizers import Tokenizer

Arrays = Mapping[str, np.ndarray]
Outputs = Mapping[tuple[str, str], np.ndarray]

# Of the largest number in an output. Rounded weights have 8 (bfloat16) and 11 (float16) bits; what
# is left in float32 is the order of sums.
TOLERANCES = {"float32": 1e-5, "float16": 5e-3, "bfloat16": 5e-2}
_ROWS, _LENGTH, _WORDS = 4, 32, 5
_WORD_SCORES, _HIDDEN = "prediction_logits", "last_hidden_state"
TEXTS = (
    "The quick brown fox jumps over the lazy dog.",
    "Don't panic: it's 42, isn't it?",
    "Ein Bär fraß zwölf Äpfel in Zürich.",
    "今天天气很好,我们去公园吧。",
    "Москва — столица России.",
    "A very long word: antidisestablishmentarianism, and 3.14159 e-mails to a@b.example!",
)


@dataclasses.dataclass(frozen=True)
class Difference:
    """How far apart one output is.

    Args:
        inputs: ``"random"`` or ``"real"``.
        output: its name.
        difference: the largest, of all numbers.
        largest: the largest number of the first model.
        tolerance: the part of it that the difference may have; ``None`` for one that is known.
    """

    inputs: str
    output: str
    difference: float
    largest: float
    tolerance: float | None

    def __str__(self) -> str:
        allowed = "" if self.tolerance is None else f" ({self.tolerance:g} allowed)"
        return (
            f"{self.output} of {self.inputs} inputs: {self.difference:.2e} apart, {self.part:.1e} "
            f"of the largest number{allowed}"
        )

    @property
    def part(self) -> float:
        """The difference as a part of the largest number."""
        return self.difference / self.largest if self.largest else self.difference

    @property
    def passed(self) -> bool:
        """Whether it is small enough; no number at all is not."""
        return self.tolerance is None or self.part <= self.tolerance


def compare(
    load: Callable[[], keras.Model],
    load_other: Callable[[], keras.Model],
    inputs: Mapping[str, Arrays],
    dtype: str,
    load_exact: Callable[[], keras.Model] | None = None,
) -> tuple[list[Difference], list[Difference]]:
    """Loads one model, runs it and forgets it, then the other.

    Args:
        load: makes the first model.
        load_other: makes the second.
        inputs: by their kind, see ``inputs_for``.
        dtype: of the weights of the second; a model may compute in one of fewer bits.
        load_exact: makes a model of which the first is an approximation.

    Returns:
        How far the second is from the first, and from the exact one, if there is such.
    """
    first, computed = _answers(load, inputs)
    second, computed_there = _answers(load_other, inputs)
    tolerance = max(TOLERANCES[each] for each in (dtype, computed, computed_there))
    exact = {} if load_exact is None else _answers(load_exact, inputs)[0]
    return _apart(first, second, tolerance), _apart(exact, second, None)


def _apart(first: Outputs, second: Outputs, tolerance: float | None) -> list[Difference]:
    return [
        Difference(
            *place,
            float(np.abs(second[place] - values).max()),
            float(np.abs(values).max()),
            tolerance,
        )
        for place, values in first.items()
    ]


class _SeenThrough:
    """A model asked by the numbers of some of its tokens, and with their scores alone."""

    def __init__(self, model: keras.Model, ids: np.ndarray) -> None:
        self._model, self._ids = model, ids
        self.input, self.dtype_policy = model.input, model.dtype_policy

    def __call__(self, inputs: Arrays, training: bool) -> dict[str, Any]:
        ids = self._ids[inputs["input_ids"]].astype("int32")
        outputs = self._model({**inputs, "input_ids": ids}, training=training)
        return {
            name: keras.ops.take(values, self._ids, axis=-1) if name == _WORD_SCORES else values
            for name, values in outputs.items()
        }


def seen_through(load: Callable[[], keras.Model], ids: np.ndarray) -> Callable[[], Any]:
    """Makes a model that is asked with places in ``ids`` instead of ids."""
    return lambda: _SeenThrough(load(), ids)


def numbered(inputs: Mapping[str, Arrays], ids: np.ndarray) -> dict[str, Arrays]:
    """Inputs with places in ``ids`` instead of ids; those that are not in it become the first."""
    places = np.zeros(ids.max() + 1, np.int64)
    places[ids] = np.arange(len(ids))
    return {
        kind: {**arrays, "input_ids": np.take(places, arrays["input_ids"], mode="clip")}
        for kind, arrays in inputs.items()
    }


def inputs_for(config: EncoderConfig, tokenizer: Tokenizer | None) -> dict[str, Arrays]:
    """Random inputs, and real ones where there is a tokenizer."""
    length = min(_LENGTH, config.max_tokens)
    kinds = {"random": _random(config, length)}
    if tokenizer is not None:
        batch = tokenizer(list(TEXTS), padding=True, truncation=True, max_length=length)
        kinds["real"] = {name: values.numpy() for name, values in batch.items()}
    return kinds


def _random(config: EncoderConfig, length: int) -> Arrays:
    generator, padding = np.random.default_rng(0), config.pad_token_id
    lengths = generator.integers(min(_WORDS, length), length + 1, (_ROWS, 1))
    lengths[0] = length
    mask = np.arange(length) < lengths
    segments = max(1, config.type_vocab_size)
    ids = generator.integers(0, config.vocab_size - 1, mask.shape)
    return {
        # No token is padding: positions may count those that are not.
        "input_ids": np.where(mask, ids + (ids >= padding), padding),
        "attention_mask": mask,
        "token_type_ids": generator.integers(0, segments, mask.shape) * mask,
    }


def _answers(load: Callable[[], keras.Model], inputs: Mapping[str, Arrays]) -> tuple[Outputs, str]:
    """Outputs in float32 by the kind of inputs and their name, and what the model computes in.

    Hidden states of padding mean nothing: they are zeros.
    """
    give_back()
    model = load()
    outputs = {
        (kind, name): np.asarray(keras.ops.convert_to_numpy(values), "float32")
        * (np.expand_dims(arrays["attention_mask"], -1) if name == _HIDDEN else 1)
        for kind, arrays in inputs.items()
        for name, values in model(_fitted(model, arrays), training=False).items()
    }
    return outputs, model.dtype_policy.compute_dtype


def _fitted(model: keras.Model, arrays: Arrays) -> Arrays:
    rows, length = np.shape(arrays["input_ids"])
    places = np.tile(np.arange(min(_WORDS, length)), (rows, 1))
    arrays = {**arrays, "masked_positions": places}
    return {
        # With one axis more, for choices: each row is a choice of its own.
        name: np.reshape(arrays[name], (rows, *[1] * (len(tensor.shape) - 2), -1)).astype("int32")
        for name, tensor in model.input.items()
    }

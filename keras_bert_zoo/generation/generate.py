"""Texts from a model that writes."""

from __future__ import annotations

import dataclasses
import functools
import numbers
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_bert_zoo.generation import beams, choosing
from keras_bert_zoo.generation.checking import check_words, checked
from keras_bert_zoo.generation.compiled import compiled, screens
from keras_bert_zoo.generation.options import GenerationOptions, options_from
from keras_bert_zoo.models import CausalLM, EncoderDecoder
from keras_bert_zoo.models.decoder import Memory
from keras_bert_zoo.models.writer import Writer
from keras_bert_zoo.token_rows import PROMPT


def generate(
    model: Writer,
    inputs: Mapping[str, Any],
    *,
    eos_token_id: int | None = None,
    jit_compile: bool = True,
    **options: Any,
) -> np.ndarray:
    """Writes texts.

    Args:
        model: an ``EncoderDecoder`` or a ``CausalLM``.
        inputs: int ``(B, P)``: those of the encoder; of a ``CausalLM`` ``input_ids``, what texts
            begin with, and ``attention_mask``, 0 for the padding behind them.
        eos_token_id: what ends a text; by default what the config says.
        jit_compile: whether TensorFlow compiles the program with XLA, which takes seconds for
            each shape of ``inputs``, and writes faster.
        **options: of ``GenerationOptions``.

    Returns:
        What was written, int32 ``(B * num_return_sequences, max_new_tokens)``; what follows its
        end is the config's ``pad_token_id``.

    Raises:
        TypeError: an option is unknown, the inputs are no mapping, or the model does not write.
        ValueError: an option is out of range, an input is missing, empty, no whole number or not
            of the vocabulary, ``attention_mask`` has other numbers than 0 and 1, there is no room
            for so many tokens, or nothing says what ends a text.
    """
    if not isinstance(model, Writer):
        raise TypeError(
            f"model must be an EncoderDecoder or a CausalLM, received a {type(model).__name__}. "
            "load(…, task='seq2seq') makes one of an encoder."
        )
    settings = options_from(options)
    arrays = checked(model, inputs, settings)
    end = end_of(model, eos_token_id)
    check_words(settings, end, model.decoder.config.vocab_size)
    texts = len(arrays["input_ids"])
    rows = texts * settings.rows
    chances = np.zeros((settings.max_new_tokens, 1), "float32")
    if settings.do_sample:
        # By rows: what is drawn for one does not depend on how many there are.
        shape = (rows, settings.max_new_tokens)
        chances = np.random.default_rng(settings.seed).random(shape, "float32").T
    if jit_compile and rows * settings.num_beams == 1:
        # XLA takes longer for the products of one row than for those of two, on processors.
        arrays = {name: np.repeat(x, 2, axis=0) for name, x in arrays.items()}
        chances = np.repeat(chances, 2, axis=1)
    # The seed is no part of the program.
    settings = dataclasses.replace(settings, seed=None)
    screened = jit_compile and screens(model, settings, rows)
    key = (settings, end, jit_compile, screened)
    # Past the tracking of Keras, which would take programs for parts of the model.
    programs = model.__dict__.setdefault("_programs", {})
    if key not in programs:
        write = functools.partial(texts_of, model, settings, end, screened=screened)
        programs[key] = compiled(write, model, jit_compile)
    written = ops.convert_to_numpy(programs[key](arrays, chances))
    return written[: texts * settings.num_return_sequences]


def texts_of(
    model: Writer,
    options: GenerationOptions,
    end: int,
    inputs: Mapping[str, Any],
    chances: Any,
    screened: bool = False,
) -> Any:
    """``generate`` as a function of tensors.

    Args:
        model: see there.
        options: see there.
        end: id that ends a text.
        inputs: see there.
        chances: uniform numbers, one for each token to be drawn, float32 ``(T, rows)``.
        screened: whether most words are not scored, see ``screening``.
    """
    config: Any = model.config
    if isinstance(model, EncoderDecoder):
        memory = model.read(dict(inputs))
        start = config.decoder_start_token_id
        prompt = ops.full((ops.shape(inputs["input_ids"])[0], 1), start, dtype="int32")
        mask = ops.ones_like(prompt)
    else:
        memory = Memory()
        prompt, mask = (ops.cast(inputs[name], "int32") for name in PROMPT)
    capacity = ops.shape(prompt)[1] + options.max_new_tokens * options.num_beams
    scores, written = model.begin(prompt, mask, memory, capacity)
    history = _at_the_end(prompt, mask)
    if options.rows > 1:
        many = functools.partial(ops.repeat, repeats=options.rows, axis=0)
        memory, written, scores, history = (
            _each(many, value) for value in (memory, written, scores, history)
        )
    ends = (end, config.pad_token_id)
    common = (model, scores, written, memory, history, ends, options)
    if options.num_beams == 1:
        return choosing.write(*common, chances, _screen_of(model) if screened else None)
    best = beams.search(*common)[:, : options.num_return_sequences]
    return ops.reshape(best, (-1, options.max_new_tokens))


def _screen_of(model: Writer) -> Any:
    # Of TensorFlow alone: loaded only where it is used.
    from keras_bert_zoo.generation.screening import Screen

    return Screen(model.head)


def _each(function: Callable[[Any], Any], value: Any) -> Any:
    """Applies a function to all tensors with rows of a structure."""
    return keras.tree.map_structure(lambda x: function(x) if len(x.shape) else x, value)


def _at_the_end(prompt: Any, mask: Any) -> Any:
    """Moves padding to the beginning of rows ``(B, P)``, as -1."""
    width = ops.shape(prompt)[1]
    missing = width - ops.sum(mask, axis=1, keepdims=True)
    places = ops.arange(width, dtype="int32")[None] - missing
    moved = ops.take_along_axis(prompt, ops.maximum(places, 0), axis=1)
    return ops.where(places < 0, -1, moved)


def end_of(model: Writer, given: int | None = None) -> int:
    """The id that ends a text: the one given, or what the config says.

    Raises:
        ValueError: nothing says it, or it is no integer.
    """
    config = model.config
    stated = getattr(config, "eos_token_id", None)
    if stated is None and isinstance(model, CausalLM):
        stated = config.extra.get("eos_token_id")
    end = stated if given is None else given
    if end is None:
        raise ValueError(
            "Nothing says what ends a text: the config has no eos_token_id. Pass eos_token_id, "
            "e.g. tokenizer.sep_token_id."
        )
    if not isinstance(end, numbers.Integral) or isinstance(end, bool):
        raise ValueError(f"eos_token_id must be one id, an integer, received {end!r}.")
    return int(end)

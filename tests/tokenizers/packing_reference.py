"""What tests of packing share: arguments of a call, and the rows that the reference makes."""

from __future__ import annotations

import hypothesis.strategies as st

STRATEGIES = ("longest_first", "only_first", "only_second")


@st.composite
def calls(draw, texts, most, shortest, overlap):
    """Texts, perhaps second ones, and the arguments of one call.

    Args:
        texts: a strategy.
        most: so many texts at most.
        shortest: the smallest ``max_length``.
        overlap: the largest stride for a ``max_length``.
    """
    first = draw(st.lists(texts, min_size=1, max_size=most))
    second = draw(st.none() | st.lists(texts, min_size=len(first), max_size=len(first)))
    options = {"add_special_tokens": draw(st.booleans())}
    if draw(st.booleans()):
        strategies = STRATEGIES if second is not None else STRATEGIES[:2]
        options["truncation"] = draw(st.sampled_from(strategies))
        options["max_length"] = draw(st.integers(shortest, 24))
        options["return_overflowing_tokens"] = draw(st.booleans())
        if options["return_overflowing_tokens"]:
            options["stride"] = draw(st.integers(0, overlap(options["max_length"])))
    return first, second, options


def rows_of(tokenizer, first, second, options):
    """The rows of the reference, each with its sample; it is left without truncation."""
    if "truncation" in options:
        tokenizer.enable_truncation(
            options["max_length"],
            stride=options.get("stride", 0),
            strategy=options["truncation"],
        )
    inputs = first if second is None else list(zip(first, second, strict=True))
    try:
        encodings = tokenizer.encode_batch(inputs, add_special_tokens=options["add_special_tokens"])
    finally:
        tokenizer.no_truncation()
    rows = []
    for sample, encoding in enumerate(encodings):
        more = encoding.overflowing if options.get("return_overflowing_tokens") else []
        rows += [(sample, row) for row in (encoding, *more)]
    return rows


def is_refusable(tokenizer, first, second, options):
    """Whether the reference fails too, or answers with a row longer than ``max_length``."""
    is_pair, adds = second is not None, options["add_special_tokens"]
    special = tokenizer.num_special_tokens_to_add(is_pair) if adds else 0
    if options.get("stride", -1) >= options.get("max_length", 0) - special:
        return True  # the reference panics where it comes to cut, which short texts do not show
    try:
        rows = rows_of(tokenizer, first, second, options)
    except BaseException:  # a Rust panic is no Exception
        return True
    return any(len(row.ids) > options["max_length"] for _, row in rows)

"""Texts with coloured characters, as HTML."""

from __future__ import annotations

import html
from collections.abc import Iterable

Span = tuple[int, int, float]
_FOR, _AGAINST = "31, 119, 180", "214, 39, 40"


def highlighted(text: str, spans: Iterable[Span], largest: float) -> str:
    """A text whose parts are the bluer the more they speak for something, redder if against.

    Args:
        text: is escaped.
        spans: first character, the one after the last, and a number, without overlap.
        largest: the number of the deepest colour.
    """
    parts, done = [], 0
    for start, end, value in sorted(spans):
        parts += [html.escape(text[done:start]), _marked(text[start:end], value, largest)]
        done = end
    parts.append(html.escape(text[done:]))
    return f'<p style="white-space: pre-wrap">{"".join(parts)}</p>'


def _marked(text: str, value: float, largest: float) -> str:
    share = min(1.0, abs(value) / largest) if largest else 0.0
    colour = f"rgba({_FOR if value > 0 else _AGAINST}, {0.7 * share:.3f})"
    return f'<span style="background: {colour}" title="{value:+.4f}">{html.escape(text)}</span>'

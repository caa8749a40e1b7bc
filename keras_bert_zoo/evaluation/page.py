"""HTML pages in one file: text, tables and pictures."""

from __future__ import annotations

import base64
import datetime
import html
import importlib.resources
import platform
import string
from collections.abc import Iterable, Sequence

from keras_bert_zoo import __version__


def heading(text: str) -> str:
    """A heading of a section."""
    return f"<h2>{html.escape(text)}</h2>"


def paragraph(text: str) -> str:
    """A paragraph."""
    return f"<p>{html.escape(text)}</p>"


def table(rows: Iterable[Sequence[str]]) -> str:
    """A table; the first row is its head."""
    header, *body = [[html.escape(cell) for cell in row] for row in rows]
    lines = [f"<tr><th>{'</th><th>'.join(header)}</th></tr>"]
    lines += [f"<tr><td>{'</td><td>'.join(row)}</td></tr>" for row in body]
    return f'<div class="wide"><table>{"".join(lines)}</table></div>'


def picture(png: bytes, alternative: str) -> str:
    """A PNG, inside the page; the alternative is for who cannot see it."""
    content = base64.b64encode(png).decode()
    return f'<img alt="{html.escape(alternative)}" src="data:image/png;base64,{content}">'


def page(title: str, parts: Iterable[str], footer: str = "") -> str:
    """The whole page.

    Args:
        title: its head.
        parts: HTML, as the other functions of this module return it.
        footer: text that follows date and versions.
    """
    made = (
        f"{datetime.date.today()}, keras-bert-zoo {__version__}, "
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    )
    template = importlib.resources.files(__package__).joinpath("page.html")
    return string.Template(template.read_text(encoding="utf-8")).substitute(
        title=html.escape(title),
        body="\n".join(parts),
        footer=html.escape(f"{made}. {footer}".strip()),
    )

"""Draws docs/architecture.svg from the table of arrows that the tests hold.

Usage: ``python scripts/draw_architecture.py``
"""

from __future__ import annotations

import pathlib
import sys

ROOT = pathlib.Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from test_architecture import ARROWS, BACKEND_FREE  # noqa: E402

# Column and row of each room: every arrow points to the left.
PLACES = {
    "families": (1, 0),
    "config": (2, 0),
    "rules": (0, 0),
    "foreign": (0, 2),
    "tokenizers": (1, 2),
    "atomic": (0, 3),
    "identity": (0, 4),
    "startup": (1, 4),
    "token_rows": (0, 1),
    "corpus": (2, 3),
    "configs": (9, 1),
    "generator_config": (3, 1),
    "layers": (3, 0),
    "models": (4, 0),
    "generation": (5, 1),
    "data": (3, 3),
    "checkpoints": (5, 0),
    "evaluation": (5, 3),
    "tasks": (8, 3),
    "zoo": (6, 0),
    "bundle": (7, 1),
    "conversion": (8, 0),
    "training": (9, 3),
    "export": (9, 2),
    "commands": (10, 2),
    "cli": (11, 2),
    "__main__": (12, 2),
}
CELL_WIDTH, CELL_HEIGHT, WIDTH, HEIGHT, MARGIN = 112, 78, 88, 34, 14
FILLS = {True: "#dcefe3", False: "#e3e9f6"}


def corner(room: str) -> tuple[int, int]:
    """The upper left corner of a room."""
    column, row = PLACES[room]
    return MARGIN + column * CELL_WIDTH, MARGIN + row * CELL_HEIGHT


def arrow(room: str, target: str) -> str:
    """A line from the left wall of a room to the right wall of one that it may import."""
    (left, top), (target_left, target_top) = corner(room), corner(target)
    start, end = top + HEIGHT // 2, target_top + HEIGHT // 2
    right, bend = target_left + WIDTH, (left - target_left - WIDTH) // 2
    curve = f"M{left} {start} C{left - bend} {start} {right + bend} {end} {right + 4} {end}"
    return f'<path d="{curve}"><title>{room} imports {target}</title></path>'


def box(room: str) -> str:
    """A room with its name."""
    left, top = corner(room)
    wall = f'<rect x="{left}" y="{top}" width="{WIDTH}" height="{HEIGHT}" rx="6"'
    name = f'<text x="{left + WIDTH // 2}" y="{top + HEIGHT // 2 + 4}">{room}</text>'
    return f'{wall} fill="{FILLS[room in BACKEND_FREE]}"/>{name}'


def picture() -> str:
    """The whole drawing as SVG."""
    columns, rows = (1 + max(place[axis] for place in PLACES.values()) for axis in (0, 1))
    width, height = columns * CELL_WIDTH + MARGIN, rows * CELL_HEIGHT
    arrows = [arrow(room, target) for room in ARROWS for target in sorted(ARROWS[room])]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            'font-family="sans-serif" font-size="13" text-anchor="middle">',
            "<title>Rooms and the imports between them; green rooms run on every backend</title>",
            '<defs><marker id="head" orient="auto" markerWidth="7" markerHeight="7" refX="5" '
            'refY="3"><path d="M0 0 L6 3 L0 6 z" fill="#556"/></marker></defs>',
            f'<rect width="{width}" height="{height}" fill="#fff"/>',
            '<g fill="none" stroke="#889" stroke-width="1.4" marker-end="url(#head)">',
            *arrows,
            '</g><g stroke="none" fill="#223">',
            *map(box, ARROWS),
            "</g></svg>\n",
        ]
    )


if __name__ == "__main__":
    (ROOT / "docs/architecture.svg").write_text(picture(), encoding="utf-8")

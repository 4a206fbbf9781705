"""What is written into a cell: as much of its name as has room, large in a large cell."""

from __future__ import annotations

import re
from dataclasses import dataclass

from democd.report.treemap import Rect

LETTER = 0.67
"""Width of a letter by its height: of a wide sans-serif font, so that a narrower one fits too."""
LEADING = 1.2
SMALLEST, LARGEST = 11.0, 19.0
"""Pixels of a name's height."""
LINES = 3
ELLIPSIS = "…"
FEWEST = 4
"""Letters of a name that tell something; fewer are left out."""

_WORD = re.compile(r"[^-+._ ]*[-+._ ]*")


@dataclass(frozen=True)
class Label:
    """A line of text; x, y as SVG's text has them, size in pixels; `strong` is of a name."""

    text: str
    x: float
    y: float
    size: float
    strong: bool = True


def line(name: str, amount: str, strip: Rect) -> tuple[Label, ...]:
    """Return a name as the one line of a strip, and what there is of it if there is room."""
    size = 0.6 * strip.height
    letters = int((strip.width - 10) / (LETTER * size))
    both = f"{name}  {amount}"
    fit = both if len(both) <= letters else cut(name, letters)
    return (Label(fit, strip.x + 5, strip.y + 0.72 * strip.height, size),) if fit else ()


def block(name: str, amount: str, rect: Rect) -> tuple[Label, ...]:
    """Return the lines of a name, and below them what there is of it, as far as there is room."""
    size = min(LARGEST, max(SMALLEST, (rect.width * rect.height) ** 0.5 / 10))
    pad = 4.0 if size < 13 else 8.0
    while True:
        letters, most = _room(rect, pad, size)
        lines = wrapped(name, letters)
        fits = len(lines) <= most and max(map(len, lines)) <= letters
        if fits or size <= SMALLEST:
            break
        size = max(size - 1, SMALLEST)
    if not most or letters < FEWEST:
        return ()
    if not fits:
        lines = _shortened(lines, letters, most)
    top = rect.y + pad + 0.8 * size
    step = LEADING * size
    found = [Label(text, rect.x + pad, top + step * at, size) for at, text in enumerate(lines)]
    below = max(10.5, 0.78 * size)
    y = found[-1].y + LEADING * below + 2
    if y + 0.3 * below + pad <= rect.y + rect.height and len(amount) <= _room(rect, pad, below)[0]:
        found.append(Label(amount, rect.x + pad, y, below, strong=False))
    return tuple(found)


def _room(rect: Rect, pad: float, size: float) -> tuple[int, int]:
    """Return how many letters a line has room for, and how many lines there are."""
    lines = int((rect.height - 2 * pad) / (LEADING * size) + 0.2)
    return max(int((rect.width - 2 * pad) / (LETTER * size)), 1), max(min(lines, LINES), 0)


def wrapped(text: str, letters: int) -> list[str]:
    """Return a name in lines of so many letters, broken behind dashes, dots and the like.

    A word that is longer than a line is a line, too long.
    """
    lines = [""]
    for word in _WORD.findall(text):
        if lines[-1] and len((lines[-1] + word).rstrip()) > letters:
            lines.append("")
        lines[-1] += word
    return [it.rstrip() for it in lines]


def _shortened(lines: list[str], letters: int, most: int) -> list[str]:
    """Return lines up to the first that is too long, or too many; that one is cut."""
    end = next((at for at, it in enumerate(lines) if len(it) > letters), len(lines))
    end = min(end, most - 1)
    return [*lines[:end], cut("".join(lines[end:]), letters)]


def cut(text: str, letters: int) -> str:
    """Return a text of so many letters at most; "" if that is next to nothing."""
    if len(text) <= letters:
        return text
    return text[: letters - 1].rstrip(" -.:+_") + ELLIPSIS if letters >= FEWEST else ""

"""What is written into a cell: as much of its name as has room, large in a large cell."""

from __future__ import annotations

import re
from dataclasses import dataclass

from democd.report.treemap import Rect

LEADING = 1.2
SMALLEST, LARGEST = 11.0, 19.0
"""Pixels of a name's height."""
LINES = 3
ELLIPSIS = "…"
FEWEST = 3
"""Letters of a name that tell something; fewer are left out."""

_WORD = re.compile(r"[^-+._ ]*[-+._ ]*")
_NARROW, _WIDE = frozenset("fijlrtI-.,:;'|()[]/ "), frozenset("mwMWOQ@%+…")


@dataclass(frozen=True)
class Label:
    """A line of text; x, y as SVG's text has them, size in pixels; `strong` is of a name."""

    text: str
    x: float
    y: float
    size: float
    strong: bool = True


def width(text: str, size: float) -> float:
    """Return the pixels that a text takes at most, in bold: those of a wide sans-serif font."""
    return size * sum(map(_letter, text))


def _letter(letter: str) -> float:
    if letter in _NARROW:
        return 0.5
    if letter in _WIDE or not letter.isascii():
        return 1.11
    return 0.82 if letter.isupper() else 0.72


def block(name: str, amount: str, rect: Rect) -> tuple[Label, ...]:
    """Return the lines of a name, and below them what there is of it, as far as there is room."""
    size = min(LARGEST, max(SMALLEST, (rect.width * rect.height) ** 0.5 / 10))
    pad = 4.0 if size < 13 else 8.0
    room = rect.width - 2 * pad
    while True:
        most = min(int((rect.height - 2 * pad) / (LEADING * size) + 0.2), LINES)
        lines = wrapped(name, room, size)
        fits = len(lines) <= most and all(width(it, size) <= room for it in lines)
        if fits or size <= SMALLEST:
            break
        size = max(size - 1, SMALLEST)
    if most < 1:
        return ()
    if not fits and not (lines := _shortened(lines, room, size, most)):
        return ()
    top = rect.y + pad + 0.8 * size
    step = LEADING * size
    found = [Label(text, rect.x + pad, top + step * at, size) for at, text in enumerate(lines)]
    below = max(10.5, 0.78 * size)
    y = found[-1].y + LEADING * below + 2
    if y + 0.3 * below + pad <= rect.y + rect.height and width(amount, below) <= room:
        found.append(Label(amount, rect.x + pad, y, below, strong=False))
    return tuple(found)


def wrapped(text: str, room: float, size: float) -> list[str]:
    """Return a name in lines of so many pixels, broken behind dashes, dots and the like.

    A word that is longer than a line is a line, too long.
    """
    lines = [""]
    for word in _WORD.findall(text):
        if lines[-1] and width((lines[-1] + word).rstrip(), size) > room:
            lines.append("")
        lines[-1] += word
    return [it.rstrip() for it in lines]


def _shortened(lines: list[str], room: float, size: float, most: int) -> list[str]:
    """Return lines up to the first that is too long, or too many, which is cut; or nothing."""
    end = next((at for at, it in enumerate(lines) if width(it, size) > room), len(lines))
    end = min(end, most - 1)
    if last := cut("".join(lines[end:]), room, size):
        return [*lines[:end], last]
    return _shortened(lines, room, size, end) if end else []


def cut(text: str, room: float, size: float) -> str:
    """Return as much of a text as fits so many pixels; "" if that is next to nothing."""
    if width(text, size) <= room:
        return text
    count = len(text)
    while count and width(text[:count] + ELLIPSIS, size) > room:
        count -= 1
    shown = text[:count].rstrip(" -.:+_")
    return shown + ELLIPSIS if len(shown) >= FEWEST else ""

"""A squarified treemap: rectangles that fill a frame, each as large as its value.

Source: Bruls, Huizing, van Wijk: Squarified Treemaps (2000). Rows are laid along the shorter side
of what is left, and a row is closed when one more would make its rectangles longer and narrower.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Rect:
    """A rectangle; y grows downwards, as in SVG."""

    x: float
    y: float
    width: float
    height: float

    def inset(self, margin: float) -> Rect:
        """Return what is left within a margin."""
        return Rect(
            self.x + margin,
            self.y + margin,
            max(self.width - 2 * margin, 0.0),
            max(self.height - 2 * margin, 0.0),
        )


def squarify(values: Sequence[float], frame: Rect) -> list[Rect]:
    """Return a rectangle for each value, in their order.

    Args:
        values: greater than 0, the largest first.
        frame: what they fill.
    """
    if not values:
        return []
    scale = frame.width * frame.height / sum(values)
    areas = [value * scale for value in values]
    found: list[Rect] = []
    left = frame
    while areas:
        side = min(left.width, left.height)
        count = _row(areas, side)
        row, left = _laid(areas[:count], left, last=count == len(areas))
        found += row
        areas = areas[count:]
    return found


def _row(areas: Sequence[float], side: float) -> int:
    """Return how many areas make the next row: as long as its worst rectangle gets no worse."""
    count = 1
    while count < len(areas) and _worst(areas[: count + 1], side) <= _worst(areas[:count], side):
        count += 1
    return count


def _worst(row: Sequence[float], side: float) -> float:
    """Return the length of the most stretched rectangle of a row by its width."""
    total = sum(row)
    if not total or not side:
        return 0.0
    return max(side**2 * row[0] / total**2, total**2 / (side**2 * row[-1]))


def _laid(row: Sequence[float], frame: Rect, *, last: bool) -> tuple[list[Rect], Rect]:
    """Return the rectangles of a row along the shorter side of a frame, and what is left of it."""
    total = sum(row)
    upright = frame.width >= frame.height  # the row stands at the left, else lies at the top
    side = frame.height if upright else frame.width
    whole = frame.width if upright else frame.height
    thick = whole if last or not side else min(total / side, whole)
    found, past = [], 0.0
    for area in row:
        at, length = side * past / total, side * area / total
        if upright:
            found.append(Rect(frame.x, frame.y + at, thick, length))
        else:
            found.append(Rect(frame.x + at, frame.y, length, thick))
        past += area
    if upright:
        return found, Rect(frame.x + thick, frame.y, frame.width - thick, frame.height)
    return found, Rect(frame.x, frame.y + thick, frame.width, frame.height - thick)

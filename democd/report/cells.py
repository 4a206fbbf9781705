"""The picture of a disc: its parts as cells, and in a layer's cell its packages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from democd import layout, sizes
from democd.holdings import Holdings
from democd.report import labels
from democd.report.treemap import Rect, squarify

GAP = 1.0
SIDE = 40.0
"""Of a part with cells in it; one that is shorter, or narrower, is one cell."""
LEAST = 900.0
"""Of a cell within a part, its area; what is smaller is gathered."""


@dataclass(frozen=True)
class Node:
    """What takes bytes of the disc.

    Attributes:
        name: of a part, a package, a file.
        size: bytes.
        part: the name of the part that it belongs to.
        inside: what it is made of, the largest first; nothing of what is one thing.
    """

    name: str
    size: int
    part: str
    inside: tuple[Node, ...] = ()


@dataclass(frozen=True)
class Cell:
    """A cell of the picture.

    Attributes:
        rect: its place.
        part: of the disc, which gives the colour.
        title: what it is, in full, with bytes and share.
        labels: what of that is written into it.
    """

    rect: Rect
    part: str
    title: str
    labels: tuple[labels.Label, ...] = ()


def nodes(holdings: Holdings) -> list[Node]:
    """Return the parts of a disc, the largest first; all of its bytes are in one of them."""
    inside: dict[str, list[Node]] = {}
    for path, (size, _) in holdings.snapshot.files.items():
        name = sizes.part_of(path)
        inside.setdefault(name, []).extend(_of_file(path, size, name, holdings))
    found = []
    for part in holdings.sizes.parts:
        its = sorted(inside.get(part.name, []), key=lambda node: (-node.size, node.name))
        found.append(Node(part.name, part.size, part.name, tuple(its) if len(its) > 1 else ()))
    return [node for node in found if node.size > 0]


def _of_file(path: str, size: int, part: str, holdings: Holdings) -> Iterator[Node]:
    pieces = holdings.pieces.get(path, ())
    name = path.rsplit("/", 1)[1]
    if not pieces or part == "overlays":
        yield Node(name.removesuffix(".squashfs"), size, part)
        return
    for piece in pieces:
        alone = path == layout.layer_path("base") or piece.kind == "tree"
        yield Node(piece.name if alone else f"{piece.name}: {name}", piece.size, part)


def gathered(inside: Sequence[Node], least: float) -> list[Node]:
    """Return nodes with all that are smaller than so many bytes as one; the largest first."""
    large = [node for node in inside if node.size >= least]
    small = [node for node in inside if node.size < least]
    if len(small) < 2:
        return list(inside)
    more = Node(f"{len(small)} more", sum(node.size for node in small), small[0].part)
    return sorted([*large, more], key=lambda node: (-node.size, node.name))


def picture(top: Sequence[Node], width: float, height: float) -> list[Cell]:
    """Return the cells of a picture of this size, in pixels.

    Args:
        top: what `nodes` returned.
        width: of the picture.
        height: of the picture.
    """
    total = sum(node.size for node in top)
    rects = squarify([node.size for node in top], Rect(0, 0, width, height))
    found: list[Cell] = []
    for node, rect in zip(top, rects, strict=True):
        found += _part(node, rect, total)
    return found


def _part(node: Node, rect: Rect, total: int) -> Iterator[Cell]:
    inner = rect.inset(GAP)
    if not node.inside or min(inner.width, inner.height) < SIDE:
        yield Cell(inner, node.part, _title(node, total), _labels(node, inner))
        return
    its = sum(child.size for child in node.inside)
    shown = gathered(node.inside, LEAST * its / (inner.width * inner.height))
    places = squarify([max(child.size, 1) for child in shown], inner)
    for child, place in zip(shown, places, strict=True):
        cell = place.inset(GAP / 2)
        title = f"{_title(child, total)}, in {node.name}"
        yield Cell(cell, node.part, title, _labels(child, cell))


def _title(node: Node, total: int) -> str:
    return f"{node.name}: {sizes.mb(node.size)}, {100 * node.size / total:.1f} % of the disc"


def _labels(node: Node, rect: Rect) -> tuple[labels.Label, ...]:
    return labels.block(node.name, sizes.mb(node.size), rect)

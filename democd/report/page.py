"""The page: what is told of a disc, put into the template."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2
from markupsafe import Markup

from democd import sizes
from democd.boots import Boot
from democd.holdings import Deb, Holdings
from democd.report import bars
from democd.report.cells import Cell, nodes, picture
from democd.report.changes import Changes, day

HERE = Path(__file__).parent
TEMPLATE = "report.html.j2"
FIRST = 25
"""Packages that the page shows at once; the others can be unfolded."""


@dataclass(frozen=True)
class Frame:
    """A treemap of one size in pixels; `name` tells on which screens it is shown."""

    name: str
    width: int
    height: int


FRAMES = (Frame("wide", 1160, 640), Frame("middle", 700, 620), Frame("narrow", 360, 600))


@dataclass(frozen=True)
class Subject:
    """What a page tells of.

    Attributes:
        holdings: the disc.
        own: its last boots, one for each machine.
        others: those of other builds of its recipe.
        changes: since the build before; None if none is known.
    """

    holdings: Holdings
    own: Sequence[Boot] = ()
    others: Sequence[Boot] = ()
    changes: Changes | None = None


@dataclass(frozen=True)
class PackageRow:
    """A package, and the bytes that it takes in the layers; 0 if the disc has no file of it."""

    deb: Deb
    size: int


def render(subject: Subject) -> str:
    """Return the page; the same text for the same subject."""
    holdings = subject.holdings
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_plain,
    )
    environment.filters |= {"mb": sizes.mb, "slug": slug, "day": day, "signed": signed}
    top = nodes(holdings)
    shown = bars.bars(subject.own, subject.others)
    longest = max((bar.seconds for bar in shown), default=0.0)
    rows = packages(holdings)
    return environment.get_template(TEMPLATE).render(
        disc=holdings,
        about=holdings.about,
        taken=holdings.sizes,
        parts=top,
        frames=[(frame, _drawn(picture(top, frame.width, frame.height))) for frame in FRAMES],
        packages=rows,
        first=FIRST,
        bars=shown,
        longest=longest or 1.0,
        ticks=bars.ticks(longest),
        stages=bars.COLOURS,
        changes=subject.changes,
    )


def packages(holdings: Holdings) -> list[PackageRow]:
    """Return all packages, those that take the most first."""
    taken: Counter[str] = Counter()
    for pieces in holdings.pieces.values():
        for piece in pieces:
            if piece.kind == "package":
                taken[piece.name] += piece.size
    rows = [PackageRow(deb, taken[deb.name]) for deb in holdings.packages]
    return sorted(rows, key=lambda row: (-row.size, row.deb.name))


def _drawn(cells: Sequence[Cell]) -> list[Cell]:
    """Return the cells that can be seen."""
    return [cell for cell in cells if cell.rect.width > 0 and cell.rect.height > 0]


def _plain(value: object) -> object:
    """Return a text without what no page may have, or what would turn its lines about."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return "".join(
        letter if letter.isprintable() or letter in "\n\t" else "\ufffd" for letter in value
    )


def slug(name: str) -> str:
    """Return a name as a word for a class of CSS."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def signed(size: int) -> str:
    """Return how many bytes more or fewer, for a person."""
    sign = "+" if size > 0 else "−" if size < 0 else "±"
    return f"{sign}{sizes.mb(abs(size))}"

"""What has changed since the build before, as the page tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from democd.differing import Difference
from democd.previous import Snapshot

SHOWN = 200
"""Files of a layer, and lines of a text, that the page names; `build.py diff` has all."""


@dataclass(frozen=True)
class Row:
    """What was one thing and is another; "" for what was, or is, not there."""

    name: str
    was: str
    now: str


@dataclass(frozen=True)
class PartRow:
    """The bytes of a part then and now."""

    name: str
    was: int
    now: int


@dataclass(frozen=True)
class FileRow:
    """A file that changed; `how` is `added`, `removed` or `changed`, sizes are in bytes."""

    name: str
    how: str
    was: int = 0
    now: int = 0
    more: str = ""


@dataclass(frozen=True)
class Inside:
    """What in a layer or an initrd changed; `more` files are not named."""

    path: str
    rows: tuple[FileRow, ...]
    more: int
    packing: str


@dataclass(frozen=True)
class Text:
    """Lines of a text that changed, as a unified diff has them."""

    path: str
    lines: tuple[str, ...]
    more: int


@dataclass(frozen=True)
class Changes:
    """What differs between a disc and one of before.

    Attributes:
        version: of the old one.
        date: the old one's.
        summary: in a sentence.
        facts: what the discs tell of themselves.
        parts: bytes of each then and now, those of which something changed.
        total: bytes of all.
        packages: upgraded, added and removed ones.
        files: of the disc itself.
        inside: of layers and initrds, if the old disc itself was compared.
        texts: likewise.
    """

    version: str
    date: str
    summary: str
    facts: tuple[Row, ...]
    parts: tuple[PartRow, ...]
    total: PartRow
    packages: tuple[Row, ...]
    files: tuple[FileRow, ...]
    inside: tuple[Inside, ...] = ()
    texts: tuple[Text, ...] = ()


def between(old: Snapshot, new: Snapshot, full: Difference | None = None) -> Changes:
    """Return what differs.

    Args:
        old: the disc of before.
        new: the disc.
        full: the same as `build.py diff` has found it, in layers and initrds too.
    """
    packages = tuple(_rows(old.packages, new.packages))
    files = tuple(_files(old, new))
    parts = tuple(
        PartRow(name, old.parts.get(name, 0), new.parts.get(name, 0))
        for name in dict.fromkeys([*new.parts, *old.parts])
        if old.parts.get(name, 0) != new.parts.get(name, 0)
    )
    told = [("version", old.version, new.version), ("date", day(old.date), day(new.date))]
    facts = (
        *(Row(*it) for it in told if it[1] != it[2]),
        *_rows(old.facts, new.facts),
    )
    return Changes(
        old.version,
        day(old.date),
        _summary(packages, files, new.size - old.size),
        facts,
        parts,
        PartRow("all", old.size, new.size),
        packages,
        files,
        *_inside(full),
    )


def day(date: int) -> str:
    """Return a date, in UTC."""
    return datetime.fromtimestamp(date, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _rows(old: Mapping[str, str], new: Mapping[str, str]) -> list[Row]:
    both = [Row(name, old.get(name, ""), new.get(name, "")) for name in sorted({*old, *new})]
    return [row for row in both if row.was != row.now]


def _files(old: Snapshot, new: Snapshot) -> list[FileRow]:
    found = []
    for name in sorted({*old.files, *new.files}):
        was, now = old.files.get(name), new.files.get(name)
        if was and now and was != now:
            found.append(FileRow(name, "changed", was[0], now[0]))
        elif was and not now:
            found.append(FileRow(name, "removed", was=was[0]))
        elif now and not was:
            found.append(FileRow(name, "added", now=now[0]))
    return found


def _summary(packages: tuple[Row, ...], files: tuple[FileRow, ...], more: int) -> str:
    counts = {
        "upgraded or changed": sum(bool(row.was and row.now) for row in packages),
        "added": sum(not row.was for row in packages),
        "removed": sum(not row.now for row in packages),
    }
    told = [f"{count} {how}" for how, count in counts.items() if count]
    of_packages = f"packages: {', '.join(told)}" if told else "the same packages"
    size = "the same size" if not more else f"{abs(more):,} bytes {'more' if more > 0 else 'less'}"
    word = "file" if len(files) == 1 else "files"
    return f"{of_packages}; {len(files)} {word} of the disc changed; {size}"


def _inside(full: Difference | None) -> tuple[tuple[Inside, ...], tuple[Text, ...]]:
    if full is None:
        return (), ()
    inside = tuple(
        Inside(
            part.path,
            tuple(
                FileRow(file.name, file.how, more="; ".join([*file.what, *_of(file.package)]))
                for file in part.files[:SHOWN]
            ),
            max(len(part.files) - SHOWN, 0),
            "; ".join(part.packing),
        )
        for part in full.parts
    )
    texts = tuple(
        Text(path, lines[:SHOWN], max(len(lines) - SHOWN, 0)) for path, lines in full.texts.items()
    )
    return inside, texts


def _of(package: str) -> list[str]:
    return [f"of {package}"] if package else []

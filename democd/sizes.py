"""What takes how much of the medium: the disc's files by part, what is left, and how it is told."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from democd import layout

BLOCK = 2048
"""Bytes: every file on an ISO 9660 volume takes whole blocks (ECMA-119, 6.2)."""

PARTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("system", (layout.layer_path("base"),)),
    ("sources", (layout.layer_path(layout.SOURCES),)),
    ("own parts", tuple(map(layout.layer_path, layout.OWN_LAYERS))),
    ("overlays", (layout.layer_path("*"),)),
    ("hypervisor", (layout.XEN,)),
    ("kernels", (*layout.KERNEL.values(), layout.TEST_KERNEL)),
    ("initrds", tuple(layout.INITRD.values())),
    ("boot loader", (f"{layout.GRUB_FOLDER}/*", f"{layout.NET_FOLDER}/*", "/EFI/*")),
    ("guests", (f"{layout.GUESTS}/*",)),
    ("installer", (layout.INSTALLER,)),
    ("texts", (layout.README, layout.PACKAGES, layout.MANIFEST, layout.SBOM, *layout.UNLISTED)),
    ("other files", ("*",)),
)
"""Each part of a disc and which paths belong to it (fnmatch: * crosses slashes), first match
first."""

STRUCTURE = "ISO 9660"
"""The part that is no file: descriptors, folders, padding, partition tables."""


@dataclass(frozen=True)
class Part:
    """A part of the disc, and the bytes that it takes of the medium."""

    name: str
    size: int


@dataclass(frozen=True)
class Sizes:
    """What takes how much of a medium; in bytes.

    Attributes:
        medium: its name, such as `cd80`.
        capacity: what it holds.
        parts: what is on it, the largest first.
        total: of all parts, which is the ISO's size.
        left: of the medium; negative if the disc is too big.
    """

    medium: str
    capacity: int
    parts: tuple[Part, ...]
    total: int
    left: int

    def percent(self, size: int) -> float:
        """Return the share of the medium that some bytes take, to a tenth of a per cent."""
        return round(100 * size / self.capacity, 1)

    def as_json(self) -> dict[str, object]:
        """Return them as the manifest tells them."""
        return {
            "parts": [
                {"name": part.name, "bytes": part.size, "percent": self.percent(part.size)}
                for part in self.parts
            ],
            "bytes": self.total,
            "left": self.left,
        }


def of_files(files: Mapping[str, int], total: int, medium: str, capacity: int) -> Sizes:
    """Return the sizes of a disc's parts.

    Args:
        files: bytes of every file by its path on the disc.
        total: of the ISO.
        medium: what it must fit.
        capacity: bytes that this holds.
    """
    sizes: dict[str, int] = {}
    for path, size in files.items():
        name = part_of(path)
        sizes[name] = sizes.get(name, 0) + -(-size // BLOCK) * BLOCK
    sizes[STRUCTURE] = total - sum(sizes.values())
    parts = sorted((Part(*item) for item in sizes.items()), key=lambda it: (-it.size, it.name))
    return Sizes(medium, capacity, tuple(parts), total, capacity - total)


def longest(files: Mapping[str, object], medium: str, capacity: int) -> Sizes:
    """Return sizes that take as many characters to tell as those of any disc of these files.

    No part of a disc that fits its medium is larger than that. So who must know how long the
    manifest will be before there are sizes to tell in it asks here.
    """
    names = sorted({STRUCTURE, *map(part_of, files)})
    parts = tuple(Part(name, capacity) for name in names)
    return Sizes(medium, capacity, parts, capacity, capacity)


def part_of(path: str) -> str:
    """Return the name of the part that a path on the disc belongs to."""
    return next(
        name
        for name, patterns in PARTS
        if any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns)
    )


def rows(sizes: Sizes) -> Iterator[tuple[str, float]]:
    """Give the table for people: a line for each part, and for what is left, with its per cent."""
    for part in sizes.parts:
        percent = sizes.percent(part.size)
        yield f"{part.name:<12} {mb(part.size):>9}  {percent:5.1f} %", percent
    if sizes.left < 0:
        yield f"{'too much':<12} {mb(-sizes.left):>9}", 0
    else:
        percent = sizes.percent(sizes.left)
        left = f"{f'left on {sizes.medium}':<12} {mb(sizes.left):>9}  {percent:5.1f} %"
        yield f"{left} of {mb(sizes.capacity)}", percent


def lines(sizes: Sizes) -> list[str]:
    """Return the same without a terminal."""
    return [line for line, _ in rows(sizes)]


def mb(size: int) -> str:
    """Return bytes in the megabytes (10**6) that media are sold by; what is small in kB."""
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.0f} kB"

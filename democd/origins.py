"""Which source packages a Debian root was built from, and which of them an archive has.

A binary package names its source in the field Source, with a version of its own if that is
another one (a rebuild, `+b1`). A signed kernel comes from a source that only holds signatures;
what it was compiled from stands in Built-Using (Debian Policy, 7.8).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from democd.errors import Mistakes
from democd.formats.deb822 import exact_relations, stanzas

_SOURCE = re.compile(r"(\S+)(?:\s+\((\S+)\))?")


@dataclass(frozen=True)
class Origin:
    """A source package, in the very version that packages of the root were built from.

    Attributes:
        packages: those packages, sorted.
    """

    name: str
    version: str
    packages: tuple[str, ...]


@dataclass(frozen=True)
class Offered:
    """A source package as an archive has it: sizes in bytes by file name."""

    name: str
    version: str
    files: Mapping[str, int]


def of_root(status: str) -> tuple[Origin, ...]:
    """Return all that the packages of a dpkg status file were built from, sorted."""
    found: dict[tuple[str, str], set[str]] = {}
    for fields in stanzas(status):
        package = fields["Package"]
        match = _SOURCE.fullmatch(fields.get("Source", package))
        name, version = match.groups() if match else (package, None)
        pairs = [(name, version or fields["Version"])]
        pairs += exact_relations(fields.get("Built-Using", ""))
        for pair in pairs:
            found.setdefault(pair, set()).add(package)
    return tuple(Origin(*pair, tuple(sorted(found[pair]))) for pair in sorted(found))


def wanted(names: Iterable[str], origins: Sequence[Origin]) -> tuple[Origin, ...]:
    """Return the origins of some names, in their order.

    Raises:
        Mistakes: one for each name that no package of the root was built from.
    """
    chosen: list[Origin] = []
    missing = []
    for name in names:
        of_name = [origin for origin in origins if origin.name == name]
        chosen += of_name
        if not of_name:
            missing.append(
                (
                    f"sources.packages: nothing on the disc was built from {name!r}",
                    "write names of Debian source packages, as the last column of the disc's "
                    "packages.txt has them",
                )
            )
    if missing:
        raise Mistakes(missing)
    return tuple(chosen)


def offered(showsrc: str) -> tuple[Offered, ...]:
    """Return the source packages that `apt-cache showsrc` tells of, once each."""
    found: dict[tuple[str, str], Offered] = {}
    for fields in stanzas(showsrc):
        lines = [line.split() for line in fields.get("Checksums-Sha256", "").splitlines() if line]
        sizes = {name: int(size) for _, size, name in lines}
        key = (fields["Package"], fields["Version"])
        found.setdefault(key, Offered(*key, sizes))
    return tuple(found.values())


def matched(
    origins: Iterable[Origin], archive: Sequence[Offered]
) -> dict[tuple[str, str], Offered]:
    """Return what the archive has for each origin, by its name and version.

    Raises:
        Mistakes: one for each whose very version the archive has not; another version is no
            source of what is on the disc.
    """
    found: dict[tuple[str, str], Offered] = {}
    missing = []
    for origin in origins:
        there = {item.version: item for item in archive if item.name == origin.name}
        if origin.version in there:
            found[origin.name, origin.version] = there[origin.version]
            continue
        has = ", ".join(there) or "none at all"
        missing.append(
            (
                f"{origin.name} on the disc was built from version {origin.version}, and the "
                f"archive's source is another: {has}",
                "the archive has moved on: --refresh makes the root anew, with its packages of "
                "today; or set root.mirror to one that stands still",
            )
        )
    if missing:
        raise Mistakes(missing)
    return found

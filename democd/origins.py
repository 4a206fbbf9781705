"""Which source packages a Debian root was built from, and which of them an archive has.

A binary package names its source in the field Source, with a version of its own if that is
another one (a rebuild, `+b1`). A signed kernel comes from a source that only holds signatures;
what it was compiled from stands in Built-Using, and what a program was linked with for good in
Static-Built-Using (Debian Policy, 7.8).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from democd.errors import Mistakes
from democd.formats.deb822 import exact_relations, stanzas

MOVED_ON = (
    "the archive has moved on: --refresh makes the root anew, with its packages of today; or set "
    "root.mirror to one that stands still; or fetch from archives as they were: --snapshot TIME"
)

USES = ("Built-Using", "Static-Built-Using")
"""Fields that name further sources of a binary package, each with its version."""

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
class Binary:
    """A binary package of the root.

    Attributes:
        sources: name and version of each source package that it was built from, with the field
            that says so: `Source`, or one of `USES`.
    """

    name: str
    version: str
    architecture: str
    sources: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Offered:
    """A source package as an archive has it.

    Attributes:
        files: sizes in bytes by file name.
        sums: SHA-256 of each, in hexadecimal.
        entry: all fields of the archive's list.
    """

    name: str
    version: str
    files: Mapping[str, int]
    sums: Mapping[str, str] = field(default_factory=dict)
    entry: Mapping[str, str] = field(default_factory=dict)

    def size(self) -> int:
        """Return the bytes of all files."""
        return sum(self.files.values())


def binaries(status: str) -> tuple[Binary, ...]:
    """Return the packages of a dpkg status file with what each was built from, sorted."""
    found = []
    for fields in stanzas(status):
        package = fields["Package"]
        match = _SOURCE.fullmatch(fields.get("Source", package))
        name, version = match.groups() if match else (package, None)
        sources = [(name, version or fields["Version"], "Source")]
        for use in USES:
            known = {source[:2] for source in sources}
            pairs = dict.fromkeys(exact_relations(fields.get(use, "")))
            sources += [(*pair, use) for pair in pairs if pair not in known]
        about = (package, fields["Version"], fields.get("Architecture", ""))
        found.append(Binary(*about, tuple(sources)))
    return tuple(sorted(found, key=lambda binary: (binary.name, binary.architecture)))


def of_root(status: str) -> tuple[Origin, ...]:
    """Return all that the packages of a dpkg status file were built from, sorted."""
    found: dict[tuple[str, str], set[str]] = {}
    for binary in binaries(status):
        for name, version, _ in binary.sources:
            found.setdefault((name, version), set()).add(binary.name)
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
        sums = {name: digest for digest, _, name in lines}
        key = (fields["Package"], fields["Version"])
        found.setdefault(key, Offered(*key, sizes, sums, fields))
    return tuple(found.values())


def matched(
    origins: Iterable[Origin], archive: Sequence[Offered]
) -> dict[tuple[str, str], Offered]:
    """Return what the archive has for each origin, by its name and version.

    Raises:
        Mistakes: one for each whose very version the archive has not; another version is no
            source of what is on the disc.
    """
    origins = list(origins)
    missing = [
        (
            f"{origin.name} on the disc was built from version {origin.version}, and the "
            f"archive's source is another: {has}",
            MOVED_ON,
        )
        for origin, has in lacking(origins, archive).items()
    ]
    if missing:
        raise Mistakes(missing)
    there = {(item.name, item.version): item for item in archive}
    return {pair: there[pair] for origin in origins if (pair := (origin.name, origin.version))}


def lacking(origins: Iterable[Origin], archive: Sequence[Offered]) -> dict[Origin, str]:
    """Return those whose very version an archive has not, each with the versions that it has."""
    found = {}
    for origin in origins:
        has = [item.version for item in archive if item.name == origin.name]
        if origin.version not in has:
            found[origin] = ", ".join(has) or "none at all"
    return found

"""Which Debian package a file of the root belongs to, by what dpkg has kept of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

INFO = "var/lib/dpkg/info"
LISTS = f"{INFO}/*.list"

ALIASES = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
"""Folders that are links into /usr; lists of packages name what is in there by either way."""

_BYTE_CODE = re.compile(r"(.*/)?__pycache__/([^/]+)\.[a-z]+-\d+(?:\.opt-\d)?\.pyc")
_PACKED = re.compile(r"(\.ko)\.(?:xz|zst|gz)$")


@dataclass(frozen=True)
class Owners:
    """The packages of a root's files.

    Attributes:
        names: of all packages.
        paths: the package of each path, by its one name; "" where several have it.
    """

    names: frozenset[str] = frozenset()
    paths: Mapping[str, str] = field(default_factory=dict)

    def of(self, name: str) -> str:
        """Return the package of a path; "" if it is none's, or several have it.

        What Python compiles while a package is installed belongs to that, and so does what dpkg
        itself keeps of it.
        """
        if name.startswith(f"{INFO}/"):
            found = _package(name.removeprefix(f"{INFO}/"))
            return found if found in self.names else ""
        if match := _BYTE_CODE.fullmatch(name):
            name = f"{match[1] or ''}{match[2]}.py"
        return self.paths.get(plain(name), "")


def read(folder: Path) -> Owners:
    """Return what the lists in a folder tell: var/lib/dpkg/info of a root; links are none."""
    paths: dict[str, str] = {}
    lists = [path for path in sorted(folder.glob("*.list")) if not path.is_symlink()]
    for path in lists:
        package = _package(path.name)
        for line in path.read_text(errors="surrogateescape").splitlines():
            name = plain(line)
            paths[name] = package if paths.get(name, package) == package else ""
    return Owners(frozenset(_package(path.name) for path in lists), paths)


def plain(name: str) -> str:
    """Return the one name of a path: below /usr, a module without its packing."""
    name = name.lstrip("/")
    if name.partition("/")[0] in ALIASES:
        name = f"usr/{name}"
    return _PACKED.sub(r"\1", name)


def _package(file: str) -> str:
    """Return the package of a file that dpkg keeps: `bash.list`, `libc6:amd64.md5sums`."""
    return file.rpartition(".")[0].partition(":")[0]

"""Where the host's programs are, and which Debian package has a missing one."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from democd.errors import BuildError, Mistakes

TABLE = Path(__file__).with_name("tools.txt")
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Tool:
    """A program (or folder) of the host, the Debian package it comes in, and who needs it."""

    name: str
    package: str
    level: str


def known_tools() -> tuple[Tool, ...]:
    """Return the table of host programs, in the file's order."""
    lines = TABLE.read_text().splitlines()
    return tuple(Tool(*line.split()) for line in lines if line and not line.startswith("#"))


def find_tool(name: str) -> str:
    """Return the path of a program; a path is returned as it is.

    Raises:
        BuildError: it is not installed; the hint names the Debian package.
    """
    if "/" in name:
        return name
    found = shutil.which(name, path=SEARCH_PATH)
    if found is None:
        raise BuildError(f"{name} is not installed", _remedy([name]))
    return found


def require(names: Iterable[str]) -> None:
    """Check that programs are there.

    Raises:
        Mistakes: one for each that is missing.
    """
    missing = [name for name in names if shutil.which(name, path=SEARCH_PATH) is None]
    if missing:
        raise Mistakes([(f"{name} is not installed", _remedy([name])) for name in missing])


def _remedy(names: list[str]) -> str:
    packages = [tool.package for tool in known_tools() if tool.name in names]
    return f"apt install {' '.join(packages)} (or: make setup)" if packages else "install it"

"""The lock: every package of a root, by version and SHA-256, and what it was made for.

As a file it is TOML with a line for each package, sorted, so that a difference between two is a
difference between their lines. It names no mirror: any that has the packages will do, since each
is told by its digest.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from democd import archives
from democd.errors import InputError
from democd.recipe import Recipe

FORMAT = 1
ARCHITECTURE = "amd64"
SUFFIX = ".lock"
AGAIN = "write it anew: ./build.py lock"

_HEAD = (
    "# Every package of a Debian root, written by `./build.py lock`; `--locked` builds from it.\n"
)
_FIELDS = {
    "version": r"[0-9][A-Za-z0-9.+:~-]*",
    "architecture": r"amd64|all",
    "size": r"[0-9]{1,12}",
    "sha256": r"[0-9a-f]{64}",
    "path": r"(?!.*/\.)[a-z-]+(/[A-Za-z0-9.+~_-]+)+\.deb",
}
"""What each value of a package looks like. No part of a path begins with a dot."""

_NAME = r"[a-z0-9][a-z0-9+.-]+"  # Debian Policy, 5.6.1


@dataclass(frozen=True)
class Locked:
    """A binary package.

    Attributes:
        size: bytes of the .deb.
        sha256: of the .deb, in hexadecimal.
        path: the name of its archive, and its path in there.
    """

    name: str
    version: str
    architecture: str
    size: int
    sha256: str
    path: str

    def __str__(self) -> str:
        """Return the package as a person is told of it."""
        return f"{self.name} {self.version}"


@dataclass(frozen=True)
class Lock:
    """All packages of a root.

    Attributes:
        suite: the Debian release.
        components: of the archive.
        names: the packages that the recipe asks for; the others come with them.
        time: of the newest signed Release file, as snapshots are named.
        releases: SHA-256 of each suite's signed index, by archive and suite.
        tools: versions of the host's programs when it was written.
        packages: sorted by name.
    """

    suite: str
    components: tuple[str, ...]
    names: tuple[str, ...]
    time: str
    packages: tuple[Locked, ...]
    releases: Mapping[str, str] = field(default_factory=dict)
    tools: Mapping[str, str] = field(default_factory=dict)

    @property
    def date(self) -> int:
        """Seconds since 1970 of `time`."""
        return archives.seconds(self.time)

    @property
    def size(self) -> int:
        """Bytes of all packages."""
        return sum(package.size for package in self.packages)


def text(lock: Lock) -> str:
    """Return a lock as a file; the same lock is the same text."""
    lines = [
        _HEAD,
        f"format = {FORMAT}",
        f"suite = {_quoted(lock.suite)}",
        f"components = [{', '.join(map(_quoted, lock.components))}]",
        f"architecture = {_quoted(ARCHITECTURE)}",
        f"time = {_quoted(lock.time)}  # of the newest Release, UTC",
        "names = [",
        *(f"    {_quoted(name)}," for name in sorted(lock.names)),
        "]",
    ]
    for title, table in (("releases", lock.releases), ("tools", lock.tools)):
        lines += ["", f"[{title}]"]
        lines += [f"{_quoted(name)} = {_quoted(table[name])}" for name in sorted(table)]
    lines += ["", "[packages]"]
    for package in sorted(lock.packages, key=lambda package: package.name):
        values = ", ".join(f"{name} = {json.dumps(getattr(package, name))}" for name in _FIELDS)
        lines.append(f"{_quoted(package.name)} = {{ {values} }}")
    return "\n".join(lines) + "\n"


def _quoted(value: str) -> str:
    return json.dumps(value)  # a string of JSON is one of TOML


def read(path: Path) -> Lock:
    """Return the lock in a file.

    Raises:
        InputError: there is none, or it is not one that `text` wrote.
    """
    try:
        content = path.read_bytes().decode()
    except FileNotFoundError:
        raise InputError(f"there is no lock {path}", "write one: ./build.py lock") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}", "write one: ./build.py lock") from None
    return parse(content, str(path))


def parse(content: str, where: str) -> Lock:
    """Return the lock that a text tells of.

    Args:
        content: as `text` gives it.
        where: its name, for messages.

    Raises:
        InputError: it is not such a text.
    """
    try:
        told = tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{where} is not TOML: {error}", AGAIN) from None
    if told.get("format") != FORMAT:
        raise InputError(f"{where} is no lock of format {FORMAT}", AGAIN)
    try:
        lock = Lock(
            suite=_word(told["suite"]),
            components=tuple(map(_word, told["components"])),
            names=tuple(_matching(_NAME, name) for name in told["names"]),
            time=_matching(r"\d{8}T\d{6}Z", told["time"]),
            packages=tuple(_package(*item) for item in sorted(told["packages"].items())),
            releases={_word(name): _word(value) for name, value in told["releases"].items()},
            tools={_word(name): _word(value) for name, value in told["tools"].items()},
        )
        _ = lock.date
    except KeyError as error:
        raise InputError(f"{where} lacks {error}", AGAIN) from None
    except (ValueError, TypeError, AttributeError) as error:
        raise InputError(f"{where} is no lock: {error}", AGAIN) from None
    return lock


def _package(name: str, values: Mapping[str, Any]) -> Locked:
    try:
        if strange := set(values) ^ set(_FIELDS):
            raise ValueError(f"it has or lacks {', '.join(sorted(strange))}")
        right = {key: _matching(_FIELDS[key], str(values[key])) for key in _FIELDS}
        return Locked(name=_matching(_NAME, name), **{**right, "size": int(right["size"])})  # type: ignore[arg-type]
    except (ValueError, TypeError) as error:
        raise ValueError(f"packages.{name}: {error}") from None


def _word(value: Any) -> str:
    return _matching(r"[ -~]*", value)


def _matching(pattern: str, value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(pattern, value):
        raise ValueError(f"{value!r} cannot stand there")
    return value


def refuse_other(lock: Lock, recipe: Recipe, names: Sequence[str], where: str) -> None:
    """Check that a lock was made for what a recipe asks for.

    Args:
        lock: it.
        recipe: its [root].
        names: the packages that it asks for.
        where: the lock's name, for messages.

    Raises:
        InputError: it was not; it says what differs.
    """
    wanted = (recipe.root.suite, sorted(recipe.root.components))
    had = (lock.suite, sorted(lock.components))
    told = []
    if wanted != had:
        told.append(f"the recipe wants {_release(*wanted)}, the lock has {_release(*had)}")
    new, gone = sorted({*names} - {*lock.names}), sorted({*lock.names} - {*names})
    told += [f"not in the lock: {', '.join(new)}"] if new else []
    told += [f"no longer asked for: {', '.join(gone)}"] if gone else []
    if told:
        raise InputError(
            f"{where} was made for other packages than the recipe asks for",
            "\n".join([*told, AGAIN]),
        )


def _release(suite: str, components: Sequence[str]) -> str:
    return f"{suite} {' '.join(components)}"


def other_tools(lock: Lock, tools: Mapping[str, str]) -> list[str]:
    """Return a sentence for each program of the host that is another than when it was written."""
    return [
        f"{name} is {tools.get(name, 'not there')}, and was {version} when the lock was written; "
        "the disc should be the same: if it is not, look there first"
        for name, version in sorted(lock.tools.items())
        if tools.get(name) != version
    ]

"""What is in a kept result, with the SHA-256 of each file: so damage to it is noticed.

The file `.sums` in a result has two lines: the SHA-256 of the second, and a JSON object with::

    files   path -> ["folder"], ["link", TARGET] or ["file", SIZE, EXECUTABLE, SHA-256]
    later   starts of paths whose content is compared only before something is made from it

A power cut, a bad disk or somebody's editor may change a result; so may a bit that flips and leaves
every time as it was. None of that is trusted.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from democd.digests import kept_digests
from democd.errors import BuildError

FILE = ".sums"
LOG = ".log"
"""How the names of files end that tell how a result was made; they are no part of what it is."""


class DamagedError(BuildError):
    """A kept result is not what was once put there.

    Args:
        result: its folder.
        what: what is wrong with it; a few words.
    """

    def __init__(self, result: Path, what: str) -> None:
        super().__init__(f"{result} is damaged: {what}", "remove that folder")
        self.result = result
        self.what = what


@dataclass(frozen=True)
class Sums:
    """What is in a result.

    Attributes:
        files: by path, as in `.sums`.
        later: starts of paths whose content `check` leaves alone, unless it is to check all.
    """

    files: Mapping[str, Sequence[Any]]
    later: tuple[str, ...]

    def size(self) -> int:
        """Return the bytes of all files."""
        return sum(what[1] for what in self.files.values() if what[0] == "file")

    def content(self) -> str:
        """Return what stands for all that is in the result: same files, same 16 digits."""
        told = {path: what for path, what in self.files.items() if not path.endswith(LOG)}
        text = json.dumps(told, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def write(folder: Path, later: Sequence[str] = ()) -> Sums:
    """Read all of a new result, and put its sums into it."""
    found = dict(_look(folder, ""))
    names = [path for path, what in found.items() if what[0] == "file"]
    digests = kept_digests(folder / name for name in names)
    for name, digest in zip(names, digests, strict=True):
        found[name] = [*found[name], digest]
    sums = Sums(found, tuple(later))
    text = json.dumps({"files": sums.files, "later": sums.later}, sort_keys=True)
    (folder / FILE).write_text(f"{_digest(text)}\n{text}\n", encoding="ascii")
    return sums


def check(result: Path, *, whole: bool = False) -> Sums:
    """Compare a result with its sums.

    Args:
        result: its folder.
        whole: compare the content of every file, those for later as well.

    Raises:
        DamagedError: it has another file, or one less, or another content; or no sums.
    """
    try:
        sums = read(result)
        _compare(result, sums, whole=whole)
    except OSError as error:
        name = Path(error.filename or result).name
        raise DamagedError(result, f"{name} cannot be read: {error.strerror}") from error
    return sums


def read(result: Path) -> Sums:
    """Return the sums of a result; nothing is compared with them.

    Raises:
        DamagedError: there are none, or they have changed.
        OSError: they cannot be read.
    """
    try:
        head, text = (result / FILE).read_text(encoding="ascii").splitlines()
    except FileNotFoundError:
        raise DamagedError(result, "it has no sums") from None
    except ValueError:
        raise DamagedError(result, "its sums are none") from None
    if head != _digest(text):
        raise DamagedError(result, "its sums have changed")
    told = json.loads(text)
    return Sums(told["files"], tuple(told["later"]))


def _compare(result: Path, sums: Sums, *, whole: bool) -> None:
    there = dict(_look(result, ""))
    for name in sorted(sums.files.keys() | there.keys()):
        was, now = sums.files.get(name), there.get(name)
        if now is None:
            raise DamagedError(result, f"{name} is gone")
        if was is None:
            raise DamagedError(result, f"{name} does not belong there")
        if list(was[: len(now)]) != now:
            raise DamagedError(result, f"{name} has changed")
    names = [
        name
        for name, what in sums.files.items()
        if what[0] == "file" and (whole or not name.startswith(sums.later))
    ]
    digests = kept_digests(result / name for name in names)
    for name, digest in zip(names, digests, strict=True):
        if digest != sums.files[name][-1]:
            raise DamagedError(result, f"{name} has changed")


def _look(top: Path, below: str) -> Iterator[tuple[str, list[Any]]]:
    """Give each path below `top` with what is there, but for the content of files."""
    with os.scandir(top / below) as entries:
        for entry in entries:
            path = f"{below}{entry.name}"
            if path == FILE:
                continue
            status = entry.stat(follow_symlinks=False)
            if stat.S_ISDIR(status.st_mode):
                yield path, ["folder"]
                yield from _look(top, f"{path}/")
            elif stat.S_ISLNK(status.st_mode):
                yield path, ["link", os.readlink(entry.path)]  # noqa: PTH115
            elif stat.S_ISREG(status.st_mode):
                yield path, ["file", status.st_size, bool(status.st_mode & 0o100)]
            else:
                yield path, ["node", stat.S_IFMT(status.st_mode)]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

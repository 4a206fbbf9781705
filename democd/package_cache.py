"""A cache of Debian packages by their SHA-256, which several builds may share.

Layout::

    lock            held, shared, by each build that uses the cache; alone, by who removes of it
    SHA256.deb      a package; its time is that of its last use
    .new-…          one on its way; gone when nobody holds the lock

A package appears by rename. Each is hashed at each use, under the name that the user keeps: what
was found right cannot be taken away or changed for another behind it.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from democd.digests import file_digest

BOUND = 2 << 30
"""Bytes that a cache may have, by default: some eight sets of packages of the full disc."""

MODE = 0o644
"""Of all that apt reads, whatever the umask: it may do so as a user of its own."""

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_NAME = re.compile(r"([0-9a-f]{64})\.deb")


@dataclass(frozen=True)
class Kept:
    """A package in the cache; `used` is in seconds since 1970."""

    digest: str
    size: int
    used: float


@dataclass(frozen=True)
class Pruned:
    """What was removed."""

    packages: int
    size: int


def bytes_of(text: str) -> int | None:
    """Return the bytes of a size such as 500M or 2G (binary units); None if it is none."""
    match = re.fullmatch(r"(\d{1,12})([KMGT]?)(?:i?B)?", text.strip(), re.IGNORECASE)
    return int(match[1]) * _UNITS[match[2].upper()] if match else None


def surplus(kept: Collection[Kept], bound: int, spare: Collection[str] = ()) -> list[Kept]:
    """Return what must go so that a cache has no more than `bound` bytes: the longest unused.

    Args:
        kept: all that is there.
        bound: bytes.
        spare: digests of what stays in any case, though the cache be too big then.
    """
    rest = sum(item.size for item in kept)
    going = []
    for item in sorted(kept, key=lambda item: (item.used, item.digest)):
        if rest <= bound:
            break
        if item.digest not in spare:
            going.append(item)
            rest -= item.size
    return going


class Cache:
    """Packages by SHA-256.

    Args:
        folder: is made when it is first used.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Hold the cache for a build: meanwhile nobody removes of it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH)
            yield

    def take(self, digest: str, size: int, target: Path, say: Callable[[str], None]) -> bool:
        """Put a package at `target`, as a link where that can be; hash it there.

        Args:
            digest: its SHA-256.
            size: its bytes.
            target: a path at which there is nothing.
            say: told of a package that is damaged, which is dropped.

        Returns:
            whether the cache had it, whole.
        """
        path = self._path(digest)
        try:
            _link(path, target)
        except FileNotFoundError:
            return False
        if target.stat().st_size == size and file_digest(target) == digest:
            _touch(path)
            return True
        target.unlink()
        path.unlink(missing_ok=True)
        say(f"{path.name} in the cache of packages was damaged, and is dropped")
        return False

    def put(self, digest: str, source: Path) -> None:
        """Keep a package, which the caller has just hashed."""
        handle, name = tempfile.mkstemp(prefix=".new-", dir=self.folder)
        os.close(handle)
        new = Path(name)
        new.unlink()
        try:
            _link(source, new)
            new.chmod(MODE)
            new.replace(self._path(digest))
        finally:
            new.unlink(missing_ok=True)

    def kept(self) -> list[Kept]:
        """Return all that is there."""
        found = []
        for path in self.folder.glob("*.deb"):
            if (match := _NAME.fullmatch(path.name)) and path.is_file():
                status = path.stat()
                found.append(Kept(match[1], status.st_size, status.st_mtime))
        return found

    def prune(self, bound: int, spare: Collection[str] = ()) -> Pruned | None:
        """Remove the longest unused packages until the rest has no more than `bound` bytes.

        Args:
            bound: bytes.
            spare: digests of what stays in any case.

        Returns:
            what is gone; None if a build uses the cache, and nothing was removed.
        """
        if not self.folder.is_dir():
            return Pruned(0, 0)
        with (self.folder / "lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return None
            for path in self.folder.glob(".new-*"):
                path.unlink(missing_ok=True)
            going = surplus(self.kept(), bound, spare)
            for item in going:
                self._path(item.digest).unlink(missing_ok=True)
        return Pruned(len(going), sum(item.size for item in going))

    def _path(self, digest: str) -> Path:
        return self.folder / f"{digest}.deb"


def _link(source: Path, target: Path) -> None:
    """Give a file a second name; a copy where a link cannot be: other file systems and owners."""
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:
        # Not shutil.copyfile, which names the source where the target's disk is full.
        with source.open("rb") as old, target.open("wb") as new:
            shutil.copyfileobj(old, new, 1 << 20)
        target.chmod(MODE)


def _touch(path: Path) -> None:
    with suppress(OSError):  # another user's, who shares the cache: it only seems unused
        os.utime(path)

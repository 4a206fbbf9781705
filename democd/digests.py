"""SHA-256 of files, each read once while it does not change."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

AT_ONCE = min(4, os.cpu_count() or 1)
"""Files that are read side by side: hashlib lets other threads work meanwhile."""

_TICK = 50_000_000
"""Nanoseconds, longer than any tick of a kernel's clock: a file that was changed so shortly before
it was read could change again and have the same time."""

_Stamp = tuple[int, int, int, int, int]
_known: dict[_Stamp, str] = {}


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb", buffering=0) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def kept_digest(path: Path) -> str:
    """Return the SHA-256 of a file; of one that this process has read before, without reading.

    Which file it is, its size and both its times tell whether it is the same: whoever sets back
    the one cannot set back the other, the time of change. Nothing of it outlives the process.
    """
    begun = time.time_ns()
    stamp = _stamp(path)
    if digest := _known.get(stamp):
        return digest
    digest = file_digest(path)
    if max(stamp[-2:]) < begun - _TICK and _stamp(path) == stamp:
        _known[stamp] = digest
    return digest


def keep_digest(path: Path, digest: str) -> None:
    """Put the SHA-256 of a file by for `kept_digest`, by who has just written or compared it."""
    _known[_stamp(path)] = digest


def kept_digests(paths: Iterable[Path]) -> list[str]:
    """Return `kept_digest` of each file, in order; several are read at once."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(kept_digest, paths))


def _stamp(path: Path) -> _Stamp:
    it = path.stat()
    return it.st_dev, it.st_ino, it.st_size, it.st_mtime_ns, it.st_ctime_ns

"""Room on a disk: whether something has failed for want of it, where, and how much is left."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from democd.errors import BuildError

FULL = (errno.ENOSPC, errno.EDQUOT)
_SAID = re.compile(r"No space left on device|Disk quota exceeded|enough free space", re.IGNORECASE)
"""How programs say it: in the kernel's words, and apt, which counts before it fetches."""
_LINES = 3
_NEXT_TO_NOTHING = 1 << 20  # bytes
_GOES_ON = "what was made before is whole, and the next build goes on from there"


class NoRoomError(BuildError):
    """A program has ended since a disk is full; `said` are its lines about that."""

    def __init__(self, message: str, hint: str, said: list[str]) -> None:
        super().__init__(message, hint)
        self.said = said


class FullError(BuildError):
    """A disk is full; the message names the folder, and the hint how much is free."""


def said_by(lines: Iterable[str]) -> list[str]:
    """Return the lines in which a program says that a disk is full."""
    return [line for line in lines if _SAID.search(line)]


@contextmanager
def watched(
    folder: Path, what: str, need: str = "", option: str = "", after: str = _GOES_ON
) -> Iterator[None]:
    """Turn any failure for want of room into words.

    Args:
        folder: where the work is done; it is there.
        what: what is made; a few words.
        need: how much room that takes; a line, or "".
        option: by which a person names another folder; "" if by no option.
        after: what is there when it has failed.

    Raises:
        FullError: the disk was full. All other errors are let through.
    """
    # Not tempfile's: it writes to find out, and fails where all is full.
    places = [folder, _nearest(Path(os.environ.get("TMPDIR", "/tmp")))]
    before = {place: _free(place) for place in places}
    try:
        yield
    except FullError:
        raise
    except (OSError, BuildError) as error:
        said = _reason(error)
        if said is None:
            raise
        place = _blamed(error, *places)
        another = f"choose another folder with {option}" if option else "name another folder"
        elsewhere = another if place == folder else "set TMPDIR"
        hint = [
            f"free: {_left(place, before)} when that began, {_left(place)} now",
            *([need] if need and place == folder else []),
            f"make room, or {elsewhere}; {after}",
            *said[-_LINES:],
        ]
        raise FullError(f"no room left in {place} for {what}", "\n".join(hint)) from error


def told(error: OSError) -> BuildError:
    """Return in words that the disk on which a file is to be is full."""
    place = _nearest(Path(os.fsdecode(error.filename))) if error.filename else Path.cwd()
    hint = f"free: {_left(place)}; make room, or choose another folder"
    return FullError(f"no room left in {place}: {error.strerror}", hint)


def disk_of(path: Path) -> Path:
    """Return where the file system is mounted that a path lies on."""
    path = _nearest(path).resolve()
    return next(it for it in (path, *path.parents) if it.is_mount())


def mb(size: int) -> str:
    """Return bytes in megabytes (10**6)."""
    return f"{size / 1e6:.1f} MB"


def _free(place: Path) -> tuple[int, bool]:
    """Return the bytes that may be written to a folder's disk, and whether it takes more files."""
    found = os.statvfs(place)
    # Some file systems have no fixed number of files, and tell 0 of 0.
    return found.f_bavail * found.f_frsize, found.f_files == 0 or found.f_favail > 0


def _left(place: Path, known: Mapping[Path, tuple[int, bool]] | None = None) -> str:
    size, files = (known or {}).get(place) or _free(place)
    return mb(size) + ("" if files else ", but not for one more file")


def _reason(error: BaseException) -> list[str] | None:
    """Return what programs said, if it came to an error since a disk was full; else None."""
    cause: BaseException | None = error
    seen: list[BaseException] = []  # what is raised from itself has itself as its cause
    while cause and cause not in seen:
        seen.append(cause)
        if isinstance(cause, NoRoomError):
            return cause.said
        if isinstance(cause, OSError) and cause.errno in FULL:
            return []
        cause = cause.__cause__ or cause.__context__
    return None


def _blamed(error: BaseException, folder: Path, scratch: Path) -> Path:
    """Return which folder is full: the work's own, unless the other clearly is."""
    other = folder.stat().st_dev != scratch.stat().st_dev
    if isinstance(error, OSError) and error.filename:
        written = _nearest(Path(os.fsdecode(error.filename)))
        return folder if written.stat().st_dev == folder.stat().st_dev else written
    full = other and _free(scratch)[0] < _NEXT_TO_NOTHING <= _free(folder)[0]
    return scratch if full else folder


def _nearest(path: Path) -> Path:
    """Return the folder nearest to a path that is there."""
    return next((it for it in (path, *path.absolute().parents) if it.is_dir()), Path("/"))

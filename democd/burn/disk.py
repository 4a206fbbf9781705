"""Writes an ISO to a disk: a USB stick, a card.

The first MiB is written last, and is emptied first: a stick that was pulled out half-way has no
partition table and no boot record, so nothing takes it for a finished one. The last MiB of the
disk is emptied too, for what was there before left its marks: a backup GPT, a RAID superblock.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from democd.burn import raw
from democd.errors import BuildError

LEFT = "it is half-written and does not boot; what was on it is lost"
GONE = (errno.ENODEV, errno.ENXIO, errno.ENOMEDIUM)


class Interrupted(BuildError):
    """Ctrl-C came while a medium was being written."""

    exit_code = 130


@contextmanager
def claimed(path: str) -> Iterator[raw.Medium]:
    """Hold a disk for sole use: nobody can mount it meanwhile, not even what mounts sticks unasked.

    Raises:
        BuildError: it is in use, or cannot be opened.
    """
    with ExitStack() as stack:
        try:
            medium = stack.enter_context(raw.opened(path, os.O_RDWR | os.O_EXCL))
        except OSError as error:
            busy = error.errno == errno.EBUSY
            why = "it is in use: mounted, or open elsewhere" if busy else error.strerror
            raise BuildError(f"cannot write to {path}: {why}", "nothing was written") from error
        yield medium


def write(
    iso: Path, size: int, medium: raw.Medium, path: str, at: Callable[[int, int], None]
) -> None:
    """Write an ISO to a disk, and have it reach the disk.

    Args:
        iso: the ISO.
        size: its bytes.
        medium: the disk, claimed.
        path: its path, for what is told.
        at: told (bytes written, bytes in all) now and then.

    Raises:
        BuildError: the disk is too small, or fails; what is on it then is told.
    """
    room = medium.size()
    if room < size:
        raise BuildError(f"{path} has {room} bytes, and {size} are needed", "nothing was written")
    with iso.open("rb") as stream, _half_way(path):
        _empty(medium, 0, min(raw.CHUNK, room))
        end = max((room - raw.CHUNK) // raw.PAGE, -(-size // raw.PAGE)) * raw.PAGE
        _empty(medium, end, room - end)
        done = 0
        for start in range(raw.CHUNK, size, raw.CHUNK):
            done += _copy(stream, medium, start, size)
            at(done, size)
        os.fsync(medium.fd)
        done += _copy(stream, medium, 0, size)
        medium.forget()
        at(done, size)


def _copy(stream: BinaryIO, medium: raw.Medium, start: int, size: int) -> int:
    """Write a piece of the ISO to its place, and return its bytes."""
    wanted = min(raw.CHUNK, size - start)
    try:
        stream.seek(start)
        content = stream.read(wanted)
    except OSError as error:
        raise BuildError(f"the ISO cannot be read: {error.strerror}", LEFT) from error
    if len(content) != wanted:
        raise BuildError("the ISO became shorter while it was read", LEFT)
    medium.write(start, content)
    return wanted


def _empty(medium: raw.Medium, start: int, length: int) -> None:
    while length > 0:
        step = min(raw.CHUNK, length)
        medium.write(start, bytes(step))
        start, length = start + step, length - step


@contextmanager
def _half_way(path: str) -> Iterator[None]:
    """Turn what ends a writing into words, and say what is on the disk then."""
    try:
        yield
    except OSError as error:
        gone = error.errno in GONE or not _is_there(path)
        why = "it is gone: pulled out?" if gone else f"{error.strerror}: worn out, or pulled out?"
        raise BuildError(f"writing to {path} failed: {why}", LEFT) from error
    except KeyboardInterrupt as interrupt:
        raise Interrupted(f"interrupted while writing to {path}", LEFT) from interrupt


def _is_there(path: str) -> bool:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    os.close(fd)
    return True

"""Reads and writes a medium itself, past the kernel's cache where it can.

A cache would say that bytes are written which still wait, and give back what it remembers in
place of what the medium has. O_DIRECT (open(2)) wants memory, places and lengths in multiples of
the sector; whatever cannot do it is read after its cache was dropped.
"""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

CHUNK = 1 << 20
PAGE = 4096  # at least a sector of any disk

# linux/fs.h
BLKRRPART = 0x125F
BLKFLSBUF = 0x1261
BLKSSZGET = 0x1268


@dataclass(frozen=True)
class Medium:
    """An open medium; `buffer` is the memory that O_DIRECT can use, `sector` in bytes."""

    fd: int
    buffer: mmap.mmap
    direct: bool
    sector: int

    def read(self, offset: int, length: int) -> bytes:
        """Return up to `length` bytes (at most CHUNK) from `offset`, fewer at the end."""
        wanted = -(-length // self.sector) * self.sector
        view = memoryview(self.buffer)
        got = 0
        while got < wanted:
            # Before a bad sector the kernel gives less; asked for the rest, it tells the error.
            count = os.preadv(self.fd, [view[got:wanted]], offset + got)
            got += count
            if count == 0 or got % self.sector:
                break
        return self.buffer[: min(got, length)]

    def write(self, offset: int, content: bytes) -> None:
        """Write at most CHUNK bytes to `offset`, filled up to a sector with zeros.

        Raises:
            OSError: not all was taken.
        """
        padded = -(-len(content) // self.sector) * self.sector
        self.buffer[:padded] = content.ljust(padded, b"\0")
        view = memoryview(self.buffer)
        done = 0
        while done < padded:
            count = os.pwritev(self.fd, [view[done:padded]], offset + done)
            if count == 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            done += count
        if not self.direct:
            os.fdatasync(self.fd)

    def size(self) -> int:
        """Return the medium's size in bytes."""
        return os.lseek(self.fd, 0, os.SEEK_END)

    def forget(self) -> None:
        """Have what is written reach the medium, and the kernel forget what it knows of it."""
        os.fsync(self.fd)
        drop_cache(self.fd)

    def tell_partitions(self) -> None:
        """Have the kernel read the partition table anew; one that cannot does so when replugged."""
        with suppress(OSError):
            fcntl.ioctl(self.fd, BLKRRPART)


@contextmanager
def opened(path: str, flags: int) -> Iterator[Medium]:
    """Open a medium for as long as the block lasts.

    Args:
        path: of a device, or of a file.
        flags: os.O_RDONLY, or os.O_RDWR with os.O_EXCL, so that nobody else can mount it.

    Raises:
        OSError: it cannot be opened.
    """
    try:
        fd, direct = os.open(path, flags | os.O_DIRECT | os.O_CLOEXEC), True
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        fd, direct = os.open(path, flags | os.O_CLOEXEC), False
    try:
        drop_cache(fd)
        # Not closed by us: the traceback of a failed write still has views of it.
        yield Medium(fd, mmap.mmap(-1, CHUNK), direct, _sector(fd))
    finally:
        os.close(fd)


def drop_cache(fd: int) -> None:
    """Have the kernel forget what it has read of a medium, as far as it lets this user."""
    with suppress(OSError):
        fcntl.ioctl(fd, BLKFLSBUF)
    with suppress(OSError):
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)


def _sector(fd: int) -> int:
    try:
        answer = fcntl.ioctl(fd, BLKSSZGET, b"\0\0\0\0")
    except OSError:
        return PAGE  # a file
    return int.from_bytes(answer, "little")

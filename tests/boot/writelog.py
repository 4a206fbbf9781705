"""What a machine has written to a disk, write by write: the disk as it was after each of them.

QEMU's blklogwrites keeps it in the format of Linux's dm-log-writes: sectors of 512 bytes; the first
one is the superblock, then each write has one for its header, and its data behind it.

    superblock  0 u64 magic  8 u64 version  16 u64 number of writes  24 u32 sector size
    header      0 u64 first sector  8 u64 sectors  16 u64 flags  24 u64 (0)

(Linux, Documentation/admin-guide/device-mapper/log-writes.rst; QEMU, block/blklogwrites.c)
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SECTOR = 512
MAGIC = 0x6A736677736872
_SUPER, _HEADER = struct.Struct("<QQQI"), struct.Struct("<QQQQ")
_DISCARD, _MARK = 4, 8  # flags of what has no data


def node(image: dict[str, Any], log: Path) -> dict[str, Any]:
    """Return an image of QEMU's that keeps a log of what is written to it, in an empty file."""
    log.write_bytes(b"")
    file = {"driver": "file", "filename": str(log.resolve())}
    return {"driver": "blklogwrites", "file": image, "log": file}


def replay(log: Path, disk: Path) -> Iterator[int]:
    """Do to a disk what the log tells, one write each time; gives how many have been done."""
    with log.open("rb") as said, disk.open("r+b", buffering=0) as image:
        magic, _, count, size = _SUPER.unpack(said.read(SECTOR)[: _SUPER.size])
        assert (magic, size) == (MAGIC, SECTOR)
        written = 0
        for _ in range(count):
            sector, sectors, flags, _ = _HEADER.unpack(said.read(SECTOR)[: _HEADER.size])
            if flags & (_DISCARD | _MARK) or not sectors:
                continue
            image.seek(sector * SECTOR)
            image.write(said.read(sectors * SECTOR))
            written += 1
            yield written

"""The head of a squashfs: whether it is whole, and what it is packed with.

Source: Linux, Documentation/filesystems/squashfs.rst; fs/squashfs/squashfs_fs.h.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

MAGIC = b"hsqs"
COMPRESSIONS = {1: "gzip", 2: "lzma", 3: "lzo", 4: "xz", 5: "lz4", 6: "zstd"}
BLOCK_MAX = 1 << 20

# Superblock, little-endian:
#    0  4s magic               4  I inodes             8  I time            12  I block size
#   16  I  fragments          20  H compression       22  H log2 of the block size
#   24  H  flags              26  H ids               28  H major 4         30  H minor 0
#   32  Q  root inode         40  Q bytes used        48  Q id table        56  Q xattr table
_SUPERBLOCK = struct.Struct("<4s4I6H4Q")
SIZE = _SUPERBLOCK.size

# Four more tables follow; behind them, if the flag says so, the packer's options, as a block of
# metadata:
#   96  H  bytes that follow; the highest bit: they are not packed
#   98  i  level, of gzip and zstd
_OPTIONS = struct.Struct("<Hi")
_OPTIONS_AT = 96
_HAS_OPTIONS = 0x0400
HEAD = _OPTIONS_AT + _OPTIONS.size
"""Bytes that tell all of an image that `parse` can."""
_NO_TABLE = 0xFFFF_FFFF_FFFF_FFFF


@dataclass(frozen=True)
class Superblock:
    """The head of an image.

    Attributes:
        inodes: files, folders and all else in it.
        made: seconds since 1970, UTC.
        block: bytes of a block of data.
        packing: a value of `COMPRESSIONS`.
        used: bytes of the image.
        xattrs: a file of it has extended attributes.
        level: how hard gzip or zstd have packed it; 0 if the image does not tell.
    """

    inodes: int
    made: int
    block: int
    packing: str
    used: int
    xattrs: bool
    level: int = 0


def parse(head: bytes) -> Superblock:
    """Return the superblock that an image starts with.

    Raises:
        ValueError: it is not that of a squashfs 4.
    """
    if len(head) < SIZE:
        raise ValueError("too short for a squashfs")
    magic, inodes, made, block, _, packing, log, flags, _, major, _, _, used, _, xattrs = (
        _SUPERBLOCK.unpack_from(head)
    )
    if magic != MAGIC or major != 4 or packing not in COMPRESSIONS:
        raise ValueError("not a squashfs")
    if block != 1 << min(log, 32) or block > BLOCK_MAX:
        raise ValueError("damaged: blocks of an impossible size")
    name = COMPRESSIONS[packing]
    level = 0
    if name in ("gzip", "zstd") and flags & _HAS_OPTIONS and len(head) >= HEAD:
        level = _OPTIONS.unpack_from(head, _OPTIONS_AT)[1]
    return Superblock(inodes, made, block, name, used, xattrs != _NO_TABLE, level)

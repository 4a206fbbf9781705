"""How many bytes each file takes in a squashfs as it is packed.

An image's own tables tell: the inode of a file has the packed size of each of its blocks, and its
tail is a piece of a fragment, a block that several files share; of such a block each has the share
that its tail is of all tails in it. What two files have in common lies there once, and counts for
the first. PySquashfsImage reads the tables; it is made for images that one trusts, so here it is
given bounds.
"""

from __future__ import annotations

import lzma
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lz4.block
import zstandard
from PySquashfsImage import SquashFsImage

METADATA = 8192
"""Bytes that a block of the tables unpacks to at most."""
FILES_MAX = 1 << 36
"""Bytes of all files of an image, unpacked, so that the lists of their blocks fit the memory."""
XZ_MEMORY = 1 << 26

_STORED = 1 << 24  # in the size of a block: it is not packed
_NO_FRAGMENT = 0xFFFFFFFF


@dataclass
class _Tail:
    """The end of a file in a fragment."""

    name: str
    size: int


def packed_sizes(image: Path) -> dict[str, int]:
    """Return the bytes that each regular file takes, by path without a leading slash.

    What is left of the image are its tables.

    Raises:
        ValueError: it is damaged, or packed in a way that is not known.
    """
    try:
        with image.open("rb") as stream, _Bounded(stream, closefd=False) as opened:
            return _sizes(opened)
    # The library raises whatever its steps raise, of half a dozen kinds.
    except Exception as error:
        raise ValueError(f"its tables cannot be read: {error!r:.200}") from error


def _sizes(opened: _Bounded) -> dict[str, int]:
    files = list(_files(opened.root, ""))
    if sum(inode.data for _, inode in files) > FILES_MAX:
        raise ValueError("its files are impossibly large")
    found: dict[str, int] = {}
    seen: set[tuple[int, int]] = set()
    tails: dict[int, dict[int, _Tail]] = {}
    for name, inode in files:
        place = (inode.start, inode.blocks)
        if inode.blocks and place not in seen:
            seen.add(place)
            found[name] = sum(opened.block_sizes(inode))
        if inode.frag_bytes:
            inside = tails.setdefault(inode.fragment, {})
            inside.setdefault(inode.offset, _Tail(name, inode.frag_bytes))
    for number, inside in tails.items():
        for name, share in _shares(opened.fragment_size(number), list(inside.values())):
            found[name] = found.get(name, 0) + share
    return {name: found.get(name, 0) for name, _ in files}


def _files(folder: Any, path: str) -> Iterator[tuple[str, Any]]:
    for name, item in folder.children.items():
        if item.is_dir:
            yield from _files(item, f"{path}{name}/")
        elif item.is_file:
            yield f"{path}{name}", item.inode


def _shares(size: int, tails: list[_Tail]) -> Iterator[tuple[str, int]]:
    """Give each file's share of a fragment's packed bytes; all of them together are all of it."""
    whole = sum(tail.size for tail in tails)
    past = given = 0
    for tail in tails:
        past += tail.size
        share = size * past // whole - given
        given += share
        yield tail.name, share


class _Bounded(SquashFsImage):  # type: ignore[misc]
    """An image whose tables unpack to no more than they can be."""

    def block_sizes(self, inode: Any) -> Iterator[int]:
        """Give the packed bytes of each of a file's blocks, without its tail."""
        for size in self._read_block_list(inode.block_start, inode.block_offset, inode.blocks):
            yield size & (_STORED - 1)

    def fragment_size(self, number: int) -> int:
        """Return the packed bytes of a fragment."""
        size: int = self._read_fragment(number)[1]
        return size & (_STORED - 1)

    def _get_compressor(self, compression_id: int) -> _Unpacker:
        return _Unpacker(compression_id)


class _Unpacker:
    """Unpacks a block of the tables."""

    def __init__(self, compression: int) -> None:
        # squashfs_fs.h: ZLIB_COMPRESSION and its like.
        ways = {1: self._zlib, 4: self._xz, 5: self._lz4, 6: self._zstd}
        if compression not in ways:
            raise ValueError(f"packed in a way that is not known: {compression}")
        self._way = ways[compression]

    def uncompress(self, data: bytes, _size: int, _expected: int) -> bytes:
        """Return what a block unpacks to."""
        return self._way(data)

    def _zlib(self, data: bytes) -> bytes:
        return zlib.decompressobj().decompress(data, METADATA)

    def _xz(self, data: bytes) -> bytes:
        return lzma.LZMADecompressor(memlimit=XZ_MEMORY).decompress(data, METADATA)

    def _lz4(self, data: bytes) -> bytes:
        unpacked: bytes = lz4.block.decompress(data, uncompressed_size=METADATA)
        return unpacked

    def _zstd(self, data: bytes) -> bytes:
        return zstandard.ZstdDecompressor().stream_reader(data).read(METADATA)

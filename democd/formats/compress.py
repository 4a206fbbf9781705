"""Unpacks what kernels and hypervisors are packed with.

Every way that Linux knows for its bzImage (init/Kconfig, KERNEL_GZIP and its like): gzip, bzip2,
lzma, xz, lzo, lz4, zstd. Bytes behind the stream are ignored: the kernel's build appends the
unpacked size there.
"""

from __future__ import annotations

import bz2
import lzma
import struct
import zlib
from typing import Protocol

import lz4.block
import lzallright
import zstandard

from democd.errors import InputError

LIMIT = 1 << 30
"""Bytes that nothing may unpack to more than: a small file must not fill the memory."""

LZ4_BLOCK = 8 << 20  # lz4_Frame_format.md, "Legacy frame": every block but the last is 8 MiB
LZO_BLOCK = 64 << 20  # lzop.c, MAX_BLOCK_SIZE
XZ_MEMORY = 512 << 20

MAGICS = {
    "gzip": b"\x1f\x8b\x08",
    "bzip2": b"BZh",
    "lzma": b"\x5d\x00\x00",
    "xz": b"\xfd7zXZ\x00",
    "lzo": b"\x89LZO\x00\r\n\x1a\n",
    "lz4": b"\x02\x21\x4c\x18",
    "zstd": b"\x28\xb5\x2f\xfd",
}
"""The first bytes of each."""


class _Stream(Protocol):
    """The face that the decompressors of bz2 and lzma have in common."""

    @property
    def eof(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


def compression(data: bytes) -> str:
    """Return what `data` is packed with, a key of `MAGICS`, or "" if with none of them."""
    return next((name for name, magic in MAGICS.items() if data.startswith(magic)), "")


def unpack(data: bytes, limit: int = LIMIT) -> bytes:
    """Return the unpacked content of the one stream that `data` starts with.

    Args:
        data: any of the formats in `MAGICS`.
        limit: bytes it may unpack to.

    Raises:
        InputError: none of these formats, damaged, cut short, or larger than `limit`.
    """
    kind = compression(data)
    if not kind:
        raise InputError("it is not packed in any way that is known here")
    try:
        content, whole = _UNPACKERS[kind](data, limit)
    except (OSError, EOFError, ValueError, struct.error, IndexError, MemoryError,
            zlib.error, lzma.LZMAError, zstandard.ZstdError, lz4.block.LZ4BlockError,
            lzallright.LZOError) as error:  # fmt: skip
        raise InputError(f"the {kind} data in it is damaged: {error}") from error
    if len(content) > limit:
        raise InputError(f"the {kind} data in it unpacks to more than {limit >> 20} MiB")
    if not whole:
        raise InputError(f"the {kind} data in it is cut short")
    return content


def _gzip(data: bytes, limit: int) -> tuple[bytes, bool]:
    stream = zlib.decompressobj(zlib.MAX_WBITS | 16)
    content = stream.decompress(data, limit + 1)
    return content, stream.eof


def _bzip2(data: bytes, limit: int) -> tuple[bytes, bool]:
    return _drain(bz2.BZ2Decompressor(), data, limit)


def _lzma(data: bytes, limit: int) -> tuple[bytes, bool]:
    return _drain(lzma.LZMADecompressor(lzma.FORMAT_AUTO, memlimit=XZ_MEMORY), data, limit)


def _drain(stream: _Stream, data: bytes, limit: int) -> tuple[bytes, bool]:
    content = stream.decompress(data, limit + 1)
    return content, stream.eof


def _zstd(data: bytes, limit: int) -> tuple[bytes, bool]:
    size = zstandard.frame_content_size(data)
    stream = zstandard.ZstdDecompressor().decompressobj()
    chunks: list[bytes] = []
    total = 0
    # Fed bit by bit: this decompressor cannot be told where to stop.
    for start in range(0, len(data), 1 << 16):
        chunk = stream.decompress(data[start : start + (1 << 16)])
        chunks.append(chunk)
        total += len(chunk)
        if stream.eof or total > limit:
            break
    return b"".join(chunks), stream.eof and size in (-1, total)


def _lz4(data: bytes, limit: int) -> tuple[bytes, bool]:
    """Unpack the legacy frame: magic, then blocks of <I size and that many bytes.

    The size that the kernel's build appends looks like the head of a block with nothing in it.
    """
    chunks: list[bytes] = []
    total, position = 0, 4
    while position + 4 < len(data) and total <= limit:
        (size,) = struct.unpack_from("<I", data, position)
        block = data[position + 4 : position + 4 + size]
        if len(block) < size or size == 0:
            return b"".join(chunks), False
        chunk = lz4.block.decompress(block, uncompressed_size=LZ4_BLOCK)
        chunks.append(chunk)
        total += len(chunk)
        position += 4 + size
    return b"".join(chunks), True


def _lzo(data: bytes, limit: int) -> tuple[bytes, bool]:
    """Unpack an lzop file.

    Header (lzop.c, write_header; all big-endian)::

         0  9s magic
         9  H  version              11 H library's version    13 H version needed
        15  B  method               16 B level
        17  I  flags                21 I mode                 25 I, I time
        33  B  length of the name   34 … name                 then I checksum

    Then blocks: I unpacked size (0 ends the file), I packed size, an I for each checksum that the
    flags name, the data; where the sizes are equal it is not packed and has no packed checksums.
    """
    flags, *_, name_length = struct.unpack_from(">IIIIB", data, 17)
    if flags & 0xC40 or data[15] not in (1, 2, 3):
        raise ValueError("an lzop file of a kind that kernels do not use")
    of_unpacked = 4 * (bool(flags & 0x001) + bool(flags & 0x100))
    of_packed = 4 * (bool(flags & 0x002) + bool(flags & 0x200))
    position = 34 + name_length + 4
    chunks: list[bytes] = []
    total = 0
    while total <= limit:
        (size,) = struct.unpack_from(">I", data, position)
        if size == 0:
            return b"".join(chunks), True
        (packed,) = struct.unpack_from(">I", data, position + 4)
        if size > LZO_BLOCK or packed > size:
            raise ValueError("impossible sizes of a block")
        position += 8 + of_unpacked + (of_packed if packed < size else 0)
        block = data[position : position + packed]
        if len(block) < packed:
            return b"".join(chunks), False
        chunk = block if packed == size else lzallright.LZOCompressor.decompress(block, size)
        if len(chunk) != size:
            raise ValueError("a block of another size than it says")
        chunks.append(chunk)
        total += size
        position += packed
    return b"".join(chunks), True


_UNPACKERS = {
    "gzip": _gzip,
    "bzip2": _bzip2,
    "lzma": _lzma,
    "xz": _lzma,
    "lzo": _lzo,
    "lz4": _lz4,
    "zstd": _zstd,
}

"""Unpacks what kernels and hypervisors are packed with.

Every way that Linux knows for its bzImage (init/Kconfig, KERNEL_GZIP and its like): gzip, bzip2,
lzma, xz, lzo, lz4, zstd. Bytes behind the stream are ignored: the kernel's build appends the
unpacked size there.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Iterator

import lz4.block
import zstandard

from democd.errors import InputError

LIMIT = 1 << 30
"""Bytes that nothing may unpack to more than: a small file must not fill the memory."""

LZ4_BLOCK = 8 << 20  # lz4_Frame_format.md, "Legacy frame": every block but the last is 8 MiB
LZO_BLOCK = 64 << 20  # lzop.c, MAX_BLOCK_SIZE
XZ_MEMORY = 512 << 20
PIECE = 1 << 20
FED = 4096
"""Bytes that zstd is fed at a time, as it cannot be told where to stop: 4 can unpack to 128 KiB."""

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
    chunks = []
    total = 0
    for chunk in _chunks(data):
        chunks.append(chunk)
        total += len(chunk)
        if total > limit:
            kind = compression(data)
            raise InputError(f"the {kind} data in it unpacks to more than {limit >> 20} MiB")
    return b"".join(chunks)


def unpack_from(data: bytes, at: int, limit: int = LIMIT) -> tuple[bytes, int]:
    """Return the unpacked content of the zstd frame that starts at a byte, and where it ends.

    Raises:
        InputError: as `unpack`; also if it is packed in another way.
    """
    if not data.startswith(MAGICS["zstd"], at):
        raise InputError("it is not packed with zstd")
    stream = zstandard.ZstdDecompressor().decompressobj()
    content = bytearray()
    try:
        for start in range(at, len(data), FED):
            piece = data[start : start + FED]
            content += stream.decompress(piece)
            if len(content) > limit:
                raise InputError(f"the zstd data in it unpacks to more than {limit >> 20} MiB")
            if stream.eof:
                return bytes(content), start + len(piece) - len(stream.unused_data)
    except (MemoryError, zstandard.ZstdError) as error:
        raise InputError(f"the zstd data in it is damaged: {error}") from error
    raise CutShortError("the zstd data in it is cut short")


def peek(data: bytes, size: int = 4096) -> bytes:
    """Return the first bytes of what `unpack` would return; `data` may end early.

    Raises:
        InputError: none of the formats in `MAGICS`, or damaged.
    """
    content = b""
    try:
        for chunk in _chunks(data):
            content += chunk
            if len(content) >= size:
                break
    except CutShortError:
        pass
    return content[:size]


class CutShortError(InputError):
    """Packed data that ends too early."""


def _chunks(data: bytes) -> Iterator[bytes]:
    """Give the unpacked content piece by piece, none of them much larger than 128 MiB."""
    kind = compression(data)
    if not kind:
        raise InputError("it is not packed in any way that is known here")
    try:
        yield from _UNPACKERS[kind](data)
    except EOFError as error:
        raise CutShortError(f"the {kind} data in it is cut short") from error
    except (OSError, ValueError, MemoryError, zlib.error, lzma.LZMAError, zstandard.ZstdError,
            lz4.block.LZ4BlockError) as error:  # fmt: skip
        raise InputError(f"the {kind} data in it is damaged: {error}") from error


def _gzip(data: bytes) -> Iterator[bytes]:
    stream = zlib.decompressobj(zlib.MAX_WBITS | 16)
    while not stream.eof:
        chunk = stream.decompress(data, PIECE)
        data = stream.unconsumed_tail
        if not chunk and not stream.eof:
            raise EOFError
        yield chunk


def _bzip2(data: bytes) -> Iterator[bytes]:
    return _drain(bz2.BZ2Decompressor(), data)


def _lzma(data: bytes) -> Iterator[bytes]:
    return _drain(lzma.LZMADecompressor(lzma.FORMAT_AUTO, memlimit=XZ_MEMORY), data)


def _drain(stream: bz2.BZ2Decompressor | lzma.LZMADecompressor, data: bytes) -> Iterator[bytes]:
    while not stream.eof:
        chunk = stream.decompress(data, PIECE)
        data = b""  # the stream has kept it
        if not chunk and not stream.eof and stream.needs_input:
            raise EOFError
        yield chunk


def _zstd(data: bytes) -> Iterator[bytes]:
    stream = zstandard.ZstdDecompressor().decompressobj()
    for start in range(0, len(data), FED):
        yield stream.decompress(data[start : start + FED])
        if stream.eof:
            return
    raise EOFError


def _lz4(data: bytes) -> Iterator[bytes]:
    """Unpack the legacy frame: magic, then blocks of <I size and that many bytes.

    The size that the kernel's build appends looks like the head of a block with nothing in it.
    """
    position = 4
    while position + 4 < len(data):
        size = int.from_bytes(data[position : position + 4], "little")
        block = data[position + 4 : position + 4 + size]
        if len(block) < size:
            raise EOFError
        yield lz4.block.decompress(block, uncompressed_size=LZ4_BLOCK)
        position += 4 + size


def _lzo(data: bytes) -> Iterator[bytes]:
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
    if len(data) < 34:
        raise EOFError
    flags = _big_endian(data, 17)
    if flags & 0xC40 or data[15] not in (1, 2, 3):
        raise ValueError("an lzop file of a kind that kernels do not use")
    of_unpacked = 4 * (bool(flags & 0x001) + bool(flags & 0x100))
    of_packed = 4 * (bool(flags & 0x002) + bool(flags & 0x200))
    position = 34 + data[33] + 4
    while size := _big_endian(data, position):
        packed = _big_endian(data, position + 4)
        if size > LZO_BLOCK or packed > size:
            raise ValueError("impossible sizes of a block")
        position += 8 + of_unpacked + (of_packed if packed < size else 0)
        block = data[position : position + packed]
        if len(block) < packed:
            raise EOFError
        chunk = block if packed == size else _lzo_block(block, size)
        if len(chunk) != size:
            raise ValueError("a block of another size than it says")
        yield bytes(chunk)
        position += packed


def _lzo_block(block: bytes, size: int) -> bytes:
    """Unpack a block; only Linux kernels of old are packed so, and the disc has another library."""
    try:
        import lzallright
    except ModuleNotFoundError:
        import lzo  # Debian's python3-lzo

        try:
            return bytes(lzo.decompress(block, False, size))
        except lzo.error as error:
            raise ValueError(str(error)) from error
    try:
        return bytes(lzallright.LZOCompressor.decompress(block, size))
    except lzallright.LZOError as error:
        raise ValueError(str(error)) from error


def _big_endian(data: bytes, at: int) -> int:
    field = data[at : at + 4]
    if len(field) < 4:
        raise EOFError
    return int.from_bytes(field, "big")


_UNPACKERS = {
    "gzip": _gzip,
    "bzip2": _bzip2,
    "lzma": _lzma,
    "xz": _lzma,
    "lzo": _lzo,
    "lz4": _lz4,
    "zstd": _zstd,
}

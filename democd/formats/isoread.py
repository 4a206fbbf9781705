"""Reads an ISO 9660 volume: descriptors, and the files of its tree by their Rock Ridge names.

Written apart from the writer, so that the one is a check on the other. Sources: ECMA-119, 4th
edition, sections 8.4 (primary volume descriptor) and 9.1 (directory record); IEEE P1282, 4.1.4
(NM). What is damaged raises ValueError, never anything else.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

BLOCK = 2048
FIRST_DESCRIPTOR = 16
CHUNK = 1 << 20

BOOT_RECORD = 0
PRIMARY = 1
SUPPLEMENTARY = 2
_TERMINATOR = 255
_DEPTH_MAX = 32
_AREAS_MAX = 8
_NAMES_MAX = 200_000
"""Files and folders of a disc: a folder may lie in several, so that they seem to be without end."""
_FOLDERS_MAX = 64 << 20
"""Bytes of all records of folders."""

# Directory record:
#   0  B  its length            10  I  size in bytes (big-endian copy behind)
#   1  B  extended attributes   18  7s date      25  B  flags: 2 folder, 0x80 goes on
#   2  I  first block (LE, then BE)              32  B  length of the name, then the name
_RECORD = struct.Struct("<BBI4xI4x7sBBBHHB")

# CE, behind its head (IEEE P1281, 5.1): block, offset in it, length; each LE, then BE
_CONTINUATION = struct.Struct("<I4xI4xI4x")


@dataclass(frozen=True)
class Extent:
    """Where a file lies: first block, and bytes."""

    lba: int
    size: int


@dataclass(frozen=True)
class Descriptor:
    """The primary volume descriptor; `blocks` of 2048 bytes."""

    volume_id: str
    publisher: str
    preparer: str
    application: str
    created: str
    blocks: int
    root: Extent


class Disc:
    """An ISO file, opened for reading.

    Attributes:
        size: bytes of the file.
        descriptors: (type, raw block) of each volume descriptor.
        primary: the primary one.
    """

    def __init__(self, stream: BinaryIO, size: int) -> None:
        """Read the volume descriptors.

        Raises:
            ValueError: it is not an ISO 9660 volume.
        """
        self._stream = stream
        self.size = size
        self.descriptors = list(self._read_descriptors())
        primary = [raw for kind, raw in self.descriptors if kind == PRIMARY]
        if not primary:
            raise ValueError("not an ISO 9660 volume: it has no primary volume descriptor")
        self.primary = _parse_primary(primary[0])

    def __enter__(self) -> Disc:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def read(self, start: int, length: int) -> bytes:
        """Return `length` bytes from byte `start`.

        Raises:
            ValueError: they reach beyond the end.
        """
        if start < 0 or length < 0 or start + length > self.size:
            raise ValueError(f"bytes {start} to {start + length} are beyond the end of the ISO")
        try:
            self._stream.seek(start)
            found = self._stream.read(length)
        except OSError as error:
            raise ValueError(f"bytes from {start} on cannot be read: {error.strerror}") from error
        if len(found) < length:
            raise ValueError(f"the ISO ends before byte {start + length}")
        return found

    def content(self, extent: Extent) -> bytes:
        """Return a file's bytes."""
        return self.read(extent.lba * BLOCK, extent.size)

    def chunks(self, extent: Extent) -> Iterator[bytes]:
        """Yield a file's bytes in pieces of up to 1 MiB."""
        for start in range(0, extent.size, CHUNK):
            yield self.read(extent.lba * BLOCK + start, min(CHUNK, extent.size - start))

    def _read_descriptors(self) -> Iterator[tuple[int, bytes]]:
        for number in range(FIRST_DESCRIPTOR, FIRST_DESCRIPTOR + 32):
            if (number + 1) * BLOCK > self.size:
                return
            raw = self.read(number * BLOCK, BLOCK)
            if raw[1:6] != b"CD001" or raw[0] == _TERMINATOR:
                return
            yield raw[0], raw

    def files(self) -> dict[str, Extent]:
        """Return every file of the tree: its place by its absolute path.

        A file of 4 GiB or more has several records; its extents must follow each other.

        Raises:
            ValueError: a folder is damaged, or they have no end.
        """
        found: dict[str, Extent] = {}
        pending = [("", self.primary.root, 0)]
        names = length = 0
        while pending:
            folder, extent, depth = pending.pop()
            length += extent.size
            if depth > _DEPTH_MAX or length > _FOLDERS_MAX:
                raise ValueError(f"the folders below {folder or '/'} have no end")
            for name, is_folder, place in self._records(self.content(extent), folder):
                path = f"{folder}/{name}"
                names += 1
                if names > _NAMES_MAX:
                    raise ValueError("it has more files than a disc can have")
                if is_folder:
                    pending.append((path, place, depth + 1))
                elif path in found:
                    found[path] = _longer(path, found[path], place)
                else:
                    found[path] = place
        return dict(sorted(found.items()))

    def _records(self, content: bytes, folder: str) -> Iterator[tuple[str, bool, Extent]]:
        """Yield (name, is it a folder, place) of a folder's records, but for `.` and `..`."""
        at = 0
        while at < len(content):
            length = content[at]
            if length == 0:  # records do not cross blocks: the rest of this one is empty
                at = (at // BLOCK + 1) * BLOCK
                continue
            record = content[at : at + length]
            if length < 34 or len(record) < length:
                raise ValueError(f"the folder {folder or '/'} is damaged")
            _, _, lba, size, _, flags, _, _, _, _, name_length = _RECORD.unpack_from(record)
            at += length
            raw = record[33 : 33 + name_length]
            if raw in (b"\0", b"\1"):
                continue
            name = self._rock_ridge_name(record[33 + name_length + (1 - name_length % 2) :])
            name = name or raw.decode("latin-1").split(";")[0]
            yield name, bool(flags & 2), Extent(lba, size)

    def _rock_ridge_name(self, area: bytes) -> str:
        """Return the name in a system use area's NM entries, or ""; CE tells where it goes on."""
        name = b""
        for _ in range(_AREAS_MAX):
            further = b""
            for kind, content in _use_entries(area):
                if kind == b"NM":
                    name += content[1:]  # behind the flags
                elif kind == b"CE" and len(content) >= _CONTINUATION.size:
                    block, start, length = _CONTINUATION.unpack_from(content)
                    if start + length > BLOCK:  # IEEE P1281, 5.1: in one block
                        raise ValueError("a name goes on for longer than one can")
                    further = self.read(block * BLOCK + start, length)
            if not further:
                break
            area = further
        return name.decode(errors="replace")


def _longer(path: str, first: Extent, more: Extent) -> Extent:
    """Return the extent of a file with one more record."""
    blocks, rest = divmod(first.size, BLOCK)
    if rest or more.lba != first.lba + blocks:
        raise ValueError(f"{path} is there twice, or in pieces")
    return Extent(first.lba, first.size + more.size)


def open_disc(path: Path) -> Disc:
    """Open an ISO file or a drive for reading; leaving the value's `with` block closes it.

    Raises:
        ValueError: it is not an ISO 9660 volume.
        OSError: it cannot be read.
    """
    if path.is_fifo() or path.is_socket():  # to open it might wait for ever
        raise ValueError("neither a file nor a drive")
    stream = path.open("rb")
    try:
        return Disc(stream, stream.seek(0, 2))
    except (ValueError, struct.error):
        stream.close()
        raise


def _parse_primary(raw: bytes) -> Descriptor:
    little, big = struct.unpack_from("<I", raw, 80)[0], struct.unpack_from(">I", raw, 84)[0]
    if little != big:
        raise ValueError("the primary volume descriptor is damaged: two lengths of the volume")
    _, _, lba, size, *_ = _RECORD.unpack_from(raw, 156)

    def text(start: int, length: int) -> str:
        return raw[start : start + length].decode("latin-1").rstrip(" \0")

    return Descriptor(
        text(40, 32), text(318, 128), text(446, 128), text(574, 128), text(813, 16),
        little, Extent(lba, size),
    )  # fmt: skip


def _use_entries(area: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield (signature, content) of the entries of a system use area (IEEE P1281, 4.1)."""
    at = 0
    while at + 4 <= len(area) and area[at + 2] >= 4:
        yield area[at : at + 2], area[at + 4 : at + area[at + 2]]
        at += area[at + 2]

"""Reads a medium back and compares it with its ISO, byte by byte.

A medium may be larger than the ISO: a stick has room left, and a CD has blocks behind its track.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from democd.burn import raw
from democd.errors import InputError
from democd.formats import isoread

BLOCK = isoread.BLOCK
BOOT = "boot records, partition tables or folders"


@dataclass(frozen=True)
class Difference:
    """The first place where a medium is not its ISO.

    Attributes:
        offset: in bytes.
        why: `differs`, `cannot be read: …`, `is beyond the medium's end`.
        where: the file of the disc that lies there, or what does instead.
    """

    offset: int
    why: str
    where: str

    def __str__(self) -> str:
        return f"{self.where} {self.why} (at byte {self.offset})"


def compare(iso: Path, size: int, medium: str, at: Callable[[int, int], None]) -> Difference | None:
    """Return the first difference between an ISO and a medium, or None if there is none.

    Args:
        iso: the ISO.
        size: its bytes; what the medium has behind them does not matter.
        medium: path of a device, or of a file.
        at: told (bytes compared, bytes in all) now and then.

    Raises:
        InputError: the medium cannot be opened.
    """
    try:
        with iso.open("rb") as stream, raw.opened(medium, os.O_RDONLY) as opened:
            found = _first(stream, size, opened, at)
    except OSError as error:
        raise InputError(f"cannot read {medium}: {error.strerror}") from error
    if found is None:
        return None
    offset, why = found
    return Difference(offset, why, _where(iso, offset))


def _first(
    stream: BinaryIO, size: int, medium: raw.Medium, at: Callable[[int, int], None]
) -> tuple[int, str] | None:
    """Return (place, what is wrong there) of the first difference."""
    for start in range(0, size, raw.CHUNK):
        wanted = stream.read(min(raw.CHUNK, size - start))
        try:
            found = _judge(wanted, medium.read(start, len(wanted)), start)
        except OSError:
            found = _in_blocks(wanted, medium, start)
        if found:
            return found
        at(start + len(wanted), size)
    return None


def _in_blocks(wanted: bytes, medium: raw.Medium, start: int) -> tuple[int, str] | None:
    """Compare a piece that cannot be read whole, to tell which block of it is the bad one."""
    step = max(BLOCK, medium.sector)
    for offset in range(0, len(wanted), step):
        piece = wanted[offset : offset + step]
        try:
            found = _judge(piece, medium.read(start + offset, len(piece)), start + offset)
        except OSError as error:
            return start + offset, f"cannot be read: {error.strerror}"
        if found:
            return found
    return None


def _judge(wanted: bytes, got: bytes, start: int) -> tuple[int, str] | None:
    if wanted == got:
        return None
    for place in range(0, len(got), BLOCK):
        if (piece := got[place : place + BLOCK]) != wanted[place : place + len(piece)]:
            inside = next(n for n, byte in enumerate(piece) if byte != wanted[place + n])
            return start + place + inside, "differs"
    return start + len(got), "is beyond the medium's end"


def _where(iso: Path, offset: int) -> str:
    try:
        with isoread.open_disc(iso) as disc:
            files = disc.files()
    except ValueError:
        return BOOT
    for path, extent in files.items():
        if extent.lba * BLOCK <= offset < extent.lba * BLOCK + extent.size:
            return path
    return BOOT

"""PE32+ files (EFI programs): enough to tell what they are and where their parts lie."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from democd.errors import InputError

MACHINES = {0x8664: "x86-64", 0x014C: "i386", 0xAA64: "arm64"}
SUBSYSTEMS = {10: "EFI application", 11: "EFI boot driver", 12: "EFI runtime driver"}


@dataclass(frozen=True)
class Section:
    """A section: `size` bytes at `offset` in the file belong at the address `virtual`."""

    name: str
    virtual: int
    offset: int
    size: int


@dataclass(frozen=True)
class Pe:
    """What there is to know of a PE32+ file; `signed` tells that it carries a signature."""

    machine: str
    subsystem: str
    signed: bool
    sections: tuple[Section, ...]


def is_pe(data: bytes) -> bool:
    """Tell whether `data` starts as a PE file does (a bzImage with EFI stub does as well)."""
    try:
        _start(data)
    except InputError:
        return False
    return True


def _start(data: bytes) -> int:
    if data[:2] == b"MZ" and len(data) >= 64:
        (start,) = struct.unpack_from("<I", data, 0x3C)
        if data[start : start + 4] == b"PE\0\0":
            return int(start) + 4
    raise InputError("it is no PE file")


def read(data: bytes) -> Pe:
    """Return what a PE32+ file says of itself.

    COFF header behind the mark, optional header behind that ("PE Format", Microsoft)::

        COFF 0   H  machine             2   H  number of sections   16  H  optional's length
        opt. 0   H  0x20b is PE32+      24  Q  image base           68  H  subsystem
        opt. 108 I  data directories    144 I, I offset and size of the signatures (directory 4)
        section (40 bytes): 0 8s name, 8 I size in memory, 12 I address, 16 I size, 20 I offset

    Raises:
        InputError: it is none, or damaged.
    """
    start = _start(data)
    try:
        machine, count = struct.unpack_from("<HH", data, start)
        (length,) = struct.unpack_from("<H", data, start + 16)
        optional = start + 20
        (magic,) = struct.unpack_from("<H", data, optional)
        if magic != 0x20B:
            raise InputError("it is a 32-bit PE file; only PE32+ is known here")
        (base,) = struct.unpack_from("<Q", data, optional + 24)
        (subsystem,) = struct.unpack_from("<H", data, optional + 68)
        (directories,) = struct.unpack_from("<I", data, optional + 108)
        signature = struct.unpack_from("<I", data, optional + 148)[0] if directories > 4 else 0
        sections = tuple(
            _section(data, optional + length + 40 * index, base) for index in range(count)
        )
    except struct.error as error:
        raise InputError("the PE file is cut short") from error
    return Pe(
        MACHINES.get(machine, f"machine {machine:#06x}"),
        SUBSYSTEMS.get(subsystem, f"subsystem {subsystem}"),
        bool(signature),
        sections,
    )


def _section(data: bytes, at: int, base: int) -> Section:
    name, _, address, size, offset = struct.unpack_from("<8sIIII", data, at)
    return Section(name.rstrip(b"\0").decode("latin-1"), base + address, offset, size)

"""MBR and GPT: what makes an ISO a bootable disk as well.

Sources: UEFI Specification 2.10, section 5.2 (MBR) and 5.3 (GPT); where GRUB's boot_hybrid.img
wants to be told about its core: boot/i386/pc/boot.S, `kernel_sector`.
"""

from __future__ import annotations

import struct
import uuid
import zlib
from dataclasses import dataclass

SECTOR = 512
ENTRIES = 128
ENTRY_SIZE = 128
TABLE_SECTORS = ENTRIES * ENTRY_SIZE // SECTOR
FIRST_USABLE = 64  # behind the ISO's system area of 32 KiB
LABEL_SECTORS = TABLE_SECTORS + 1

ESP_TYPE = uuid.UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")

BOOT_CODE = 440
_CORE_AT = 432
_PROTECTIVE = 0xEE

# MBR: 440 bytes of boot code; I disk signature; 2x; four entries of 16 bytes; 55 AA.
# An entry: B 0x80 active, 3s first CHS, B type, 3s last CHS, I first sector, I sectors.
_MBR_ENTRY = struct.Struct("<B3sB3sII")

# GPT header, 92 bytes used of 512:
#   0  8s  "EFI PART"            32  Q   LBA of the other header   72  Q  LBA of the table
#   8  I   revision 1.0          40  Q   first usable LBA          80  I  entries in it
#  12  I   header's length       48  Q   last usable LBA           84  I  bytes an entry
#  16  I   CRC of the header     56  16s disk GUID                 88  I  CRC of the table
#  20  4x                        24  Q   LBA of this header
_HEADER = struct.Struct("<8sIIII4Q16sQIII")
_SIGNATURE = b"EFI PART"
_REVISION = 0x00010000

# Entry: 16s type GUID, 16s own GUID, Q first LBA, Q last LBA, Q attributes, 72s name in UTF-16LE.
_ENTRY = struct.Struct("<16s16sQQQ72s")


@dataclass(frozen=True)
class Partition:
    """A partition; `first` and `last` in sectors of 512 bytes, both inside it."""

    type: uuid.UUID
    guid: uuid.UUID
    first: int
    last: int
    name: str


@dataclass(frozen=True)
class Header:
    """A GPT header whose checksums are right, with its partitions."""

    lba: int
    other: int
    first_usable: int
    last_usable: int
    disk: uuid.UUID
    partitions: tuple[Partition, ...]


def mbr(boot_code: bytes, core: int, signature: int, sectors: int) -> bytes:
    """Return the 512 bytes of a protective MBR that starts GRUB.

    The protective entry covers the disk. A second, empty one is marked active, because some
    BIOSes start no disk without an active entry and UEFI wants the protective one not to be it.

    Args:
        boot_code: GRUB's boot_hybrid.img.
        core: the sector of 512 bytes where GRUB's core starts.
        signature: the disk signature, 32 bits.
        sectors: length of the disk, in sectors of 512 bytes.
    """
    code = bytearray(boot_code[:BOOT_CODE].ljust(BOOT_CODE, b"\0"))
    struct.pack_into("<Q", code, _CORE_AT, core)
    protective = _MBR_ENTRY.pack(
        0, b"\x00\x02\x00", _PROTECTIVE, b"\xff\xff\xff", 1, min(sectors - 1, 0xFFFFFFFF)
    )
    active = _MBR_ENTRY.pack(0x80, b"\0\0\0", 0, b"\0\0\0", 0, 1)
    return (
        bytes(code) + struct.pack("<I2x", signature) + protective + active + bytes(32) + b"\x55\xaa"
    )


def labels(sectors: int, disk: uuid.UUID, partitions: list[Partition]) -> tuple[bytes, bytes]:
    """Return both GPTs of a disk of `sectors` sectors of 512 bytes.

    Returns:
        (primary, backup): the first belongs at sector 1, the second at the last
        `LABEL_SECTORS` sectors.
    """
    table = b"".join(_pack_partition(part) for part in partitions)
    table = table.ljust(ENTRIES * ENTRY_SIZE, b"\0")
    last = sectors - 1
    primary = _pack_header(1, last, 2, table, disk, sectors)
    backup = _pack_header(last, 1, last - TABLE_SECTORS, table, disk, sectors)
    return primary + table, table + backup


def _pack_partition(part: Partition) -> bytes:
    name = part.name.encode("utf-16-le").ljust(72, b"\0")
    return _ENTRY.pack(part.type.bytes_le, part.guid.bytes_le, part.first, part.last, 0, name)


def _pack_header(
    lba: int, other: int, table_lba: int, table: bytes, disk: uuid.UUID, sectors: int
) -> bytes:
    last_usable = sectors - 1 - LABEL_SECTORS

    def packed(crc: int) -> bytes:
        return _HEADER.pack(
            _SIGNATURE, _REVISION, _HEADER.size, crc, 0, lba, other, FIRST_USABLE, last_usable,
            disk.bytes_le, table_lba, ENTRIES, ENTRY_SIZE, zlib.crc32(table),
        )  # fmt: skip

    return packed(zlib.crc32(packed(0))).ljust(SECTOR, b"\0")


def parse(disk: bytes, lba: int, *, first: int = 0) -> Header:
    """Return the GPT header at sector `lba`, with its partitions.

    Args:
        disk: the bytes of the disk from sector `first` on; as many as header and table need.
        lba: the header's sector.
        first: the sector that `disk` starts with.

    Raises:
        ValueError: it is damaged; the message says how.
    """
    raw = _slice(disk, (lba - first) * SECTOR, SECTOR)
    (mark, _, size, crc, _, own, other, usable, last_usable, guid, table_lba, count, length,
     table_crc) = _HEADER.unpack_from(raw)  # fmt: skip
    if mark != _SIGNATURE:
        raise ValueError(f"there is no GPT header at sector {lba}")
    if size != _HEADER.size or zlib.crc32(raw[:16] + bytes(4) + raw[20:size]) != crc:
        raise ValueError(f"the checksum of the GPT header at sector {lba} is wrong")
    if own != lba:
        raise ValueError(f"the GPT header at sector {lba} says that it lies at {own}")
    table = _slice(disk, (table_lba - first) * SECTOR, count * length)
    if zlib.crc32(table) != table_crc or length != ENTRY_SIZE:
        raise ValueError(f"the checksum of the partition table at sector {table_lba} is wrong")
    return Header(own, other, usable, last_usable, uuid.UUID(bytes_le=guid), _partitions(table))


def _slice(disk: bytes, start: int, length: int) -> bytes:
    if start < 0 or start + length > len(disk):
        raise ValueError("the GPT points outside of the disk")
    return disk[start : start + length]


def _partitions(table: bytes) -> tuple[Partition, ...]:
    found = []
    for start in range(0, len(table), ENTRY_SIZE):
        kind, guid, first, last, _, name = _ENTRY.unpack_from(table, start)
        if any(kind):
            text = name.decode("utf-16-le", "replace").rstrip("\0")
            found.append(
                Partition(uuid.UUID(bytes_le=kind), uuid.UUID(bytes_le=guid), first, last, text)
            )
    return tuple(found)


def mbr_mistakes(sector: bytes, core: int, sectors: int) -> list[str]:
    """Return what is wrong with a protective MBR; arguments as for `mbr`."""
    wrong = []
    if sector[510:512] != b"\x55\xaa":
        wrong.append("its signature 55 AA is missing")
    if not any(sector[:_CORE_AT]):
        wrong.append("it has no boot code")
    (points_to,) = struct.unpack_from("<Q", sector, _CORE_AT)
    if points_to != core:
        wrong.append(f"its boot code loads sector {points_to}, GRUB is at {core}")
    entries = [_MBR_ENTRY.unpack_from(sector, 446 + 16 * n) for n in range(4)]
    guards = [entry for entry in entries if entry[2] == _PROTECTIVE]
    if len(guards) != 1 or guards[0][4:] != (1, min(sectors - 1, 0xFFFFFFFF)):
        wrong.append(f"no protective entry covers its {sectors} sectors")
    if not any(entry[0] == 0x80 for entry in entries):
        wrong.append("no entry is active: some BIOSes will not start it")
    return wrong

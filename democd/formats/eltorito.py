"""El Torito: the boot catalog of a CD, and what GRUB's BIOS image must be told about its place.

Sources: "El Torito" Bootable CD-ROM Format Specification 1.0, section 2; the boot information
table is mkisofs's (isoinfo(8), "EL TORITO BOOT INFORMATION TABLE"); GRUB's own field is the
block list at the end of its first sector after cdboot.img (boot/i386/pc/diskboot.S).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

BIOS = 0x00
UEFI = 0xEF
SECTOR = 2048  # of the CD

PVD_LBA = 16
BIOS_LOAD_SECTORS = 4  # of 512 bytes: cdboot.img, which loads the rest itself

# Boot information table, at offset 8 of the image, little-endian:
#   8  I  LBA of the primary volume descriptor     16  I  length of the image in bytes
#  12  I  LBA of the image                         20  I  sum of its 32-bit words from 64 on
_INFO_TABLE = struct.Struct("<4I")
_INFO_AT = 8
_SUMMED_FROM = 64

# GRUB's block list: cdboot.img is 2048 bytes, diskboot.img follows; its last 12 bytes say where
# the rest of the core is: start in 512-byte sectors (Q), length (H), segment (H).
_BLOCK_LIST_AT = 2548


def patched(image: bytes, lba: int) -> bytes:
    """Return GRUB's BIOS image as it must lie on the disc at `lba` (in 2048-byte sectors).

    Raises:
        ValueError: the image is too short to be GRUB's.
    """
    if len(image) < _BLOCK_LIST_AT + 12:
        raise ValueError("too short for a GRUB El Torito image")
    data = bytearray(image)
    struct.pack_into("<Q", data, _BLOCK_LIST_AT, lba * 4 + 5)
    data[_INFO_AT:_SUMMED_FROM] = bytes(_SUMMED_FROM - _INFO_AT)
    _INFO_TABLE.pack_into(data, _INFO_AT, PVD_LBA, lba, len(data), checksum(data))
    return bytes(data)


def checksum(image: bytes | bytearray) -> int:
    """Return the boot information table's checksum of an image."""
    words = bytes(image[_SUMMED_FROM:])
    words += bytes(-len(words) % 4)
    total: int = sum(struct.unpack(f"<{len(words) // 4}I", words))
    return total & 0xFFFFFFFF


def patch_mistakes(image: bytes, lba: int) -> list[str]:
    """Return what is wrong with the patches of a BIOS image that lies at `lba`."""
    if len(image) < _BLOCK_LIST_AT + 12:
        return [f"the image has only {len(image)} bytes"]
    pvd, own, length, total = _INFO_TABLE.unpack_from(image, _INFO_AT)
    (rest,) = struct.unpack_from("<Q", image, _BLOCK_LIST_AT)
    expected = [
        ("the boot information table's volume descriptor", pvd, PVD_LBA),
        ("the boot information table's own place", own, lba),
        ("the boot information table's length", length, len(image)),
        ("the boot information table's checksum", total, checksum(image)),
        ("GRUB's block list", rest, lba * 4 + 5),
    ]
    return [f"{what} is {is_}, not {must}" for what, is_, must in expected if is_ != must]


@dataclass(frozen=True)
class BootEntry:
    """An entry of the catalog.

    Attributes:
        platform: `BIOS` or `UEFI`.
        bootable: whether it is marked so.
        emulation: 0 is none.
        sectors: what to load, in sectors of 512 bytes.
        lba: where it is, in sectors of 2048 bytes.
    """

    platform: int
    bootable: bool
    emulation: int
    sectors: int
    lba: int


# Validation entry, 32 bytes: B header 1, B platform, 2x, 24s id, H checksum, 2s 55 AA.
# All its sixteen 16-bit words add up to 0.
_VALIDATION = struct.Struct("<BB2x24sH2s")
# Initial and section entries: B 0x88 bootable, B emulation, H segment, B system, x,
# H sectors of 512 bytes to load, I LBA.
_BOOT_ENTRY = struct.Struct("<BBHBxHI20x")
# Section header: B 0x90 (more follow) or 0x91 (last), B platform, H entries, 28s id.
_SECTION = struct.Struct("<BBH28s")


def catalog_lba(descriptor: bytes) -> int:
    """Return the LBA of the catalog that a boot record volume descriptor points to.

    Raises:
        ValueError: it is not El Torito's.
    """
    if descriptor[:7] != b"\0CD001\x01" or descriptor[7:30] != b"EL TORITO SPECIFICATION":
        raise ValueError("the volume has no El Torito boot record")
    return int(struct.unpack_from("<I", descriptor, 0x47)[0])


def parse_catalog(catalog: bytes) -> list[BootEntry]:
    """Return the entries of a boot catalog.

    Raises:
        ValueError: it is damaged; the message says where.
    """
    if len(catalog) < SECTOR:
        raise ValueError("the boot catalog is cut short")
    header, platform, _, _, mark = _VALIDATION.unpack_from(catalog)
    if header != 1 or mark != b"\x55\xaa":
        raise ValueError("the boot catalog has no validation entry")
    if sum(struct.unpack_from("<16H", catalog)) & 0xFFFF:
        raise ValueError("the boot catalog's checksum is wrong")
    entries = [_boot_entry(catalog, 32, platform)]
    at = 64
    while at + 32 <= len(catalog) and catalog[at] in (0x90, 0x91):
        last, platform, count, _ = _SECTION.unpack_from(catalog, at)
        for _ in range(count):
            at += 32
            if at + 32 > len(catalog):
                raise ValueError("a section of the boot catalog is cut short")
            entries.append(_boot_entry(catalog, at, platform))
        at += 32
        if last == 0x91:
            break
    return entries


def _boot_entry(catalog: bytes, at: int, platform: int) -> BootEntry:
    mark, emulation, _, _, sectors, lba = _BOOT_ENTRY.unpack_from(catalog, at)
    return BootEntry(platform, mark == 0x88, emulation & 0x0F, sectors, lba)

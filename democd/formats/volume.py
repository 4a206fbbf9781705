"""What an ISO image says of itself in its first sectors, and how it would start."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

from democd.errors import InputError
from democd.formats import eltorito, gpt

SECTOR = 2048
FIRST_DESCRIPTOR = 16
LAST_DESCRIPTOR = 64
ESP_IN_MBR = 0xEF


@dataclass(frozen=True)
class IsoImage:
    """An ISO 9660 image.

    Attributes:
        volume_id, publisher, preparer, application: of the primary volume descriptor.
        size: bytes the volume says it has.
        boot: entries of the El Torito catalog.
        disk_bios: it has boot code where a BIOS looks on a disk.
        disk_uefi: it has a partition that UEFI looks for on a disk.
        gpt: it has a whole GPT.
        trouble: what is damaged.
    """

    volume_id: str
    publisher: str
    preparer: str
    application: str
    size: int
    boot: tuple[eltorito.BootEntry, ...]
    disk_bios: bool
    disk_uefi: bool
    gpt: bool
    trouble: tuple[str, ...]

    def boots(self, platform: int) -> bool:
        """Tell whether it starts from a CD on `eltorito.BIOS` or `eltorito.UEFI`."""
        return any(entry.platform == platform and entry.bootable for entry in self.boot)


def is_iso(head: bytes) -> bool:
    """Tell whether a file that starts with `head`, 17 sectors or more, is an ISO 9660 image."""
    start = FIRST_DESCRIPTOR * SECTOR
    return len(head) >= start + SECTOR and head[start : start + 7] == b"\x01CD001\x01"


def read(stream: BinaryIO) -> IsoImage:
    """Return what an image says of itself.

    Primary volume descriptor (ECMA-119, section 8.4; numbers in both byte orders)::

        40   32s  volume id             318  128s publisher
        80   I    blocks of the volume  446  128s preparer
        128  H    size of a block       574  128s application

    Raises:
        InputError: it is no ISO 9660 image.
    """
    stream.seek(0)
    head = stream.read((LAST_DESCRIPTOR + 1) * SECTOR)
    primary = head[FIRST_DESCRIPTOR * SECTOR :][:SECTOR]
    if not is_iso(head):
        raise InputError("it is no ISO 9660 image")
    (blocks,) = struct.unpack_from("<I", primary, 80)
    (block,) = struct.unpack_from("<H", primary, 128)
    trouble: list[str] = []
    actual = stream.seek(0, 2)
    if actual < blocks * block:
        trouble.append(f"it is cut short: {actual} bytes of {blocks * block}")
    boot = _boot_entries(stream, head, trouble)
    has_gpt, esp = _gpt(head)
    kinds = {head[446 + 16 * index + 4] for index in range(4)}
    marked = head[510:512] == b"\x55\xaa"
    return IsoImage(
        volume_id=_text(primary, 40, 32),
        publisher=_text(primary, 318, 128),
        preparer=_text(primary, 446, 128),
        application=_text(primary, 574, 128),
        size=blocks * block,
        boot=boot,
        disk_bios=marked and any(head[: gpt.BOOT_CODE]),
        disk_uefi=esp or (marked and ESP_IN_MBR in kinds),
        gpt=has_gpt,
        trouble=tuple(trouble),
    )


def _text(descriptor: bytes, at: int, length: int) -> str:
    return descriptor[at : at + length].decode("latin-1").rstrip(" \0")


def _boot_entries(
    stream: BinaryIO, head: bytes, trouble: list[str]
) -> tuple[eltorito.BootEntry, ...]:
    for sector in range(FIRST_DESCRIPTOR + 1, LAST_DESCRIPTOR):
        descriptor = head[sector * SECTOR :][:SECTOR]
        if len(descriptor) < SECTOR or descriptor[1:6] != b"CD001" or descriptor[0] == 0xFF:
            break
        if descriptor[0] != 0:
            continue
        try:
            stream.seek(eltorito.catalog_lba(descriptor) * SECTOR)
            return tuple(eltorito.parse_catalog(stream.read(SECTOR)))
        except ValueError as error:
            trouble.append(str(error))
    return ()


def _gpt(head: bytes) -> tuple[bool, bool]:
    """Tell whether there is a GPT, and an EFI system partition in it."""
    try:
        header = gpt.parse(head, 1)
    except (ValueError, struct.error):
        return False, False
    return True, any(part.type == gpt.ESP_TYPE for part in header.partitions)

"""Where on a disk the partitions lie, and what they are called. Pure.

Sizes are bytes, starts are bytes from the beginning of the disk; all are multiples of 1 MiB.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from xendemo.install import sizes
from xendemo.install.devices import Device
from xendemo.install.facts import Disc
from xendemo.install.options import Options
from xendemo.install.sizes import BIOS_BOOT, MIB

USR_MOST = 16384 * MIB
TYPES = {
    "BIOS boot": "21686148-6449-6E6F-744E-656564454649",  # GRUB's own
    "ESP": "C12A7328-F81F-11D2-BA4B-00A0C93EC93B",
    "swap": "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F",
    "root": "0FC63DAF-8483-4772-8E79-3D69D8477DE4",  # Linux file system
    "usr": "0FC63DAF-8483-4772-8E79-3D69D8477DE4",
}

Fresh = Callable[[], uuid.UUID]


@dataclass(frozen=True)
class Part:
    """A partition.

    Args:
        number: in the table, from 1.
        name: as the table has it, and what it is for: BIOS boot, ESP, swap, root, usr.
        type: the GUID of its type (UEFI 5.3.3; Discoverable Partitions Specification).
        start, size: bytes.
        path: of its device.
        guid: its own, in the table.
        uuid: of the file system that it gets, as blkid and fstab have it; "" for none.
    """

    number: int
    name: str
    type: str
    start: int
    size: int
    path: str
    guid: str
    uuid: str


@dataclass(frozen=True)
class Layout:
    """A whole disk: its sectors' size in bytes, its GUID, its partitions."""

    device: str
    sector: int
    guid: str
    parts: tuple[Part, ...]

    def part(self, name: str) -> Part | None:
        """Return a partition by its name, or None."""
        return next((part for part in self.parts if part.name == name), None)

    def the(self, name: str) -> Part:
        """Return a partition that every layout has."""
        return next(part for part in self.parts if part.name == name)


def make(device: Device, disc: Disc, options: Options, fresh: Fresh) -> Layout:
    """Return the layout of a disk that is big enough; `fresh` gives a new UUID at each call."""
    end = (device.size - MIB) // MIB * MIB  # the backup of the table lies behind it
    rest = end - MIB - BIOS_BOOT - sizes.esp(device.sector) - sizes.up(options.swap)
    usr = 0
    if options.separate_usr:
        spare = rest - sizes.usr(disc) - sizes.root(disc, options)
        usr = min(sizes.usr(disc) + spare // 2 // MIB * MIB, USR_MOST)
    wanted = {"BIOS boot": BIOS_BOOT, "ESP": sizes.esp(device.sector)}
    if options.swap:
        wanted["swap"] = sizes.up(options.swap)
    wanted["root"] = rest - usr
    if usr:
        wanted["usr"] = usr
    parts = []
    start = MIB
    for number, (name, size) in enumerate(wanted.items(), 1):
        parts.append(Part(
            number, name, TYPES[name], start, size, partition_path(device.path, number),
            str(fresh()).upper(), _file_system_id(name, fresh),
        ))  # fmt: skip
        start += size
    return Layout(device.path, device.sector, str(fresh()).upper(), tuple(parts))


def partition_path(disk: str, number: int) -> str:
    """Return the device of a partition: /dev/sda1, but /dev/nvme0n1p1."""
    return f"{disk}{'p' if disk[-1].isdigit() else ''}{number}"


def table(layout: Layout) -> str:
    """Return the table as sfdisk reads it (sfdisk(8), named-fields format)."""
    lines = ["label: gpt", f"label-id: {layout.guid}"]
    for part in layout.parts:
        start, size = part.start // layout.sector, part.size // layout.sector
        lines.append(f"start={start}, size={size}, type={part.type}, uuid={part.guid}, "
                     f'name="{part.name}"')  # fmt: skip
    return "\n".join([*lines, ""])


def _file_system_id(name: str, fresh: Fresh) -> str:
    if name == "BIOS boot":
        return ""
    if name == "ESP":  # FAT has but 32 bits
        text = fresh().hex[:8].upper()
        return f"{text[:4]}-{text[4:]}"
    return str(fresh())

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

Fresh = Callable[[], uuid.UUID]


@dataclass(frozen=True)
class Part:
    """A partition.

    Args:
        number: in the table, from 1.
        name: as the table has it, and what it is for: BIOS boot, ESP, swap, root, usr.
        code: sgdisk's code of its type.
        start, size: bytes.
        path: of its device.
        guid: its own, in the table.
        uuid: of the file system that it gets, as blkid and fstab have it; "" for none.
    """

    number: int
    name: str
    code: str
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
    wanted = [("BIOS boot", "ef02", BIOS_BOOT), ("ESP", "ef00", sizes.esp(device.sector))]
    if options.swap:
        wanted.append(("swap", "8200", sizes.up(options.swap)))
    wanted.append(("root", "8300", rest - usr))
    if usr:
        wanted.append(("usr", "8300", usr))
    parts = []
    start = MIB
    for number, (name, code, size) in enumerate(wanted, 1):
        parts.append(Part(
            number, name, code, start, size, partition_path(device.path, number),
            str(fresh()).upper(), _file_system_id(name, fresh),
        ))  # fmt: skip
        start += size
    return Layout(device.path, device.sector, str(fresh()).upper(), tuple(parts))


def partition_path(disk: str, number: int) -> str:
    """Return the device of a partition: /dev/sda1, but /dev/nvme0n1p1."""
    return f"{disk}{'p' if disk[-1].isdigit() else ''}{number}"


def table(layout: Layout) -> tuple[str, ...]:
    """Return the command that writes the table."""
    words = ["sgdisk", "--set-alignment=1", "--clear", f"--disk-guid={layout.guid}"]
    for part in layout.parts:
        first = part.start // layout.sector
        last = (part.start + part.size) // layout.sector - 1
        words += [
            f"--new={part.number}:{first}:{last}", f"--typecode={part.number}:{part.code}",
            f"--change-name={part.number}:{part.name}",
            f"--partition-guid={part.number}:{part.guid}",
        ]  # fmt: skip
    return (*words, layout.device)


def _file_system_id(name: str, fresh: Fresh) -> str:
    if name == "BIOS boot":
        return ""
    if name == "ESP":  # FAT has but 32 bits
        text = fresh().hex[:8].upper()
        return f"{text[:4]}-{text[4:]}"
    return str(fresh())

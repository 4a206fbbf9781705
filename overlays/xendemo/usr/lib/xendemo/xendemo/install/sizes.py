"""How much room an installation needs, in bytes. Pure."""

from __future__ import annotations

from xendemo.install.devices import Device
from xendemo.install.facts import Disc
from xendemo.install.options import Options, Pairs, say_size

MIB = 1 << 20
BIOS_BOOT = 1 * MIB  # GRUB's core, which is 30 to 130 KiB
TABLES = 2 * MIB  # GPT at both ends, and alignment
BOOT = 32 * MIB  # Xen, Linux, its initrd and GRUB
SPARE = 640 * MIB  # for an upgrade of Linux: packages, modules, an initrd of Debian's; and logs
USR_SHARE = 0.9  # of the tree
USR_SPARE = 320 * MIB  # of what is spared
LOSS = 0.07  # what ext4 takes for itself, and keeps for root


def root(disc: Disc, options: Options) -> int:
    """Return what the root's file system needs; without /usr if that gets one of its own."""
    size = BOOT + disc.unpacked + SPARE + (disc.size if options.guests else 0)
    return _with_loss(size - (_usr(disc) if options.separate_usr else 0))


def usr(disc: Disc) -> int:
    """Return what a file system for /usr needs."""
    return _with_loss(_usr(disc))


def esp(sector: int) -> int:
    """Return what an ESP has, by the bytes of the disk's sectors.

    FAT32 has 65525 clusters or more, and a cluster is no less than a sector.
    """
    return 64 * MIB if sector == 512 else 300 * MIB


def up(size: int) -> int:
    """Return a size as whole MiB."""
    return -(-size // MIB) * MIB


def needed(disc: Disc, options: Options, sector: int = 512) -> int:
    """Return the bytes that a disk must have."""
    fixed = TABLES + BIOS_BOOT + esp(sector) + up(options.swap)
    return fixed + root(disc, options) + (usr(disc) if options.separate_usr else 0)


def mistakes(disc: Disc, options: Options, device: Device) -> Pairs:
    """Return the complaint about a disk that is too small, with what could be done without."""
    need = needed(disc, options, device.sector)
    if device.size >= need:
        return []
    less = ["--no-guests"] if options.guests else []
    less += ["less --swap"] if options.swap else []
    return [(
        f"{device.path} is too small: it has {say_size(device.size)}, {say_size(need)} are needed",
        f"take a larger disk, or {' and '.join(less)}" if less else "take a larger disk",
    )]  # fmt: skip


def _usr(disc: Disc) -> int:
    return int(USR_SHARE * disc.unpacked) + USR_SPARE


def _with_loss(size: int) -> int:
    return up(int(size / (1 - LOSS)))

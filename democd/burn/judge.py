"""What must not be written to, and why. Pure: facts in, mistakes out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from democd.burn.devices import Device, find, holders, say_size

Mistake = tuple[str, str]

SYSTEM = ("/", "/usr", "/var", "/boot", "/boot/efi", "/efi", "/nix", "/home")
"""What is mounted there belongs to the running system: no option gets past that."""

SWAP = "[SWAP]"
NO_DISKS = (
    "zram",
    "ram",
    "mtdblock",
    "fd",
    "nbd",
)  # what lsblk calls a disk, but nobody boots from
LSBLK = "see what there is: lsblk -o PATH,SIZE,TRAN,MODEL,MOUNTPOINTS"


@dataclass(frozen=True)
class Facts:
    """A name that a person gave, and what this machine knows about it.

    Attributes:
        given: as it was typed.
        path: without links: /dev/sdb of /dev/disk/by-id/usb-….
        kind: `block`, `file`, `folder`, `other`, or `` if there is nothing.
        devices: all block devices of this machine.
        in_use: the kernel does not lend it for sole use: mounted, or held by LVM, RAID, a program.
        writable: this user may write to it.
    """

    given: str
    path: str
    kind: str
    devices: tuple[Device, ...] = ()
    in_use: bool = False
    writable: bool = True

    @property
    def device(self) -> Device | None:
        """The block device that was named."""
        return find(self.devices, self.path) if self.kind == "block" else None


def mistakes(facts: Facts, size: int, *, fixed: bool) -> list[Mistake]:
    """Return all that speaks against writing to a disk.

    Args:
        facts: of the disk.
        size: bytes to write.
        fixed: a disk that is built in is meant.
    """
    device = facts.device
    if device is None:
        return [_nothing(facts)]
    if wrong := _no_disk(facts, device):
        return [wrong]
    found = in_the_way(facts, device)
    if device.readonly:
        found.append((f"{device.path} is read-only", "some sticks and cards have a switch"))
    elif not facts.writable:
        found.append(no_permission(device))
    if not device.portable and not fixed:
        what = f"{device.path} is built in, not a stick: {device.model or device.type}"
        found.append((what, "if this very disk is meant: --fixed"))
    if device.size < size:
        room, wanted = say_size(device.size), say_size(size)
        found.append((f"{device.path} is too small: {room}, not {wanted}", "take a larger one"))
    return found


def no_permission(device: Device) -> Mistake:
    """Return the complaint that this user may not write."""
    return (f"you may not write to {device.path}", "as root: sudo ./build.py burn …")


def in_the_way(facts: Facts, device: Device) -> list[Mistake]:
    """Return who uses a device, or anything on it: the one rule for all media."""
    below = list(device.below())
    places = {place for item in below for place in item.mountpoints}
    if own := sorted(places.intersection(SYSTEM)):
        what = f"{device.path} is the disk that this system runs from: it has {', '.join(own)}"
        return [(what, f"no option allows that; {LSBLK}")]
    found = list(_uses(below))
    if not found and facts.in_use:
        what = f"{device.path} is in use by the kernel or a program"
        found.append((what, f"see who: fuser -v {device.path}; lsblk {device.path}"))
    return found


def _uses(below: list[Device]) -> Iterator[Mistake]:
    for item in below:
        where = sorted(set(item.mountpoints) - {SWAP})
        if where:
            yield (f"{item.path} is mounted at {', '.join(where)}", f"umount {item.path}")
        elif item.mountpoints:
            yield (f"{item.path} is in use as swap", f"swapoff {item.path}")
        stacked = [child.path for child in item.children if child.type != "part"]
        if stacked:
            yield (f"{item.path} is in use by {', '.join(stacked)} ({item.fstype or 'stacked'})",
                   "let go of it first: vgchange -an, cryptsetup close, mdadm --stop")  # fmt: skip


def _nothing(facts: Facts) -> Mistake:
    if facts.kind == "file":
        return (f"{facts.given} is a file, not a device",
                f"to write an image into it as into a drive: stdio:{facts.given}")  # fmt: skip
    if facts.kind:
        return (f"{facts.given} is not a block device", LSBLK)
    sticks = [f"{d.path} ({d.model or d.type})" for d in facts.devices if d.portable and d.size]
    known = f"plugged in: {', '.join(sticks)}" if sticks else "no stick is plugged in"
    return f"{facts.given}: there is no such device", f"{known}; {LSBLK}"


def _no_disk(facts: Facts, device: Device) -> Mistake | None:
    """Return the complaint about a device that is no whole disk, or None."""
    above = holders(facts.devices, device.path)
    if above and device.type == "part":
        disks = ", ".join(disk.path for disk in above)
        why = f"the ISO has partitions of its own, so it takes the whole disk: {disks}"
        return f"{device.path} is a partition of {disks}", why
    if device.type not in ("disk", "loop") or device.kernel.rstrip("0123456789") in NO_DISKS:
        return f"{device.path} is no disk ({device.type})", LSBLK
    if not device.size:
        return f"{device.path} has no medium in it", "put one in, or name another"
    return None

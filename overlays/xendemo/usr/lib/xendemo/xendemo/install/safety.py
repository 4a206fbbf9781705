"""What must not be installed to, and why. Pure: facts and options in, mistakes out."""

from __future__ import annotations

from collections.abc import Iterator

from xendemo.install import sizes
from xendemo.install.devices import Device, walk
from xendemo.install.facts import Facts
from xendemo.install.options import Options, Pairs, say_size
from xendemo.words import nearest

MEMBERS = {
    "LVM2_member": "part of LVM",
    "linux_raid_member": "part of a RAID array (md)",
    "isw_raid_member": "part of a firmware's RAID array",
    "ddf_raid_member": "part of a firmware's RAID array",
    "crypto_LUKS": "encrypted (LUKS)",
    "BitLocker": "encrypted (BitLocker)",
    "mpath_member": "part of a multipath device",
    "bcache": "part of bcache",
    "zfs_member": "part of ZFS",
    "drbd": "part of DRBD",
    "ceph_bluestore": "part of Ceph",
    "VMFS_volume_member": "part of VMFS",
}
"""What lsblk calls a file system, but other devices are made of, even if they are not now."""

STACKED = {"lvm": "LVM", "crypt": "encryption (LUKS)", "mpath": "a multipath device",
           "dm": "the device mapper", "md": "a RAID array (md)"}  # fmt: skip
DISKS = ("disk", "loop")
NO_DISKS = ("zram", "ram", "mtdblock", "fd", "nbd")  # kernel names of what is a "disk" to lsblk


def mistakes(facts: Facts, options: Options) -> Pairs:
    """Return all reasons why this must not be done to the target, each with what would help."""
    if not options.target.startswith("/dev/"):
        return []  # a folder: `into` looks at what is in it
    device = facts.find(options.target)
    if device is None:
        return [unknown(facts, options.target)]
    if options.way == "disk":
        return list(_disk_mistakes(facts, options, device))
    return list(_partition_mistakes(facts, device, options.way))


def unknown(facts: Facts, name: str) -> tuple[str, str]:
    """Return the complaint about a name that no device has."""
    paths = sorted({device.path for device in walk(facts.devices) if device.size})
    close = nearest(name, paths)
    known = ", ".join(paths) or "none"
    return f"{name}: there is no such device", (
        f"did you mean {close}? known: {known}" if close else f"known: {known}"
    )


def _disk_mistakes(facts: Facts, options: Options, device: Device) -> Iterator[tuple[str, str]]:
    wrong = no_disk(facts, device)
    if wrong:
        yield wrong
        return
    yield from in_the_way(facts, device)
    if device.readonly:
        yield (f"{device.path} is read-only", "some drives and cards have a switch for that")
    yield from sizes.mistakes(facts.disc, options, device)
    yield from _wipe_mistakes(facts, options, device)


def _wipe_mistakes(facts: Facts, options: Options, device: Device) -> Iterator[tuple[str, str]]:
    there = content(device)
    if options.wipe:
        named = facts.find(options.wipe)
        if named is None:
            yield unknown(facts, options.wipe)
            return
        if named.path != device.path:
            yield (f"{options.wipe} may be emptied, but {options.target} is what is installed to",
                   "name one and the same disk twice, or look again which you mean")  # fmt: skip
            return
    if there and not options.wipe:
        yield (f"{device.path} is not empty: {there}",
               f"if nothing of it is wanted any more: --wipe {device.path}")  # fmt: skip
    if options.serial and options.serial != device.serial:
        yield (f"{device.path} has the serial number '{device.serial}', not '{options.serial}'",
               "this is another disk than the one that is meant")  # fmt: skip
    if options.size and options.size != device.size:
        yield (f"{device.path} has {device.size} bytes, not {options.size}",
               "this is another disk than the one that is meant")  # fmt: skip
    if options.unattended and there and not (options.serial or options.size):
        yield (f"{device.path} is not empty, and nobody is there to look at it: {there}",
               "name the disk by its serial number or its exact size in bytes: "
               f'serial = "{device.serial}", or size = {device.size}')  # fmt: skip


def _partition_mistakes(facts: Facts, device: Device, way: str) -> Iterator[tuple[str, str]]:
    """Yield what speaks against a partition whose file system is to get further files."""
    stacked = _stacked(device)
    if stacked:
        yield (f"{device.path} is {stacked}: the initrd that boots Xen cannot open that",
               "it needs a file system on a partition of its own")  # fmt: skip
        return
    if device.path not in facts.disc.backing and (device.type == "rom" or not device.size):
        yield (f"{device.path} is no partition", "see what there is: lsblk")
        return
    if parts := [child.path for child in device.children if child.type == "part"]:
        yield (f"{device.path} is a whole disk, not a partition", f"on it: {', '.join(parts)}")
        return
    if device.fstype == "swap":
        yield (f"{device.path} is swap space", "name the partition that has the Linux")
    elif not device.fstype:
        yield (f"{device.path} has no file system", "name one that has: see lsblk -f")
    if device.readonly:
        yield (f"{device.path} is read-only", "some drives and cards have a switch for that")
    yield from in_the_way(facts, device, way)


def _stacked(device: Device) -> str:
    """Return what a device is part of, or is made by: LVM, RAID, encryption; or ""."""
    if device.fstype in MEMBERS:
        return MEMBERS[device.fstype]
    if device.type in STACKED or device.type.startswith("raid"):
        return f"there through {STACKED.get(device.type, 'a RAID array (md)')}"
    return ""


def no_disk(facts: Facts, device: Device) -> tuple[str, str] | None:
    """Return the complaint about a device that is no whole disk, or None."""
    if device.type == "part":
        disks = sorted(facts.holders(device.path) - {device.path})
        return (f"{device.path} is a partition, not a disk",
                f"the disk is {', '.join(disks)}; what is installed takes all of it")  # fmt: skip
    if device.type == "rom":
        return f"{device.path} is a CD or DVD drive", "nothing can be installed to it"
    name = device.kernel or device.path.rpartition("/")[2]
    if device.type not in DISKS or name.rstrip("0123456789") in NO_DISKS:
        return f"{device.path} is no disk ({device.type})", "see what there is: lsblk"
    if not device.size:
        return f"{device.path} has no medium in it", "put one in, or name another"
    return None


def in_the_way(facts: Facts, device: Device, way: str = "disk") -> Iterator[tuple[str, str]]:
    """Yield what is in use of a device or of anything on it; a device that is told, told once.

    This is the one rule for all ways to install: what anybody uses is left alone.
    """
    below = list({item.path: item for item in device.below()}.values())
    if any(item.path in facts.disc.backing for item in below) or _is_on_disc(facts, device):
        yield (f"{device.path} holds the disc that this runs from",
               "take another one; or boot with `toram`, which lets go of the disc")  # fmt: skip
        return
    told = False
    for path in sorted(facts.guest_disks & (facts.holders(device.path) - {device.path})):
        told = True
        yield (f"{device.path} is on {path}, a disk of a running domain",
               "shut that domain down first: xendemo list")  # fmt: skip
    for item in below:
        use = use_of(facts, item)
        if use:
            told = True
            yield (f"{item.path} is {use}", _remedy(use, item, way))
    if told:
        return
    for item in below:
        # The kernel refuses to share it: some program, or a kernel's part that lsblk knows not of.
        if item.path in facts.in_use:
            yield (
                f"{item.path} is {facts.in_use[item.path]}",
                "see who: fuser -v, dmsetup ls, lsblk",
            )
            return


def use_of(facts: Facts, device: Device) -> str:
    """Return what a device is used for, or would be by its owner, or ""."""
    if place := place_of(device):
        return f"mounted at {place}"
    if device.mountpoints:
        return "in use as swap"
    if device.path in facts.guest_disks:
        return "a disk of a running domain"
    if stacked := _stacked(device):
        return stacked
    use = facts.in_use.get(device.path, "")
    return use if use.startswith(("mounted", "in use as")) else ""


def place_of(device: Device) -> str:
    """Return where a device is mounted, the first place if there are several, "" if nowhere."""
    places = [place for place in device.mountpoints if place != "[SWAP]"]
    return "/" if "/" in places else next(iter(places), "")


def content(device: Device) -> str:
    """Return what is on a disk, in a few words, or "" if it is empty."""
    found = []
    if device.fstype:
        found.append(f"a file system or other data ({device.fstype})")
    parts = [child for child in device.children if child.type == "part"]
    if parts:
        kinds = ", ".join(
            f"{part.path} {part.fstype or 'unknown'} {say_size(part.size)}" for part in parts
        )
        found.append(f"{len(parts)} partition{'s' if len(parts) > 1 else ''} ({kinds})")
    elif device.pttype:
        found.append(f"a partition table ({device.pttype})")
    return "; ".join(found)


def _is_on_disc(facts: Facts, device: Device) -> bool:
    """Tell whether a partition is one of the very device that is mounted: of a USB stick."""
    above = facts.holders(device.path) - {device.path}
    return facts.disc.device in above


def _remedy(use: str, device: Device, way: str) -> str:
    if use.startswith("mounted"):
        place = use.removeprefix("mounted at ")
        if way == "into":
            return f"if the Linux that is mounted there is meant, name its folder: {place}"
        return "name another one" if place == "/" else f"if nobody needs it: umount {device.path}"
    if use == "in use as swap":
        return f"if it is not needed: swapoff {device.path}"
    if use == "a disk of a running domain":
        return "shut that domain down first: xendemo list"
    if way != "disk":
        return "name another one"
    return "take it out of that first; wipefs -a takes the marks away, and with them the data"

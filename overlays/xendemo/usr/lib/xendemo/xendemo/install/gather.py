"""What the machine and the disc are like. The functions named `read_…` are pure."""

from __future__ import annotations

import errno
import glob
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from xendemo import run
from xendemo.errors import Failure
from xendemo.files import content
from xendemo.install import devices, findmnt
from xendemo.install.devices import Device, walk
from xendemo.install.facts import Facts
from xendemo.install.findmnt import Mounted
from xendemo.install.medium import find_disc, look_at_disc

LIVE = "/run/democd/disc"  # written by the initrd's init
BACKENDS = ("vbd", "qdisk", "vbd3", "tap")
PARAMS = re.compile(r'/(?:params|physical-device) = "([^"]*)"')
PROGRAM = re.compile(r"^(?:[a-z0-9]+:)*(?=/)")  # aio:/dev/sdb, phy:/dev/sdb
AMBIVALENT = 8  # exit status of blkid -p
SLOW = ("fd", "sr")  # kernel names of drives that are not asked: a missing medium takes seconds


def gather(folder: str = "") -> Facts:
    """Ask for everything.

    Args:
        folder: where the disc is mounted; "" to look for it.

    Raises:
        Failure: a program that tells of devices is not there or does not work.
        InputError: there is no disc.
    """
    live = os.path.exists(LIVE)
    seen = look_at_devices()
    mounts = findmnt.now()
    swaps = read_swaps(content("/proc/swaps"))
    names = {**_links(seen), **_kernel_names(seen)}
    return Facts(
        disc=look_at_disc(find_disc(folder), seen, mounts, names, _backing_files(seen)),
        devices=seen,
        uefi=os.path.isdir("/sys/firmware/efi"),
        efivars=_can_write_variables(),
        machine=os.uname().machine,
        guest_disks=guest_disks(names, seen),
        live=live,
        in_use={**_held(seen), **used(mounts, swaps, names)},
        names=names,
    )


def look_at_devices() -> tuple[Device, ...]:
    """Return all block devices, each with what is on it.

    lsblk takes what udev has noted, which is nothing in a chroot, or before udev is through; so
    where it tells of nothing we look ourselves.
    """
    # Since util-linux 2.41 its --help no longer lists the columns.
    known = run.run("lsblk", "--list-columns").out + run.run("lsblk", "--help").out
    text = run.check(*devices.ask(known))
    seen = devices.read(text, _partitions())
    return tuple(_complete(device) for device in seen)


def _complete(device: Device) -> Device:
    if not device.fstype and device.size and not device.kernel.startswith(SLOW):
        done = run.run("blkid", "-p", "-o", "export", device.path)
        device = read_probe(device, done.out, ambivalent=done.status == AMBIVALENT)
    return replace(device, children=tuple(_complete(child) for child in device.children))


def read_probe(device: Device, text: str, *, ambivalent: bool = False) -> Device:
    """Complete a device by the output of `blkid -p -o export`.

    Args:
        device: as lsblk tells of it.
        text: the output.
        ambivalent: blkid found signs of several things.
    """
    pairs = (line.partition("=") for line in text.splitlines())
    found = {key: value.replace("\\ ", " ") for key, _, value in pairs}
    return replace(
        device,
        fstype=device.fstype or found.get("TYPE", "several things" if ambivalent else ""),
        label=device.label or found.get("LABEL", ""),
        uuid=device.uuid or found.get("UUID", ""),
        pttype=device.pttype or found.get("PTTYPE", found.get("PART_ENTRY_SCHEME", "")),
        partuuid=device.partuuid or found.get("PART_ENTRY_UUID", ""),
        parttype=device.parttype or found.get("PART_ENTRY_TYPE", ""),
    )


def read_swaps(text: str) -> frozenset[str]:
    """Read /proc/swaps: what is used as swap, devices and files."""
    return frozenset(line.split()[0] for line in text.splitlines()[1:] if line.strip())


def used(
    mounts: Iterable[Mounted], swaps: Iterable[str], names: Mapping[str, str]
) -> dict[str, str]:
    """Return what devices are used for, by path."""
    found = {}
    for mount in mounts:
        found[names.get(mount.source, mount.source)] = f"mounted at {mount.path}"
    found |= {names.get(swap, swap): "in use as swap" for swap in swaps}
    return {path: use for path, use in found.items() if path.startswith("/dev/")}


def read_guest_disks(text: str) -> frozenset[str]:
    """Read the output of `xenstore-ls -f` on block backends: devices' paths, and their numbers."""
    found = set()
    for value in PARAMS.findall(text):
        path = PROGRAM.sub("", value)
        if path.startswith("/dev/"):
            found.add(path)
        elif match := re.fullmatch(r"([0-9a-f]+):([0-9a-f]+)", value):
            found.add(f"{int(match[1], 16)}:{int(match[2], 16)}")
    return frozenset(found)


def guest_disks(names: Mapping[str, str], seen: tuple[Device, ...]) -> frozenset[str]:
    """Return the devices that domains have as disks; none where there is no Xen."""
    if not os.path.exists("/proc/xen/xenbus") and not os.path.exists("/dev/xen/xenbus"):
        return frozenset()
    numbers = {device.numbers: device.path for device in walk(seen)}
    found: set[str] = set()
    for backend in BACKENDS:
        text = run.run("xenstore-ls", "-f", f"/local/domain/0/backend/{backend}").out
        for value in read_guest_disks(text):
            path = value if value.startswith("/") else numbers.get(value, "")
            found.add(names.get(path) or names.get(os.path.realpath(path), path))
    return frozenset(found - {""})


def _held(seen: tuple[Device, ...]) -> dict[str, str]:
    """Return devices that the kernel gives to nobody else: opening them alone fails."""
    found = {}
    for device in walk(seen):
        if device.kernel.startswith(SLOW) or not device.size:
            continue
        try:
            os.close(os.open(device.path, os.O_RDONLY | os.O_EXCL | os.O_CLOEXEC))
        except OSError as error:
            if error.errno == errno.EBUSY:
                found[device.path] = "in use by something that holds it"
    return found


def _links(seen: tuple[Device, ...]) -> dict[str, str]:
    """Return other names of devices, and the path that lsblk has for each."""
    paths = {f"/dev/{device.kernel}": device.path for device in walk(seen)}
    found = {}
    for link in (
        *glob.glob("/dev/disk/by-*/*"),
        *glob.glob("/dev/mapper/*"),
        *glob.glob("/dev/*/*"),
    ):
        real = os.path.realpath(link)
        if real in paths:
            found[link] = paths[real]
    return found


def _kernel_names(seen: tuple[Device, ...]) -> dict[str, str]:
    return {f"/dev/{device.kernel}": device.path for device in walk(seen) if device.kernel}


def _backing_files(seen: tuple[Device, ...]) -> dict[str, str]:
    """Return the file behind each loop device."""
    found = {}
    for device in walk(seen):
        file = content(f"/sys/class/block/{device.kernel}/loop/backing_file").rstrip("\n")
        if file:
            found[device.path] = file.removesuffix(" (deleted)")
    return found


def _partitions() -> dict[str, tuple[int, int]]:
    """Return number and start of each partition."""
    return {
        path.split("/")[4]: (int(content(path)), int(content(f"{os.path.dirname(path)}/start")))
        for path in glob.glob("/sys/class/block/*/partition")
    }


def _can_write_variables() -> bool:
    """Tell whether the firmware lets its variables be written."""
    folder = "/sys/firmware/efi/efivars"
    return os.path.isdir(folder) and bool(os.listdir(folder)) and os.access(folder, os.W_OK)


def require_root() -> None:
    """Make sure that we may write to devices.

    Raises:
        Failure: we may not.
    """
    if os.geteuid():
        raise Failure("only root may install", "become root first: su -, or sudo")

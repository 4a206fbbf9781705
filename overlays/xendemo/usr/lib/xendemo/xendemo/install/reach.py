"""Reaches an existing Linux: mounts what must be mounted to read it, and takes it down again."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from xendemo import run as programs
from xendemo.errors import InputError, Mistakes
from xendemo.install import findmnt, fstab, replay, safety, source, tree
from xendemo.install.devices import Device
from xendemo.install.facts import Facts
from xendemo.install.findmnt import Mounted
from xendemo.install.options import Options
from xendemo.install.source import Source
from xendemo.install.steps import Mount
from xendemo.install.target import Target, survey

RUN = "/run/xendemo-install"
TARGET = f"{RUN}/target"  # where a partition is mounted
LAYER = f"{RUN}/layer"
OWN = ("/usr", "/boot", "/boot/efi", "/efi")  # folders that may be file systems of their own
NEEDED = ("/usr", "/boot")
# For a look only: not even a journal is replayed.
UNTOUCHED = {"ext3": "noload", "ext4": "noload", "xfs": "norecovery", "btrfs": "rescue=nologreplay"}
_DISK = "/sys/class/block"


@contextlib.contextmanager
def opened(mount: Mount, readonly: bool = True) -> Iterator[None]:
    """Mount something for a while.

    Raises:
        Failure: it cannot be mounted.
        InputError: it can, but would not be seen as it is.
    """
    options = [option for option in mount.options.split(",") if option]
    os.makedirs(mount.path, exist_ok=True)
    stale = False
    if readonly and "ro" not in options:
        untouched = UNTOUCHED.get(mount.type, "")
        stale = bool(untouched) and replay.needed(mount.what, mount.type, mount.path)
        options += ["ro", *filter(None, [untouched])]
    flags = ["-t", mount.type] if mount.type else []
    flags += ["-o", ",".join(options)] if options else []
    programs.check("mount", *flags, mount.what, mount.path)
    try:
        if stale:
            raise InputError(
                f"{mount.what} was not unmounted: its journal has more than can be seen without"
                " writing to it",
                f"start that Linux once, or: mount {mount.what} /mnt && umount /mnt",
            )
        yield
    finally:
        programs.check("umount", mount.path)


def drivers(device: str) -> tuple[str, ...]:
    """Return the modules of all controllers between the machine and a device."""
    place = os.path.realpath(f"{_DISK}/{os.path.basename(os.path.realpath(device))}")
    found: dict[str, None] = {}
    while place.startswith("/sys/devices/"):
        module = f"{place}/driver/module"
        if os.path.exists(module):
            found[os.path.basename(os.path.realpath(module))] = None
        place = os.path.dirname(place)
    return tuple(found)


@contextlib.contextmanager
def target(facts: Facts, into: str) -> Iterator[Target]:
    """Read a target, the folder or partition that a person has named; it stays mounted meanwhile.

    Raises:
        Mistakes: what is named cannot be looked at.
        Failure: it cannot be mounted.
    """
    if os.path.isdir(into):
        root, steps = os.path.realpath(into), list[Mount]()
    else:
        root, steps = _partition(partition(into, facts))
    with contextlib.ExitStack() as stack:
        for step in steps:
            stack.enter_context(opened(step))
        entries = fstab.parse(tree.text(root, "/etc/fstab"))
        rest, missing = others(root, entries, findmnt.now(), facts)
        for step in rest:
            stack.enter_context(opened(step))
        mounts = (*steps, *rest)
        there = findmnt.now() if not mounts else _writable(findmnt.now(), mounts)
        top = [mount.source for mount in there if mount.path == root]
        yield survey(
            root, there, facts.devices, facts.disc.kernel, into, mounts, missing,
            drivers(top[-1]) if top and top[-1].startswith("/dev/") else (),
        )  # fmt: skip


def partition(name: str, facts: Facts) -> Device:
    """Return the partition that a person has named, by whichever of its names.

    Raises:
        Mistakes: nothing can be mounted there, or must be.
    """
    device = facts.find(name)
    if device is None:
        raise Mistakes([safety.unknown(facts, name)])
    if pairs := safety.mistakes(facts, Options("into", device.path)):
        raise Mistakes(pairs)
    return device


def _partition(device: Device) -> tuple[str, list[Mount]]:
    step = Mount("reach the Linux", device.path, TARGET, device.fstype)
    with opened(step):
        folder = subvolume(TARGET) if device.fstype == "btrfs" else ""
    options = f"subvol={folder}" if folder else ""
    return TARGET, [Mount(step.words, device.path, TARGET, device.fstype, options)]


def subvolume(top: str) -> str:
    """Return the folder with the root in a btrfs file system, "" if it is the top itself."""
    if os.path.isdir(f"{top}/etc"):
        return ""
    found = [name for name in sorted(os.listdir(top)) if os.path.isfile(f"{top}/{name}/etc/fstab")]
    return found[0] if found else ""


def others(
    root: str, entries: tuple[fstab.Entry, ...], there: tuple[Mounted, ...], facts: Facts
) -> tuple[list[Mount], tuple[tuple[str, str], ...]]:
    """Return what else of the target must be mounted, and what of that cannot be."""
    steps, missing = list[Mount](), []
    if root == "/":
        return steps, ()  # what runs has mounted what it needs
    for folder in OWN:
        entry = fstab.of(entries, folder)
        place = root.rstrip("/") + folder
        if entry is None or any(mount.path == place for mount in there):
            continue
        device = fstab.device(entry.spec, facts.devices)
        if device is not None:
            subvol = [option for option in entry.options if option.startswith("subvol")]
            steps.append(
                Mount(f"reach its {folder}", device.path, place, device.fstype, ",".join(subvol))
            )
        elif folder in NEEDED:
            missing.append((folder, entry.spec))
    return steps, tuple(missing)


def _writable(there: tuple[Mounted, ...], mounts: tuple[Mount, ...]) -> tuple[Mounted, ...]:
    """Return what will be mounted: what is read-only only because we look."""
    ours = {step.path for step in mounts}
    return tuple(
        Mounted(mount.path, mount.source, mount.fstype, mount.root) if mount.path in ours else mount
        for mount in there
    )


def disc(facts: Facts, found: Target) -> Source:
    """Read what the disc has for a target.

    Raises:
        Failure: the disc is not whole, or its layer cannot be mounted.
    """
    fstypes = {place.fstype for place in (found.top, found.usr) if place}
    mount, modules = source.layer(facts.disc, LAYER)
    with opened(mount):
        return source.read(facts.disc, mount, modules, frozenset(fstypes), found.drivers)

"""The disc that is installed from: where it is, what it is, and what it is read from."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Iterable, Mapping
from typing import Any

from xendemo.errors import InputError
from xendemo.install.devices import Device, walk
from xendemo.install.facts import Disc
from xendemo.install.findmnt import Mounted

CDROM = "/cdrom"
MANIFEST = "manifest.json"
DESCRIPTOR, SECTOR = 16 * 2048, 2048  # ISO 9660's first volume descriptor (ECMA-119, 6.2.1)
OWN_LAYERS = ("tools", "modules-xen0")  # of xen0, below those of every role
PACKED = 4  # what a small layer has unpacked, at most, for each byte on the disc


def find_disc(folder: str) -> str:
    """Return where the disc is: where one says, where we ourselves lie, or /cdrom.

    Raises:
        InputError: it is not there.
    """
    tried = [folder] if folder else [_home(), CDROM]
    for place in tried:
        if place and os.path.isfile(f"{place}/{MANIFEST}"):
            return os.path.realpath(place)
    raise InputError(
        f"no Xen demo disc is mounted at {' or '.join(place for place in tried if place)}",
        "mount it, and name its folder: --disc /mnt",
    )


def look_at_disc(
    folder: str,
    seen: tuple[Device, ...],
    mounts: Iterable[Mounted],
    names: Mapping[str, str],
    files: Mapping[str, str],
) -> Disc:
    """Return what the disc at a folder is.

    Raises:
        InputError: something is there, but it is no whole disc that is mounted.
    """
    mounts = list(mounts)
    source = next((mount.source for mount in reversed(mounts) if mount.path == folder), "")
    if not source.startswith("/dev/"):
        raise InputError(
            f"{folder} is not where a disc is mounted",
            "mount the .iso file or the disc itself: mount -o ro FILE /mnt",
        )
    with open(source, "rb") as stream:
        stream.seek(DESCRIPTOR)
        volume, size = read_volume(stream.read(SECTOR))
    with open(f"{folder}/{MANIFEST}", "rb") as manifest:
        about = json.load(manifest)
    path = names.get(source, source)
    held = backing(path, seen, mounts, names, files)
    return read_disc(about, folder, path, held, volume, size)


def read_volume(sector: bytes) -> tuple[str, int]:
    """Return a volume descriptor's volume id and its size in bytes (ECMA-119, 8.4.7 and 8.4.8).

    Raises:
        InputError: this is none.
    """
    if sector[:6] != b"\x01CD001":
        raise InputError("what is mounted there is no ISO 9660 disc", "mount the disc itself")
    blocks: int = struct.unpack_from("<I", sector, 80)[0]
    return sector[40:72].decode("ascii", "replace").rstrip(), blocks * SECTOR


def read_disc(
    about: Mapping[str, Any], folder: str, device: str, held: frozenset[str], volume: str, size: int
) -> Disc:
    """Return the disc that a manifest tells of.

    Raises:
        InputError: it is one that nothing can be installed from.
    """
    roles = about.get("roles", {})
    if "dom0" not in roles:
        raise InputError(
            f"the disc {about.get('title', volume)} has no system that could be installed",
            "it is made for trying; take the full Xen Demo CD",
        )
    own = [name for name in OWN_LAYERS if name in about["layers"]]
    layers = ("base", *own, *roles["dom0"])
    sizes = {entry["path"]: int(entry["size"]) for entry in about["files"]}
    small = sum(sizes.get(f"/live/{name}.squashfs", 0) for name in layers[1:])
    return Disc(
        folder=folder,
        device=device,
        backing=held,
        volume=volume,
        size=size,
        version=str(about["version"]),
        xen=str(about["xen"]),
        kernel=str(about["kernels"]["xen0"]),
        layers=layers,
        unpacked=int(about["packages"]["installed_bytes"]) + PACKED * small,
    )


def backing(
    device: str,
    seen: tuple[Device, ...],
    mounts: Iterable[Mounted],
    names: Mapping[str, str],
    files: Mapping[str, str],
) -> frozenset[str]:
    """Return the paths of all devices that a mounted disc is read from.

    A loop device leads to the file behind it, that file to its partition, that to its disk.

    Args:
        device: what is mounted.
        seen: all devices.
        mounts: all that is mounted.
        names: other names of devices.
        files: the file behind each loop device.
    """
    found: set[str] = set()
    more = {device}
    while more:
        path = more.pop()
        found.add(path)
        more |= {
            above.path for above in walk(seen) if any(below.path == path for below in above.below())
        }
        if path in files:
            source = _source_of(files[path], mounts)
            more.add(names.get(source, source))
        more = {item for item in more if item.startswith("/dev/")} - found
    return frozenset(found)


def _source_of(file: str, mounts: Iterable[Mounted]) -> str:
    """Return what the file system is on that has a file."""
    best = Mounted("", "", "")
    for mount in mounts:
        inside = mount.path == "/" or f"{file}/".startswith(f"{mount.path}/")
        if inside and len(mount.path) >= len(best.path):
            best = mount
    return best.source


def _home() -> str:
    """Return the folder that holds the file install.pyz, if that is what runs; else ""."""
    path = os.path.abspath(__file__)
    while path != "/":
        path = os.path.dirname(path)
        if os.path.isfile(path):
            return os.path.dirname(path)
    return ""

"""Block devices, as `lsblk --json` tells of them. Pure: takes its text, starts nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

COLUMNS = (
    "name", "path", "kname", "type", "size", "ro", "rm", "tran", "vendor", "model", "serial",
    "fstype", "label", "pttype", "mountpoints",
)  # fmt: skip
"""`name` is what makes lsblk tell what lies on what: without it, no device has children."""

ASK = ("lsblk", "--json", "--bytes", "--output", ",".join(COLUMNS))

PLUGGED = ("usb", "mmc", "ieee1394")
"""What connects a disk that is meant to be carried about, whether or not it calls itself so."""


@dataclass(frozen=True)
class Device:
    """A block device and what lies on it: partitions, LVM volumes, arrays.

    Attributes:
        path: /dev/sdb.
        kernel: its name in the kernel, dm-0.
        type: disk, part, rom, loop, lvm, crypt, raid1, …
        size: bytes; 0 without a medium.
        removable: it says so itself, as sticks and card readers do.
        transport: usb, sata, nvme, … or "".
        mountpoints: where it is mounted; `[SWAP]` for swap in use.
        children: what lies on it.
    """

    path: str
    kernel: str
    type: str
    size: int
    readonly: bool = False
    removable: bool = False
    transport: str = ""
    model: str = ""
    serial: str = ""
    fstype: str = ""
    label: str = ""
    pttype: str = ""
    mountpoints: tuple[str, ...] = ()
    children: tuple[Device, ...] = ()

    @property
    def portable(self) -> bool:
        """Whether it is a stick, a card or a disk on a cable, not one that is built in."""
        return self.removable or self.transport in PLUGGED

    def below(self) -> Iterator[Device]:
        """Walk it and all that lies on it, each once."""
        seen = {self.path}
        yield self
        for child in self.children:
            for device in child.below():
                if device.path not in seen:
                    seen.add(device.path)
                    yield device


def read(text: str) -> tuple[Device, ...]:
    """Return the devices that lsblk, asked with `ASK`, has told of."""
    return tuple(_device(entry) for entry in json.loads(text)["blockdevices"])


def find(devices: tuple[Device, ...], path: str) -> Device | None:
    """Return the device of a path, or None."""
    walk = (device for top in devices for device in top.below())
    return next((device for device in walk if device.path == path), None)


def holders(devices: tuple[Device, ...], path: str) -> list[Device]:
    """Return the disks that a device lies on."""
    return [
        top
        for top in devices
        if top.path != path and any(device.path == path for device in top.below())
    ]


def say_size(size: int) -> str:
    """Return a size as it stands on the package: decimal."""
    for unit, name in ((10**12, "TB"), (10**9, "GB"), (10**6, "MB")):
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{size} bytes"


def about(device: Device) -> list[str]:
    """Return what a person tells a device by: a line for itself, and one for each thing on it."""
    kind = "CD or DVD drive" if device.type == "rom" else device.transport.upper() or device.type
    words = [device.model or "no model name", kind]
    words += [say_size(device.size)] if device.type != "rom" else []
    words += [f"serial {device.serial}"] if device.serial else []
    lines = [f"{device.path}: {', '.join(words)}"]
    if device.fstype:
        lines.append(f"  holds {_content(device)}")
    for child in list(device.below())[1:]:
        lines.append(f"  {child.path}: {_content(child)}, {say_size(child.size)}")
    return lines


def _content(device: Device) -> str:
    label = f" '{device.label}'" if device.label else ""
    return f"{device.fstype or 'nothing that lsblk knows'}{label}"


def _device(entry: Mapping[str, Any]) -> Device:
    def text(key: str) -> str:
        return str(entry.get(key) or "").strip()

    vendor, model = text("vendor"), text("model")
    # Of SATA disks the vendor is "ATA", which says nothing.
    name = model if vendor in ("", "ATA") or model.startswith(vendor) else f"{vendor} {model}"
    return Device(
        path=text("path"),
        kernel=text("kname"),
        type=text("type"),
        size=int(entry.get("size") or 0),
        readonly=bool(entry.get("ro")),
        removable=bool(entry.get("rm")),
        transport=text("tran"),
        model=name.strip(),
        serial=text("serial"),
        fstype=text("fstype"),
        label=text("label"),
        pttype=text("pttype"),
        mountpoints=tuple(mount for mount in entry.get("mountpoints") or () if mount),
        children=tuple(_device(child) for child in entry.get("children", ())),
    )

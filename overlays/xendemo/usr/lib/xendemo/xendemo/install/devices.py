"""Block devices, as `lsblk --json` tells of them. Pure: takes its text, starts nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

COLUMNS = (
    "path", "kname", "maj:min", "type", "size", "ro", "rm", "tran", "model", "serial", "fstype",
    "label", "uuid", "partuuid", "parttype", "partn", "start", "pttype", "mountpoints", "log-sec",
)  # fmt: skip


def ask(known: str) -> tuple[str, ...]:
    """Return how lsblk is to be asked, for what it says itself that it knows."""
    words = set(known.split())
    # By NAME, which every release has, lsblk tells what lies on what; without it, a flat list.
    columns = ["name", *(name for name in COLUMNS if name.upper() in words)]
    if "mountpoints" not in columns:
        columns.append("mountpoint")
    return ("lsblk", "--json", "--bytes", "--output", ",".join(columns))


@dataclass(frozen=True)
class Device:
    """A block device and what lies on it: partitions, LVM volumes, arrays.

    Args:
        path: /dev/sda1.
        type: disk, part, rom, loop, lvm, crypt, raid1, …
        size: bytes.
        sector: bytes of a logical sector.
        kernel: its name in the kernel, dm-0, and `numbers` the device's: 253:0.
        start: first sector of a partition, of 512 bytes each; 0 for others.
        number: of the partition, 0 for others.
        transport: usb, sata, nvme, …
        fstype: of the file system or member: ext4, swap, LVM2_member, linux_raid_member, …
        parttype: GUID or hexadecimal type of a partition.
        pttype: gpt, dos, or "".
        mountpoints: where it is mounted; `[SWAP]` for swap in use.
        children: what lies on it.
    """

    path: str
    type: str
    size: int
    sector: int = 512
    start: int = 0
    number: int = 0
    readonly: bool = False
    removable: bool = False
    transport: str = ""
    model: str = ""
    serial: str = ""
    fstype: str = ""
    label: str = ""
    uuid: str = ""
    partuuid: str = ""
    parttype: str = ""
    kernel: str = ""
    numbers: str = ""
    pttype: str = ""
    mountpoints: tuple[str, ...] = ()
    children: tuple[Device, ...] = ()

    def below(self) -> Iterator[Device]:
        """Walk it and all that lies on it."""
        yield self
        for child in self.children:
            yield from child.below()


def read(text: str, parts: Mapping[str, tuple[int, int]] | None = None) -> tuple[Device, ...]:
    """Return the devices that `lsblk`, asked with `ask`, has told of.

    Args:
        text: its JSON.
        parts: number and start of partitions by their name in the kernel, for an lsblk that does
            not tell them.
    """
    return tuple(_device(entry, parts or {}) for entry in json.loads(text)["blockdevices"])


def walk(devices: tuple[Device, ...]) -> Iterator[Device]:
    """Walk all devices and what lies on them; one that lies on two comes twice."""
    for device in devices:
        yield from device.below()


def _device(entry: Mapping[str, Any], parts: Mapping[str, tuple[int, int]]) -> Device:
    def text(key: str) -> str:
        return str(entry.get(key) or "").strip()

    def number(key: str) -> int:
        return int(entry.get(key) or 0)

    # Older releases of util-linux tell of one mountpoint, and tell booleans as "0" and "1".
    known = parts.get(text("kname"), (0, 0))
    mounts = entry.get("mountpoints") or [entry.get("mountpoint")]
    return Device(
        path=text("path"),
        type=text("type"),
        size=number("size"),
        sector=number("log-sec") or 512,
        start=number("start") or known[1],
        number=number("partn") or known[0],
        readonly=bool(int(entry.get("ro") or 0)),
        removable=bool(int(entry.get("rm") or 0)),
        transport=text("tran"),
        model=text("model"),
        serial=text("serial"),
        fstype=text("fstype"),
        label=text("label"),
        kernel=text("kname"),
        numbers=text("maj:min"),
        uuid=text("uuid"),
        partuuid=text("partuuid"),
        parttype=text("parttype"),
        pttype=text("pttype"),
        mountpoints=tuple(mount for mount in mounts if mount),
        children=tuple(_device(child, parts) for child in entry.get("children", ())),
    )

"""What lsblk tells of machines of many kinds; written for the tests, in its true shapes."""

from __future__ import annotations

import json
from typing import Any

from xendemo.install import devices
from xendemo.install.facts import Disc, Facts

GIB = 1 << 30
Entry = dict[str, Any]
_number = iter(range(1, 10_000))


def entry(name: str, type: str, size: int, *children: Entry, **more: Any) -> Entry:
    """One device, with null for what lsblk does not know."""
    keys = ("tran", "model", "serial", "fstype", "label", "uuid", "partuuid", "parttype", "pttype",
            "partn", "start")  # fmt: skip
    path = more.pop("path", f"/dev/{name}")
    known: Entry = {
        "path": path, "kname": name, "maj:min": more.pop("numbers", f"8:{next(_number)}"),
        "type": type, "size": size, "ro": False, "rm": False, **dict.fromkeys(keys),
        "mountpoints": [None], "log-sec": 512, **more,
    }  # fmt: skip
    return known | ({"children": list(children)} if children else {})


def disk(name: str, *children: Entry, size: int = 500 * GIB, **more: Any) -> Entry:
    more = {"pttype": "gpt" if children else None, "tran": "sata", "model": "WDC WD5000",
            "serial": f"WD-{name.upper()}", **more}  # fmt: skip
    return entry(name, "disk", size, *children, **more)


def part(name: str, *children: Entry, size: int = 20 * GIB, **more: Any) -> Entry:
    number = int(
        name.rpartition("p")[2] if "p" in name else name.lstrip("abcdefghijklmnopqrstuvwxyz")
    )
    return entry(name, "part", size, *children, pttype="gpt", partn=number, start=2048, **more)


def mapped(name: str, number: int, type: str, **more: Any) -> Entry:
    """A device of the device mapper: LVM, LUKS, multipath."""
    return entry(f"dm-{number}", type, more.pop("size", 10 * GIB), *more.pop("on_it", ()),
                 path=f"/dev/mapper/{name}", numbers=f"253:{number}", **more)  # fmt: skip


CDROM = entry("sr0", "rom", 300 << 20, rm=True, tran="sata", model="DVD-RW", fstype="iso9660",
              label="XENDEMO", mountpoints=["/cdrom"])  # fmt: skip
FLOPPY = entry("fd0", "disk", 0, rm=True)
ZRAM = entry("zram0", "disk", 2 * GIB, mountpoints=["[SWAP]"])


def text(*entries: Entry) -> str:
    return json.dumps({"blockdevices": entries})


def facts(*entries: Entry, disc: Disc | None = None, **more: Any) -> Facts:
    """A machine that was booted from the CD, with these devices besides."""
    values: dict[str, Any] = {
        "uefi": True, "efivars": True, "machine": "x86_64", "guest_disks": frozenset(),
        "live": True, **more,
    }  # fmt: skip
    return Facts(disc=disc or DISC, devices=devices.read(text(CDROM, *entries)), **values)


DISC = Disc(
    folder="/cdrom", device="/dev/sr0", backing=frozenset({"/dev/sr0"}), volume="XENDEMO",
    size=300 << 20, version="1.0", xen="4.20.2", kernel="6.12.57+deb13-amd64",
    layers=("base", "common", "xendemo", "dom0"), unpacked=560 << 20,
)  # fmt: skip

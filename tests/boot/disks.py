"""Disks that a machine gets while it runs: what is written to them stays, and they can fail.

They hang on virtio-scsi, so the machine must have been started with a drive there. Their serial
numbers are their names, in the machine as well.
"""

from __future__ import annotations

import hashlib
import random
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from democd.errors import BuildError
from democd.host.run import run
from democd.host.running import Running
from democd.smoke.console import Console
from tests.boot import writelog

BUS = "virtio-scsi-pci.0"  # as democd/host/qemu.py names it
SECTOR = 512
STRIDE = (1 << 20) // SECTOR  # 12,000 rules for one disk take QEMU half a minute; 1,500 no time
NO_SPACE, IO_ERROR = 28, 5  # ENOSPC, EIO


@dataclass(frozen=True)
class Fault:
    """Sectors that cannot be written, as QEMU's blkdebug makes them (QEMU, docs/devel/blkdebug)."""

    sectors: tuple[int, ...]

    @classmethod
    def at_the_start(cls) -> Fault:
        return cls((0,))

    @classmethod
    def in_the_middle(cls, size: int) -> Fault:
        """Of the disk's middle half; no file system leaves all of it as it was."""
        sectors = size // SECTOR
        return cls(tuple(range(sectors // 4, 3 * sectors // 4, STRIDE)))

    @classmethod
    def at_the_end(cls, size: int) -> Fault:
        """The last sector, where a GPT has its second header."""
        return cls((size // SECTOR - 1,))

    @classmethod
    def in_free_space(cls, disk: Path, offset: int) -> Fault:
        """Where an ext file system has nothing yet: new files fail, what is there does not.

        Args:
            disk: the image.
            offset: of the file system in it, bytes.
        """
        told = run(["dumpe2fs", f"{disk}?offset={offset}"]).stdout
        size = int(re.search(r"Block size: +(\d+)", told)[1])  # type: ignore[index]
        ranges = re.findall(r"^  Free blocks: (.*)$", told, re.MULTILINE)
        sectors = []
        for first, last in re.findall(r"(\d+)-(\d+)", ", ".join(ranges)):
            for block in range(int(first), int(last), STRIDE * SECTOR // size):
                sectors.append((offset + block * size) // SECTOR)
        return cls(tuple(sectors))

    def rules(self) -> list[dict[str, Any]]:
        return [
            {"event": "none", "iotype": "write", "errno": IO_ERROR, "sector": sector}
            for sector in self.sectors
        ]


def blank(path: Path, size: int) -> Path:
    """Make an empty disk."""
    with path.open("wb") as stream:
        stream.truncate(size)
    return path


def full_of_known_bytes(path: Path, size: int = 32 << 20) -> Path:
    """Make a disk without a sector that is all zeros."""
    path.write_bytes(random.Random(5).randbytes(size))
    return path


def digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def attach(
    running: Running, path: Path, name: str, fault: Fault | None = None, log: Path | None = None
) -> None:
    """Plug a disk in. What the machine writes is in the file, and in the log by itself."""
    image: dict[str, Any] = {"driver": "file", "filename": str(path.resolve())}
    if log:
        image = writelog.node(image, log)
    if fault:
        image = {"driver": "blkdebug", "image": image, "inject-error": fault.rules()}
    running.qmp("blockdev-add", driver="raw", node_name=f"node-{name}", file=image)
    # The machine is told of errors; it is not stopped, as it would be by default without space.
    running.qmp("device_add", driver="scsi-hd", bus=BUS, id=f"disk-{name}", serial=name,
                drive=f"node-{name}", werror="report", rerror="report")  # fmt: skip


def device(console: Console, name: str) -> str:
    """Return the machine's path of a disk, once it has seen it."""
    found = f"lsblk -dnro PATH,SERIAL | awk '$2 == \"{name}\" {{print $1}}'"
    lines = console.get(
        f'for i in $(seq 60); do d=$({found}); [ ! "$d" ] || break; sleep 1; done;'
        " udevadm settle; echo $d"
    )
    assert lines.startswith("/dev/"), f"the machine has no disk {name}"
    return lines


def detach(running: Running, console: Console, name: str) -> None:
    """Pull a disk out: its file is whole then, and can be looked at or plugged in again."""
    running.qmp("device_del", id=f"disk-{name}")
    console.get(
        f"for i in $(seq 60); do lsblk -dnro SERIAL | grep -qx {name} || break; sleep 1; done"
    )
    # QEMU lets go of the device a moment after the machine has.
    for left in reversed(range(20)):
        try:
            running.qmp("blockdev-del", node_name=f"node-{name}")
            return
        except BuildError:
            if not left:
                raise
            time.sleep(0.5)

"""What is mounted where, as findmnt(8) tells."""

from __future__ import annotations

import json
from dataclasses import dataclass

from xendemo import run

ASK = ("findmnt", "--json", "--list", "--nofsroot",
       "--output", "TARGET,SOURCE,FSTYPE,FSROOT,OPTIONS")  # fmt: skip


@dataclass(frozen=True)
class Mounted:
    """A mounted file system.

    Args:
        path: where.
        source: the device.
        root: the folder of it that is mounted: a btrfs subvolume has "/@".
    """

    path: str
    source: str
    fstype: str
    root: str = "/"
    readonly: bool = False


def now() -> tuple[Mounted, ...]:
    """Return what is mounted, the last one last.

    Raises:
        Failure: findmnt does not work.
    """
    return read(run.check(*ASK))


def read(text: str) -> tuple[Mounted, ...]:
    """Return what findmnt has told of; the source without the `[/@]` that may stand behind it."""
    return tuple(
        Mounted(
            path=entry["target"],
            source=(entry.get("source") or "").partition("[")[0],
            fstype=entry.get("fstype") or "",
            root=entry.get("fsroot") or "/",
            readonly="ro" in (entry.get("options") or "").split(","),
        )
        for entry in json.loads(text)["filesystems"]
    )

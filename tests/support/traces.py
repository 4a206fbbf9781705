"""What a build that ended may have left: processes and mounts, found by its folder's name."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

PROC = Path("/proc")


def traces(folder: Path) -> list[str]:
    """Return the processes that work below a folder, and what is mounted there for any process.

    A process counts if it names the folder in its arguments, has its root or working folder in
    there, or sees a mount there: so all of a build's, also in namespaces of their own.
    """
    own, found = str(folder), []
    for process in PROC.iterdir():
        if not process.name.isdigit():
            continue
        try:
            words = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            mounts = (process / "mountinfo").read_text().splitlines()
            places = [str((process / link).readlink()) for link in ("cwd", "root")]
        except OSError:  # it has gone meanwhile, or it is somebody else's
            continue
        if own in words or any(place.startswith(own) for place in places):
            found.append(f"process {process.name}: {words[:200]}")
        elif any(own in line for line in mounts):
            found.append(f"a mount, seen by process {process.name}: {words[:200]}")
    return found


def wait_for(what: Callable[[], object], seconds: float, every: float = 0.05) -> bool:
    """Wait until something is true; return whether it came to be in time."""
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            return False
        time.sleep(every)
    return True

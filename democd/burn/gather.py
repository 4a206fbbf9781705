"""Asks this machine about a device: the facts that `judge` decides by."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from democd.burn import devices
from democd.burn.judge import Facts
from democd.host.run import run


def gather(given: str) -> Facts:
    """Return what is known about a name; writes nothing.

    Raises:
        BuildError: lsblk is missing, or fails.
    """
    path = os.path.realpath(given)
    return Facts(
        given=given,
        path=path,
        kind=_kind(path),
        devices=devices.read(run(devices.ASK).stdout),
        in_use=_is_in_use(path),
        writable=os.access(path, os.W_OK),
    )


def _kind(path: str) -> str:
    try:
        mode = Path(path).stat().st_mode
    except OSError:
        return ""
    for test, name in ((stat.S_ISBLK, "block"), (stat.S_ISREG, "file"), (stat.S_ISDIR, "folder")):
        if test(mode):
            return name
    return "other"


def _is_in_use(path: str) -> bool:
    """Tell whether the kernel refuses a block device for sole use (open(2), O_EXCL)."""
    if _kind(path) != "block":
        return False
    try:
        # O_NONBLOCK: a drive's tray stays where it is.
        os.close(os.open(path, os.O_RDONLY | os.O_EXCL | os.O_NONBLOCK | os.O_CLOEXEC))
    except OSError as error:
        return error.errno == errno.EBUSY
    return False

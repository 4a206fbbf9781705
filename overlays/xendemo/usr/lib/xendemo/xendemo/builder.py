"""The builder of discs, which lies on the disc: where it is, and what it is told."""

from __future__ import annotations

import os

from xendemo.errors import Failure

CDROM = "/cdrom"
BUILDER = "/usr/share/democd/build.py"
PYTHON = "/usr/bin/python3"


def argv(*words: str) -> list[str]:
    """Return the command that starts the builder.

    Raises:
        Failure: it is not here.
    """
    if not os.path.isfile(BUILDER):
        raise Failure(
            f"the builder is not here: {BUILDER}", "it belongs to the roles dom0 and plain"
        )
    return [PYTHON, "-B", BUILDER, *words]


def source(named: str | None) -> str:
    """Return the disc to make another from: the one that is named, else the one we booted from.

    Raises:
        Failure: there is none.
    """
    if named:
        return os.path.abspath(named)
    if not os.path.isfile(f"{CDROM}/manifest.json"):
        raise Failure(
            f"no disc is mounted at {CDROM}", "name an .iso file, or a drive: --from /dev/sr0"
        )
    return CDROM

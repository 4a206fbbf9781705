"""Runs the suite's own programs, so that the host's versions do not shape the disc.

A tool whose version shapes the disc's bytes (GRUB's image maker, mksquashfs) is taken from the
Debian root itself and started by the root's own dynamic linker: no chroot, no privilege, nothing
mounted. `ld.so(8)` documents starting a program through the linker.
"""

from __future__ import annotations

from pathlib import Path

LIBRARIES = "usr/lib/x86_64-linux-gnu"
LINKER = f"{LIBRARIES}/ld-linux-x86-64.so.2"


def suite_tool(parts: Path, program: str) -> list[str | Path]:
    """Return the argv that starts a program of the root.

    Args:
        parts: the folder with the root's files, as in `artifacts.Root.parts`.
        program: its path in there, e.g. `usr/bin/mksquashfs`.
    """
    return [parts / LINKER, "--library-path", parts / LIBRARIES, parts / program]

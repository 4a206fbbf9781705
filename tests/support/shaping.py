"""An install tree of Xen, shaped from Debian 12's packages of it: real programs, at hand quickly.

Each file lies where `make dist` would have put it; upstream's prefix is /usr/local.
"""

from __future__ import annotations

import re
import tarfile
from pathlib import Path

from tests.support.building import BOOKWORM, kept_root

SERIES = "4.17"
DAEMONS_AND_TOOLS = "xl|xenstored|xenconsoled|xentop|xenpm"
PLACES = (
    (rf"boot/xen-{SERIES}-amd64\.gz", rf"boot/xen-{SERIES}.gz"),
    (rf"usr/lib/xen-{SERIES}/bin/({DAEMONS_AND_TOOLS})", r"usr/local/sbin/\1"),
    (rf"usr/lib/xen-{SERIES}/bin/([^/]+)", r"usr/local/lib/xen/bin/\1"),
    (r"usr/bin/(xenstore[^/]*)", r"usr/local/bin/\1"),
    (r"usr/lib/x86_64-linux-gnu/(libx(?:en|lutil)[^/]*)", r"usr/local/lib/\1"),
    (r"etc/xen/scripts/([^/]+)", r"etc/xen/scripts/\1"),
)
"""Where a file lies in Debian, and where in the tree; the first that matches counts."""


def shape(folder: Path) -> Path:
    """Fill a folder with the tree, and return it."""
    with tarfile.open(kept_root(*BOOKWORM).tar) as archive:
        for member in archive:
            name = place(member.name.removeprefix("./"))
            if not name:
                continue
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if member.issym() and "/" not in member.linkname:
                target.symlink_to(member.linkname)
            elif source := archive.extractfile(member) if not member.issym() else None:
                target.write_bytes(source.read())
                target.chmod(member.mode & 0o777)
    return folder


def place(path: str) -> str:
    for pattern, target in PLACES:
        if match := re.fullmatch(pattern, path):
            return match.expand(target)
    return ""

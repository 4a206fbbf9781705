"""Whether a file system can be looked at without writing to it, or has a journal to be replayed.

What is only in the journal, after a power cut, does not show in a mount that leaves it alone; a
plan made from that would be one for files as they were before. Linux itself tells: it refuses to
mount such a file system where it cannot write at all.
"""

from __future__ import annotations

from xendemo import run
from xendemo.install import findmnt


def needed(device: str, fstype: str, folder: str) -> bool:
    """Return whether a journal must be replayed; False where that cannot be told.

    Args:
        device: of the file system; nothing is written to it.
        fstype: likewise.
        folder: an empty one, to mount at.
    """
    if any(mount.source == device for mount in findmnt.now()):
        return False  # what is mounted is seen as it is
    made = run.run("losetup", "--read-only", "--find", "--show", device)
    if made.status:
        return False
    loop = made.out.strip()
    try:
        tried = run.run("mount", "-t", fstype, "-o", "ro", loop, folder)
        if not tried.status:
            run.check("umount", folder)
        return bool(tried.status)
    finally:
        run.run("losetup", "--detach", loop)

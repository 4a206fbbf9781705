"""An initramfs: cpio archives one behind the other, each plain or packed; what comes later wins.

Source: Linux, Documentation/driver-api/early-userspace/buffer-format.rst; init/initramfs.c.
"""

from __future__ import annotations

import re

from democd.errors import BuildError
from democd.formats import cpio
from democd.formats.compress import unpack_from

ARCHIVES_MAX = 1000
_PADDING = re.compile(rb"\0*")


def entries(data: bytes, limit: int) -> list[cpio.Entry]:
    """Return all entries; of those of one name the last.

    Args:
        data: the initramfs; what is packed in it is packed with zstd.
        limit: bytes that it may unpack to.

    Raises:
        BuildError: it is damaged, or unpacks to more.
    """
    found: dict[str, cpio.Entry] = {}
    at, archives = _behind_padding(data, 0), 0
    while at < len(data):
        archives += 1
        if archives > ARCHIVES_MAX:
            raise BuildError(f"it has more than {ARCHIVES_MAX} archives")
        if data.startswith(cpio.MAGIC, at):
            read, at = cpio.unpack_from(data, at)
        else:
            archive, at = unpack_from(data, at, limit)
            read = cpio.unpack(archive)
            limit -= len(archive)
        at = _behind_padding(data, at)
        names = [entry.name for entry in read]
        if len(set(names)) < len(names):
            raise BuildError("two files of one name in one archive")
        found.update({entry.name: entry for entry in read})
        if len(found) > cpio.ENTRIES_MAX:
            raise BuildError(f"it has more than {cpio.ENTRIES_MAX} files")
    return list(found.values())


def _behind_padding(data: bytes, at: int) -> int:
    """Return where the zero bytes end that fill up to a multiple of four."""
    match = _PADDING.match(data, at)
    return match.end() if match else at


def appended(data: bytes, more: list[cpio.Entry], mtime: int) -> bytes:
    """Return an initramfs with more entries behind those it has, not packed.

    Args:
        data: the initramfs.
        more: entries, which win over what is there.
        mtime: of each, seconds since 1970, UTC.
    """
    return data + bytes(-len(data) % 4) + cpio.pack(more, mtime)

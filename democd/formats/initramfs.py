"""An initramfs: cpio archives one behind the other, each plain or packed; what comes later wins.

Source: Linux, Documentation/driver-api/early-userspace/buffer-format.rst; init/initramfs.c.
"""

from __future__ import annotations

from democd.errors import BuildError
from democd.formats import cpio
from democd.formats.compress import unpack_first


def entries(data: bytes, limit: int) -> list[cpio.Entry]:
    """Return all entries; of those of one name the last.

    Args:
        data: the initramfs; what is packed in it is packed with zstd.
        limit: bytes that it may unpack to.

    Raises:
        BuildError: it is damaged, or unpacks to more.
    """
    found: dict[str, cpio.Entry] = {}
    at = 0
    while at < len(data):
        if data[at] == 0:  # what fills up to a multiple of four
            at += 1
            continue
        if data.startswith(cpio.MAGIC, at):
            read, length = cpio.unpack_first(data[at:])
        else:
            archive, length = unpack_first(data[at:], limit)
            read = cpio.unpack(archive)
            limit -= len(archive)
        if length <= 0:
            raise BuildError(f"nothing that Linux reads (at byte {at})")
        names = [entry.name for entry in read]
        if len(set(names)) < len(names):
            raise BuildError("two files of one name in one archive")
        found.update({entry.name: entry for entry in read})
        at += length
    return list(found.values())


def appended(data: bytes, more: list[cpio.Entry], mtime: int) -> bytes:
    """Return an initramfs with more entries behind those it has, not packed.

    Args:
        data: the initramfs.
        more: entries, which win over what is there.
        mtime: of each, seconds since 1970, UTC.
    """
    return data + bytes(-len(data) % 4) + cpio.pack(more, mtime)

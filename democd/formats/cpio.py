"""The `newc` cpio archive that Linux unpacks as its initramfs: written and read.

Source: Linux, Documentation/driver-api/early-userspace/buffer-format.rst.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from democd.errors import BuildError

# A header is the magic and thirteen fields of eight hexadecimal digits, 110 bytes; the name with
# its NUL follows, then the data; name and data each end on a multiple of four bytes.
#
#   at   field      what stands there
#     0  magic      070701
#     6  ino        1, 2, 3 … in the archive's order
#    14  mode       type and permissions, as stat(2) has them
#    22  uid        0
#    30  gid        0
#    38  nlink      1; 2 for a folder
#    46  mtime      seconds since 1970, UTC
#    54  filesize   bytes of data; for a symlink the length of its target
#    62  major      of the device the file lay on: 0
#    70  minor      likewise
#    78  rmajor     of the device that the file is
#    86  rminor     likewise
#    94  namesize   with the NUL at its end
#   102  check      0: newc has no checksum
FIELDS = (
    "ino", "mode", "uid", "gid", "nlink", "mtime", "filesize",
    "major", "minor", "rmajor", "rminor", "namesize", "check",
)  # fmt: skip
MAGIC = b"070701"
HEADER_SIZE = 6 + 8 * len(FIELDS)
TRAILER = "TRAILER!!!"
ENTRIES_MAX = 200_000
"""More than any initramfs has; each takes ten times as much memory as its header in an archive."""
_DIGITS = re.compile(rb"[0-9A-Fa-f]+")


@dataclass(frozen=True)
class Entry:
    """One file of an archive, owned by root.

    Attributes:
        name: path without a leading slash.
        mode: type and permissions, as `st_mode`.
        data: a file's content, a symlink's target.
        device: major and minor number of a device node.
    """

    name: str
    mode: int
    data: bytes = b""
    device: tuple[int, int] = (0, 0)

    def is_folder(self) -> bool:
        """Return whether this is a folder."""
        return stat.S_ISDIR(self.mode)


def folder(name: str, mode: int = 0o755) -> Entry:
    """Return a folder."""
    return Entry(name, stat.S_IFDIR | mode)


def file(name: str, data: bytes, mode: int = 0o644) -> Entry:
    """Return a regular file."""
    return Entry(name, stat.S_IFREG | mode, data)


def symlink(name: str, target: str) -> Entry:
    """Return a symlink."""
    return Entry(name, stat.S_IFLNK | 0o777, target.encode())


def character_device(name: str, major: int, minor: int, mode: int = 0o600) -> Entry:
    """Return a character device node."""
    return Entry(name, stat.S_IFCHR | mode, device=(major, minor))


def arrange(entries: Iterable[Entry]) -> list[Entry]:
    """Return the entries sorted by path, with the folders that were not named.

    The kernel drops a file whose folder is not there yet, and says nothing.

    Raises:
        ValueError: a path is given twice, or is not a plain relative one.
    """
    by_name: dict[str, Entry] = {}
    for entry in entries:
        if entry.name in by_name:
            raise ValueError(f"twice in one archive: {entry.name}")
        if not entry.name or entry.name != str(PurePosixPath(entry.name)) or entry.name[0] in "/.":
            raise ValueError(f"not a plain relative path: {entry.name!r}")
        by_name[entry.name] = entry
    for name in list(by_name):
        for parent in PurePosixPath(name).parents[:-1]:
            by_name.setdefault(str(parent), folder(str(parent)))
    return [by_name[name] for name in sorted(by_name, key=lambda name: name.split("/"))]


def pack(entries: Iterable[Entry], mtime: int) -> bytes:
    """Return the archive: the same bytes for the same entries in any order.

    Args:
        entries: at most one for each path; see `arrange`.
        mtime: of every entry, seconds since 1970, UTC.
    """
    parts: list[bytes] = []
    for number, entry in enumerate(arrange(entries), start=1):
        parts.append(_record(entry, number, mtime))
    parts.append(_record(Entry(TRAILER, 0), 0, 0))
    return b"".join(parts)


def _record(entry: Entry, number: int, mtime: int) -> bytes:
    name = entry.name.encode() + b"\0"
    links = 2 if entry.is_folder() else 1
    values = (
        number, entry.mode, 0, 0, links, mtime, len(entry.data),
        0, 0, *entry.device, len(name), 0,
    )  # fmt: skip
    header = MAGIC + b"".join(b"%08X" % value for value in values)
    return _padded(header + name) + _padded(entry.data)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def unpack(archive: bytes) -> list[Entry]:
    """Return an archive's entries in its order, without the trailer.

    Raises:
        BuildError: it is cut short, or not newc cpio.
    """
    return unpack_from(archive, 0)[0]


def unpack_from(archive: bytes, at: int) -> tuple[list[Entry], int]:
    """Return the entries of the archive that starts at a byte, and the byte at which it ends.

    Raises:
        BuildError: it is cut short, or not newc cpio.
    """
    entries: list[Entry] = []
    start = at
    while True:
        header = archive[at : at + HEADER_SIZE]
        if len(header) < HEADER_SIZE:
            raise BuildError("the cpio archive is cut short", "build it anew")
        # int() takes signs and blanks as well, which would lead back to where we have been.
        if header[:6] != MAGIC or not _DIGITS.fullmatch(header, 6):
            raise BuildError(f"not a newc cpio archive (at byte {at})", "build it anew")
        values = [int(header[i : i + 8], 16) for i in range(6, HEADER_SIZE, 8)]
        fields = dict(zip(FIELDS, values, strict=True))
        name_at = at + HEADER_SIZE
        data_at = name_at + fields["namesize"]
        data_at += -(data_at - start) % 4
        end = data_at + fields["filesize"]
        if end > len(archive):
            raise BuildError("the cpio archive is cut short", "build it anew")
        name = archive[name_at:data_at][: fields["namesize"]].rstrip(b"\0").decode(errors="replace")
        if name == TRAILER:
            return entries, end + -(end - start) % 4
        if len(entries) == ENTRIES_MAX:
            raise BuildError(f"the cpio archive has more than {ENTRIES_MAX} files")
        device = (fields["rmajor"], fields["rminor"])
        entries.append(Entry(name, fields["mode"], archive[data_at:end], device))
        at = end + -(end - start) % 4

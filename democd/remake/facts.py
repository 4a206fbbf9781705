"""What is known of each file of a part of a disc, so that two parts can be compared."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from democd.digests import file_digest
from democd.formats import cpio
from democd.remake import squashed
from democd.remake.packing import CAPABILITY
from democd.remake.trees import Item

SHOWN = 12
"""Digits of a digest that a person is shown."""

_TYPES = {
    stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link",
    stat.S_IFCHR: "character device", stat.S_IFBLK: "block device", stat.S_IFIFO: "pipe",
}  # fmt: skip


@dataclass(frozen=True)
class Fact:
    """What is compared of a file.

    Attributes:
        mode: type and permissions, as `st_mode`.
        owner: UID and GID.
        time: seconds since 1970, UTC; 0 for the disc's own, and in an initrd, which keeps none.
        size: bytes of a regular file.
        link: target of a symlink.
        device: major and minor number of a device node.
        content: SHA-256 of a regular file, in hexadecimal.
        capabilities: the attribute that has a program's, in hexadecimal.
    """

    mode: int
    owner: tuple[int, int] = (0, 0)
    time: int = 0
    size: int = 0
    link: str = ""
    device: tuple[int, int] = (0, 0)
    content: str = ""
    capabilities: str = ""


Facts = Mapping[str, Fact]
"""Facts by path, without a leading slash."""


def unlike(one: Fact, other: Fact) -> tuple[str, ...]:
    """Return what differs between two files of one name, a few words for each thing."""
    if stat.S_IFMT(one.mode) != stat.S_IFMT(other.mode):
        return (_change("type", _type(one), _type(other)),)
    pairs = [
        ("size", str(one.size), str(other.size)),
        ("content", one.content[:SHOWN], other.content[:SHOWN]),
        ("target", one.link, other.link),
        ("device", _pair(one.device), _pair(other.device)),
        ("mode", f"{stat.S_IMODE(one.mode):04o}", f"{stat.S_IMODE(other.mode):04o}"),
        ("owner", _pair(one.owner), _pair(other.owner)),
        ("capabilities", one.capabilities or "none", other.capabilities or "none"),
        ("time", _time(one.time), _time(other.time)),
    ]
    return tuple(_change(*pair) for pair in pairs if pair[1] != pair[2])


def _change(word: str, was: str, now: str) -> str:
    return f"{word} {was} -> {now}"


def _type(fact: Fact) -> str:
    return _TYPES.get(stat.S_IFMT(fact.mode), "something else")


def _pair(numbers: tuple[int, int]) -> str:
    return f"{numbers[0]}:{numbers[1]}"


def _time(seconds: int) -> str:
    if not seconds:
        return "of the disc"
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def of_layer(image: Path, scratch: Path) -> dict[str, Fact]:
    """Return the facts of what is in a squashfs.

    Args:
        image: the squashfs.
        scratch: a folder that does not exist; the image is unpacked there, and it is removed.

    Raises:
        BuildError: the image is damaged.
    """
    found = squashed.listing(image)
    own = os.geteuid() == 0
    try:
        squashed.unpack(image, scratch, found, own=own)
        return {
            item.name: _of_file(scratch / item.name, item.mode, (item.uid, item.gid), own=own)
            for item in found
        }
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def of_initrd(entries: Iterable[cpio.Entry]) -> dict[str, Fact]:
    """Return the facts of an initrd's entries: all belong to root, and times are not kept."""
    found = {}
    for entry in entries:
        regular, linked = stat.S_ISREG(entry.mode), stat.S_ISLNK(entry.mode)
        found[entry.name] = Fact(
            entry.mode,
            size=len(entry.data) if regular else 0,
            link=os.fsdecode(entry.data) if linked else "",
            device=entry.device,
            content=hashlib.sha256(entry.data).hexdigest() if regular else "",
        )
    return found


def of_items(items: Iterable[Item], date: int, *, initrd: bool) -> dict[str, Fact]:
    """Return the facts of an unpacked tree, as they are once it is packed.

    Args:
        items: the tree.
        date: the disc's; nothing on it is younger.
        initrd: it becomes an initrd, which keeps no times.
    """
    found = {}
    for item in items:
        path = item.content
        found[item.name] = Fact(
            item.mode,
            (item.uid, item.gid),
            0 if initrd else min(item.mtime, date),
            item.size,
            item.link,
            item.device,
            file_digest(path) if path else "",
            _capabilities(path) if path and not initrd else "",
        )
    return found


def _of_file(path: Path, mode: int, owner: tuple[int, int], *, own: bool) -> Fact:
    status = path.lstat()
    regular = stat.S_ISREG(mode)
    return Fact(
        mode,
        owner,
        int(status.st_mtime),
        status.st_size if regular else 0,
        str(path.readlink()) if stat.S_ISLNK(mode) else "",
        content=file_digest(path) if regular else "",
        capabilities=_capabilities(path) if regular and own else "",
    )


def _capabilities(path: Path) -> str:
    return os.getxattr(path, CAPABILITY).hex() if CAPABILITY in os.listxattr(path) else ""

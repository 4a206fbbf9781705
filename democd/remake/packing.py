"""Packs a tree: as the tar stream that becomes a squashfs, or as the entries of an initrd."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from democd.errors import BuildError
from democd.formats import cpio
from democd.remake.trees import Item

CAPABILITY = "security.capability"
"""The one extended attribute that is kept; others tell of the file system they lie on."""


def content_digest(items: Iterable[Item], date: int) -> str:
    """Return a digest of all that packing a tree depends on, contents included."""
    digest = hashlib.sha256()
    first: dict[tuple[int, int], str] = {}
    for item in items:
        same = first.setdefault(item.inode, item.name) if any(item.inode) else item.name
        digest.update(
            json.dumps([*replace(item, mtime=min(item.mtime, date)).stands_for(), same]).encode()
        )
        if path := item.content:
            with path.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()


def as_tar(items: Sequence[Item], date: int) -> Iterator[tuple[tarfile.TarInfo, BinaryIO | None]]:
    """Yield the members of a tree and their contents, none younger than `date`."""
    first: dict[tuple[int, int], str] = {}  # of a file with several names
    for item in items:
        member = tarfile.TarInfo(item.name)
        member.mode, member.uid, member.gid = stat.S_IMODE(item.mode), item.uid, item.gid
        member.mtime = min(item.mtime, date)
        member.type = _TAR_TYPES[stat.S_IFMT(item.mode)]
        member.linkname = item.link
        if any(item.inode) and item.inode in first:
            member.type, member.linkname = tarfile.LNKTYPE, first[item.inode]
        elif path := item.content:
            first[item.inode] = item.name
            member.pax_headers = _capability(path)
            with path.open("rb") as stream:
                member.size = os.fstat(stream.fileno()).st_size
                yield member, stream
            continue
        yield member, None


_TAR_TYPES = {
    stat.S_IFREG: tarfile.REGTYPE,
    stat.S_IFDIR: tarfile.DIRTYPE,
    stat.S_IFLNK: tarfile.SYMTYPE,
}


def _capability(path: Path) -> dict[str, str]:
    """Return a program's capabilities as a tar has them (star's SCHILY.xattr)."""
    if CAPABILITY not in os.listxattr(path):
        return {}
    value = os.getxattr(path, CAPABILITY).decode(errors="surrogateescape")
    return {f"SCHILY.xattr.{CAPABILITY}": value}


def as_cpio(items: Iterable[Item]) -> list[cpio.Entry]:
    """Return the entries of an initrd's tree.

    Raises:
        BuildError: something in it belongs to somebody else than root, which an initrd cannot tell.
    """
    entries = []
    for item in items:
        if (item.uid, item.gid) != (0, 0):
            raise BuildError(
                f"{item.path or item.name} does not belong to root",
                "an initrd's files do: give it to root, or take the line from the table",
            )
        path = item.content
        data = path.read_bytes() if path else os.fsencode(item.link)
        entries.append(cpio.Entry(item.name, item.mode, data, item.device))
    return entries

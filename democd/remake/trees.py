"""Trees of files as a person edits them, with the owners and modes that they shall have.

Unpacked by root, the files themselves have these. Unpacked by anybody else, all are the person's
own, and a table beside the tree says what is not plain: root's, 0755 if executable, else 0644.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from democd.errors import InputError
from democd.remake.table import Table

_KINDS = (stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK)


@dataclass(frozen=True)
class Item:
    """A file of a tree as it shall be.

    Attributes:
        name: path in the tree, without a leading slash.
        tree: folder of the tree; None for a device node that only a table has.
        mode: type and permissions, as `st_mode`.
        mtime: seconds since 1970, UTC.
        size: bytes of a regular file.
        link: target of a symlink.
        inode: device and inode of a file with several names, else (0, 0).
    """

    name: str
    tree: Path | None
    mode: int
    uid: int
    gid: int
    mtime: int = 0
    size: int = 0
    link: str = ""
    device: tuple[int, int] = (0, 0)
    inode: tuple[int, int] = (0, 0)

    @property
    def path(self) -> Path | None:
        """Where the file is."""
        return self.tree and self.tree / self.name

    @property
    def content(self) -> Path | None:
        """Where it is, if it is a regular file."""
        return self.path if stat.S_ISREG(self.mode) else None

    def stands_for(self) -> list[object]:
        """Return all of it but the content and the folder it lies in."""
        return [self.name, self.mode, self.uid, self.gid, self.mtime, self.size, self.link,
                *self.device]  # fmt: skip


def read(top: Path, table: Table | None) -> list[Item]:
    """Return all that is in a tree, each folder before what is in it.

    Args:
        top: its folder.
        table: what is not plain; None if the files' own owners and modes count.

    Raises:
        InputError: there is something that cannot be packed.
    """
    items = [_item(top, name, entry, table) for name, entry in _walk(top)]
    return sorted(items, key=lambda item: order(item.name))


def with_nodes(items: list[Item], table: Table) -> list[Item]:
    """Return a tree with the device nodes that only its table has.

    Raises:
        InputError: one is to be in what is no folder.
    """
    there = {item.name: item for item in items}
    for name in (name for name, it in table.items() if it.kind):
        for above in map(str, PurePosixPath(name).parents[:-1]):
            if above in there and not stat.S_ISDIR(there[above].mode):
                raise InputError(
                    f"the device node {name!r} is to be in what is no folder", "see permissions/"
                )
    nodes = [
        Item(name, None, it.kind | it.mode, it.uid, it.gid, device=it.device)
        for name, it in table.items()
        if it.kind and name not in there
    ]
    return sorted([*items, *nodes], key=lambda item: order(item.name)) if nodes else items


def order(name: str) -> bytes:
    """Return the key by which a tree is sorted: what is in a folder follows it at once."""
    return os.fsencode(name).replace(b"/", b"\0")  # which is before all that names have


def _walk(top: Path) -> Iterator[tuple[str, os.DirEntry[str]]]:
    pending = [(os.fspath(top), "")]
    while pending:
        folder, above = pending.pop()
        with os.scandir(folder) as found:
            for entry in found:
                yield above + entry.name, entry
                if entry.is_dir(follow_symlinks=False):
                    pending.append((entry.path, f"{above}{entry.name}/"))


def _item(top: Path, name: str, entry: os.DirEntry[str], table: Table | None) -> Item:
    status = entry.stat(follow_symlinks=False)
    kind = stat.S_IFMT(status.st_mode)
    if kind not in _KINDS or (table is not None and kind not in _KINDS[:3]):
        raise InputError(f"{entry.path} is neither a file, a folder nor a link", "remove it")
    if table is None:
        mode, uid, gid = stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid
    elif (special := table.get(name)) and not special.kind:
        mode, uid, gid = special.mode, special.uid, special.gid
    else:
        mode, uid, gid = _plain(kind, status.st_mode), 0, 0
    node = kind in (stat.S_IFCHR, stat.S_IFBLK)
    linked = kind == stat.S_IFREG and status.st_nlink > 1
    return Item(
        name, top, kind | mode, uid, gid, int(status.st_mtime),
        size=status.st_size if kind == stat.S_IFREG else 0,
        link=str((top / name).readlink()) if kind == stat.S_IFLNK else "",
        device=(os.major(status.st_rdev), os.minor(status.st_rdev)) if node else (0, 0),
        inode=(status.st_dev, status.st_ino) if linked else (0, 0),
    )  # fmt: skip


def _plain(kind: int, mode: int) -> int:
    if kind == stat.S_IFLNK:
        return 0o777
    return 0o755 if kind == stat.S_IFDIR or mode & 0o100 else 0o644


def is_plain(mode: int, uid: int, gid: int) -> bool:
    """Return whether a table need not name a file: `mode` has its type."""
    return (uid, gid) == (0, 0) and stat.S_IMODE(mode) == _plain(stat.S_IFMT(mode), mode)


def fingerprint(items: Iterable[Item]) -> str:
    """Return a digest of names, owners, modes, sizes and times; contents are not read."""
    digest = hashlib.sha256()
    for item in items:
        digest.update(json.dumps(item.stands_for()).encode())
    return digest.hexdigest()

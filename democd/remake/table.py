"""The table of what in a tree is not plain, for those who may not give files to others."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from democd.errors import InputError

HEAD = """\
# What in this tree is not plain: TYPE MODE UID GID PATH. All else belongs to root, with mode 0755
# if it can be executed, else 0644. TYPE is - for what lies in the tree; c or b makes a device node,
# and has its numbers before the path: c 0600 0 0 5 1 dev/console
"""
_TYPES = {"-": 0, "c": stat.S_IFCHR, "b": stat.S_IFBLK}


@dataclass(frozen=True)
class Special:
    """What a table says of a path.

    Attributes:
        kind: 0 for what lies in the tree, else S_IFCHR or S_IFBLK.
        mode: permissions.
        device: major and minor number of a device node.
    """

    kind: int
    mode: int
    uid: int
    gid: int
    device: tuple[int, int] = (0, 0)


Table = Mapping[str, Special]


def as_text(table: Table) -> str:
    """Return a table as a person edits it."""
    words = {kind: word for word, kind in _TYPES.items()}
    lines = []
    for name, it in sorted(table.items()):
        node = f"{it.device[0]} {it.device[1]} " if it.kind else ""
        lines.append(f"{words[it.kind]} {it.mode:04o} {it.uid} {it.gid} {node}{name}\n")
    return HEAD + "".join(lines)


def read(path: Path) -> dict[str, Special]:
    """Return what a table says, by path.

    Raises:
        InputError: a line is not of its form.
    """
    table = {}
    for number, line in enumerate(path.read_text(errors="surrogateescape").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            word, mode, uid, gid, rest = line.split(" ", 4)
            kind, device = _TYPES[word], (0, 0)
            if kind:
                major, minor, rest = rest.split(" ", 2)
                device = (int(major), int(minor))
            table[rest] = Special(kind, int(mode, 8), int(uid), int(gid), device)
        except (ValueError, KeyError):
            what = f"{path}, line {number}: not TYPE MODE UID GID PATH: {line}"
            raise InputError(what, "see the first lines of the file") from None
    return table

"""The table of what in a tree is not plain, for those who may not give files to others."""

from __future__ import annotations

import os
import re
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
_ID_MAX = 0xFFFF_FFFE  # the last is nobody's: chown(2) means "leave it" by it
_MAJOR_MAX, _MINOR_MAX = 0xFFF, 0xF_FFFF  # linux/kdev_t.h
_DIGITS = re.compile("[0-9]{1,10}")
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
    # Names have any byte but these two: universal newlines would cut some in pieces.
    for number, line in enumerate(os.fsdecode(path.read_bytes()).split("\n"), 1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            name, special = _parsed(line)
        except (ValueError, KeyError):
            what = f"{path}, line {number}: not TYPE MODE UID GID PATH: {line[:200]!r}"
            raise InputError(what, "see the first lines of the file") from None
        table[name] = special
    return table


def is_device(numbers: tuple[int, int]) -> bool:
    """Return whether a device node can have these numbers."""
    return numbers[0] <= _MAJOR_MAX and numbers[1] <= _MINOR_MAX


def _parsed(line: str) -> tuple[str, Special]:
    """Return what a line says.

    Raises:
        ValueError, KeyError: it is not of its form.
    """
    word, mode, uid, gid, name = line.split(" ", 4)
    kind, device = _TYPES[word], (0, 0)
    if kind:
        major, minor, name = name.split(" ", 2)
        device = (_number(major, _MAJOR_MAX), _number(minor, _MINOR_MAX))
    if {"", ".", ".."} & set(name.split("/")) or "\0" in name:
        raise ValueError("not a plain relative path")
    permissions = _number(mode, 0o7777, 8)
    return name, Special(kind, permissions, _number(uid, _ID_MAX), _number(gid, _ID_MAX), device)


def _number(word: str, most: int, base: int = 10) -> int:
    if not _DIGITS.fullmatch(word) or (number := int(word, base)) > most:
        raise ValueError("no number, or too large a one")
    return number

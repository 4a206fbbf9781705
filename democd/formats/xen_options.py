"""Xen's command line: which options a hypervisor knows, and which of a line it does not."""

from __future__ import annotations

import difflib
import re
import struct
from collections.abc import Sequence
from typing import Protocol

# `struct kernel_param` (xen/include/xen/param.h), little-endian, one for each option:
#
#     0   Q  address of its name
#     8   I  type: 0 string, 1 number, 2 boolean, 3 size, 4 own function, 5 ignored
#     12  I  size of its variable
#     16  Q  address of its variable or function; 0 for an ignored one
#
# Xen runs in the upper half, at 0xffff82c0'0000'0000 and above, wherever its version puts it.
_ADDRESS = rb".{4}[\xc0-\xdf]\x82\xff\xff"
_TABLE = re.compile(
    rb"(?:" + _ADDRESS + rb"[\0-\x07]\0{3}..\0\0(?:" + _ADDRESS + rb"|\0{8})){16,}", re.DOTALL
)
_RECORD = struct.Struct("<QIIQ")
_NAME = re.compile(rb"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}[\[({<]?")
_WORD = re.compile(rb"(?<=\0)[a-z][a-z0-9_.-]{1,40}(?=\0)")

# Xen is linked to the start of a GiB of addresses, and loaded to the start of memory.
_GIB = (1 << 30) - 1

RENAMED = {"noht": "smt", "noacpi": "acpi", "nohpet": "hpet", "dom0_maxvcpus": "dom0_max_vcpus"}
"""Options of old whose likeness to a known one would mislead."""


class Place(Protocol):
    """`size` bytes at `offset` in the file belong at the address `virtual`."""

    @property
    def virtual(self) -> int: ...  # noqa: D102
    @property
    def offset(self) -> int: ...  # noqa: D102
    @property
    def size(self) -> int: ...  # noqa: D102


def find_options(data: bytes, places: Sequence[Place]) -> tuple[frozenset[str], bool]:
    """Return the names of the options that a hypervisor knows.

    Args:
        data: the unpacked image.
        places: where its parts are loaded.

    Returns:
        The names in its own table, and True. Without a table of the known shape: all strings that
        could be such a name, and False; then a typo is found, but not every wrong option.
    """
    tables = (_names(data, match[0], places) for match in _TABLE.finditer(data))
    best = max(tables, key=len, default=frozenset())
    if len(best) >= 16:
        return best, True
    return frozenset(word.decode() for word in _WORD.findall(data)), False


def _names(data: bytes, table: bytes, places: Sequence[Place]) -> frozenset[str]:
    names = []
    for address, *_ in _RECORD.iter_unpack(table):
        low = address & _GIB
        for place in places:
            distance = low - (place.virtual & _GIB)
            if 0 <= distance < place.size:
                name = _NAME.match(data, place.offset + distance)
                if name and data[name.end() : name.end() + 1] == b"\0":
                    names.append(name[0].decode())
                break
    return frozenset(names)


def unknown_options(command_line: str, known: frozenset[str]) -> list[tuple[str, str]]:
    """Return the options of a command line that Xen would call unknown, and go on without.

    As Xen's parser does (common/kernel.c, parse_params): words end at a space, names at `=`; `no-`
    before a name is taken off; a known name that ends in a bracket stands for all that start with
    it. What follows ` -- ` is for dom0's kernel.

    Args:
        command_line: without the path of the image, which GRUB does not hand over.
        known: `Hypervisor.options`.

    Returns:
        (the word as written, the nearest known name or "") for each.
    """
    found = []
    for word in command_line.split(" -- ", 1)[0].split(" "):
        name, equals, _ = word.partition("=")
        bracket = re.match(r"[^(\[{<]*[(\[{<]", name) if equals else None
        name = name.removeprefix("no-")
        if word and name not in known and not (bracket and bracket[0] in known):
            found.append((word, nearest(name, known)))
    return found


def nearest(name: str, known: frozenset[str]) -> str:
    """Return the known name that is most likely meant, or ""."""
    meant = RENAMED.get(name, name.removeprefix("no"))
    if meant in known:
        return meant
    return next(iter(difflib.get_close_matches(name, sorted(known), 1, 0.7)), "")

"""/install.pyz: the program `xendemo` as one file, for a Linux that has the disc mounted.

Any Python runs such a file (PEP 441). It is stored, not compressed, since what zlib makes depends
on its version; with times and owners of nobody it has the same bytes wherever it is made.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from democd.recipe import Recipe

PACKAGE = "usr/lib/xendemo"  # below an overlay
PROOF = f"{PACKAGE}/xendemo/install/command.py"
FIRST_LINE = b"#!/usr/bin/env python3\n"
MAIN = b"""\
import sys

from xendemo.cli import main

sys.dont_write_bytecode = True
sys.exit(main(["install", *sys.argv[1:]]))
"""
_DATE = (1980, 1, 1, 0, 0, 0)  # the oldest that a zip file can have
_UNIX = 3  # the system that made it: else the bytes depend on the host's


def build(recipe: Recipe, project: Path) -> bytes:
    """Return the file; nothing if no role of the disc has the program.

    Args:
        recipe: its roles.
        project: the folder with overlays/.
    """
    names = dict.fromkeys(name for overlays in recipe.roles.values() for name in overlays)
    tops = [project / "overlays" / name for name in names]
    homes = [top / PACKAGE for top in tops if (top / PROOF).is_file()]
    return pack(homes[0]) if homes else b""


def pack(folder: Path) -> bytes:
    """Return the packages of a folder as a program."""
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.py")
    }
    packed = io.BytesIO()
    packed.write(FIRST_LINE)
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, content in sorted({**files, "__main__.py": MAIN}.items()):
            member = zipfile.ZipInfo(name, _DATE)
            member.create_system = _UNIX
            member.external_attr = 0o100644 << 16
            archive.writestr(member, content)
    return packed.getvalue()

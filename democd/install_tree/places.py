"""Which files of an install tree go onto the disc, and to which place."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

MULTIARCH = "usr/lib/x86_64-linux-gnu"
"""Where Debian's dynamic linker looks by itself."""

LIBRARY_FOLDERS = ("usr/local/lib", "usr/local/lib64", "usr/lib64", MULTIARCH, "usr/lib")
PROGRAM_FOLDERS = ("usr/local/sbin", "usr/local/bin", "usr/sbin", "usr/bin")
HELPERS = re.compile(r"usr/(local/)?(lib|lib64|libexec)/(xen|xen-\d+\.\d+)/bin")
"""Where programs lie that only other programs call; the middle is configure's --libexecdir."""

MERGED = {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64"}
"""What is a link in the root: laid over as a folder, it would hide the root's own."""

UNWANTED = re.compile(
    r"boot/.*"  # the hypervisor lies on the disc itself
    r"|(var/)?run/.*|var/lock/.*"  # tmpfs
    r"|usr/lib/debug/.*|usr/local/lib/debug/.*|(.*/)?xen-syms.*"  # for debuggers
    r"|usr/lib(64)?/efi/.*"  # Xen as an EFI program
    r"|usr/lib/modules/.*"  # a kernel's, beside Xen's: [kernels] names these by themselves
    r"|usr/(local/)?include/.*|.*\.(a|la)|.*/pkgconfig/.*"  # to build with
    r"|usr/(local/)?share/doc/.*"
)
"""What of the tree a running disc has no use for."""


def wanted_files(folder: Path) -> dict[str, Path]:
    """Return what goes onto the disc: path in the running root to file, or to an empty folder."""
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        name = place(path.relative_to(folder).as_posix())
        if not name or "__pycache__" in path.parts:
            continue
        if path.is_symlink() or path.is_file() or not any(path.iterdir()):
            found[name] = path
    return found


def place(path: str) -> str:
    """Return where a path of the tree belongs in the running root; "" leaves it out."""
    first, slash, rest = path.partition("/")
    merged = f"{MERGED[first]}{slash}{rest}" if first in MERGED else path
    return "" if UNWANTED.fullmatch(merged) or merged in ("boot", "run", "var/run") else merged


def find_programs(files: Iterable[str]) -> dict[str, str]:
    """Return the path of each program by its name; the first of PROGRAM_FOLDERS counts."""
    found: dict[str, str] = {}
    for name in files:
        parent = PurePosixPath(name).parent.as_posix()
        if parent in PROGRAM_FOLDERS or HELPERS.fullmatch(parent):
            known = found.get(PurePosixPath(name).name)
            if known is None or _rank(parent) < _rank(str(PurePosixPath(known).parent)):
                found[PurePosixPath(name).name] = name
    return found


def _rank(folder: str) -> int:
    return PROGRAM_FOLDERS.index(folder) if folder in PROGRAM_FOLDERS else len(PROGRAM_FOLDERS)


def find_libraries(files: Iterable[str]) -> dict[str, str]:
    """Return the path of each library by its name, as a dynamic linker would find it."""
    found: dict[str, str] = {}
    for folder in reversed(LIBRARY_FOLDERS):
        for name in files:
            pure = PurePosixPath(name)
            if str(pure.parent) == folder and ".so" in pure.suffixes:
                found[pure.name] = name
    return found

"""What the programs of an install tree need: libraries, of it and of the root."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from democd.errors import InputError
from democd.fitness import Mistake
from democd.formats import elf, linkage
from democd.formats.linkage import Linkage
from democd.install_tree.places import HELPERS, PROGRAM_FOLDERS, find_libraries, place


def read_linkage(files: Mapping[str, Path], mistakes: list[Mistake]) -> dict[str, Linkage]:
    """Return what the dynamic linker reads of each program and library, by its path."""
    found: dict[str, Linkage] = {}
    strangers: dict[str, list[str]] = {}
    for name, path in files.items():
        pure = PurePosixPath(name)
        known = str(pure.parent) in PROGRAM_FOLDERS or HELPERS.fullmatch(str(pure.parent))
        if not (known or ".so" in pure.suffixes) or path.is_symlink() or not path.is_file():
            continue
        data = path.read_bytes()
        if not elf.is_elf(data):
            continue
        try:
            item = linkage.read(data)
        except InputError as error:
            mistakes.append((f"{path}: {error.message}", "make dist-tools anew"))
            continue
        if item.machine != "EM_X86_64" or item.bits != 64:
            strangers.setdefault(f"{item.bits}-bit {item.machine}", []).append(name)
        found[name] = item
    for machine, names in strangers.items():
        shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        mistakes.append(
            (f"the disc's programs are 64-bit x86, but these are {machine}: {shown}",
             "build for XEN_TARGET_ARCH=x86_64")
        )  # fmt: skip
    return found


def foreign_libraries(
    linked: Mapping[str, Linkage], files: Mapping[str, Path], programs: Mapping[str, str]
) -> dict[str, str]:
    """Return the libraries that programs need, and that are not of the tree; to who needs them."""
    sonames = find_libraries(files)
    missing: dict[str, str] = {}
    queue = [name for name in programs.values() if name in linked]
    seen = set(queue)
    while queue:
        name = queue.pop()
        for needed in linked[name].needed:
            inside = _search(needed, name, linked[name], files) or sonames.get(needed)
            if inside is None:
                missing.setdefault(needed, name)
                continue
            real = _real(inside, files)
            if real in linked and real not in seen:
                seen.add(real)
                queue.append(real)
    return dict(sorted(missing.items()))


def _search(needed: str, by: str, linked: Linkage, files: Mapping[str, Path]) -> str | None:
    """Return the library at a place that who needs it names itself, RPATH or RUNPATH."""
    origin = f"/{PurePosixPath(by).parent}"
    for folder in linked.search:
        where = folder.replace("${ORIGIN}", origin).replace("$ORIGIN", origin)
        path = place(posixpath.normpath(f"{where}/{needed}").lstrip("/"))
        if path in files:
            return path
    return None


def _real(name: str, files: Mapping[str, Path]) -> str:
    """Return the path of the file behind a link beside it, as libraries have them."""
    path = files[name]
    return str(PurePosixPath(name).parent / path.resolve().name) if path.is_symlink() else name


def debian_name(soname: str) -> str:
    """Return what a library's package is called if it keeps to Debian Policy, 8.1."""
    name, _, version = soname.partition(".so.")
    joint = "-" if name[-1:].isdigit() and version else ""
    return f"{name}{joint}{version}".lower().replace("_", "-")

"""Whether the parts of an install tree belong together, and go with the root."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from democd.errors import InputError
from democd.fitness import Mistake, series, xen_faults
from democd.formats import linkage, xen
from democd.formats.versions import version_key
from democd.formats.xen import Hypervisor
from democd.install_tree.needs import debian_name, foreign_libraries, read_linkage
from democd.install_tree.places import (
    MULTIARCH,
    PROGRAM_FOLDERS,
    find_libraries,
    find_programs,
    wanted_files,
)

NEEDED = ("xl", "xenstored", "xenconsoled", "xen-init-dom0")
"""Programs without which dom0 has no tools, by what xen.service starts."""

VERSIONED = re.compile(r"lib(?:xenctrl|xenguest|xenlight|xlutil)\.so\.(\d+\.\d+)")
"""Sonames with the series of Xen in them: their calls have no stable form."""

OWN_FOLDER = "usr/lib/install-tree-of-xen"


@dataclass(frozen=True)
class InstallTree:
    """An install tree, inspected.

    Attributes:
        folder: dist/install.
        xen: the hypervisor in its boot/, and what is in that; None if it has none.
        series: of the tools, `4.20`; "" if it has none.
        files: path in the running root, to the file or folder of the tree.
        programs: name to path in the running root.
        libraries: soname to path in the running root.
        foreign: library that the tree lacks, to a program or library that needs it.
        glibc: the newest version of glibc that it asks for, `2.38`, and what asks.
    """

    folder: Path
    xen: tuple[Path, Hypervisor] | None
    series: str
    files: Mapping[str, Path]
    programs: Mapping[str, str]
    libraries: Mapping[str, str]
    foreign: Mapping[str, str]
    glibc: tuple[str, str]


def inspect(folder: Path, mistakes: list[Mistake], *, need_xen: bool = True) -> InstallTree | None:
    """Return what an install tree has; what is wrong with it goes to `mistakes`.

    Args:
        folder: dist/install.
        mistakes: gets a message and a remedy for each thing that is wrong.
        need_xen: no other hypervisor was named.
    """
    if not (folder / "usr").is_dir():
        hint = "name the folder dist/install that `make dist` fills in Xen's source"
        mistakes.append((f"{folder} is no install tree of Xen: it has no usr/", hint))
        return None
    files = wanted_files(folder)
    hypervisor = find_xen(folder / "boot", mistakes)
    if hypervisor is None and need_xen:
        hint = "make dist-xen as well, or name a hypervisor with --xen"
        mistakes.append((f"{folder} has no hypervisor in boot/", hint))
    programs, sonames = find_programs(files), find_libraries(files)
    mistakes += _absent(folder, programs)
    linked = read_linkage(files, mistakes)
    found = tools_series(sonames)
    # A hypervisor that is not booted need not go with the tools.
    mistakes += _mixture(folder, found, hypervisor if need_xen else None)
    return InstallTree(
        folder,
        hypervisor,
        found[-1] if found else "",
        files,
        programs,
        sonames,
        foreign_libraries(linked, files, programs),
        max(((item.glibc, path) for path, item in linked.items()), key=_by_glibc, default=("", "")),
    )


def _absent(folder: Path, programs: Iterable[str]) -> Iterator[Mistake]:
    absent = [name for name in NEEDED if name not in programs]
    hint = "make dist-tools as well"
    if absent == ["xenstored"]:
        hint += "; xenstored is the one in C: configure --with-xenstored=xenstored"
    if absent:
        yield f"{folder} lacks tools: {', '.join(absent)}", hint


def _mixture(
    folder: Path, found: list[str], hypervisor: tuple[Path, Hypervisor] | None
) -> Iterator[Mistake]:
    """Give what is of another series than the rest; `found` are those of the libraries."""
    if len(found) > 1:
        what = f"{folder} has libraries of Xen {' and '.join(found)}"
        yield what, "empty it, and make dist anew"
    if hypervisor and found and series(hypervisor[1].version) not in ("", *found):
        path, content = hypervisor
        yield (
            f"{folder} has tools of Xen {' and '.join(found)}, "
            f"but {path.name} is Xen {content.version}: they do not go together",
            "make dist-xen and make dist-tools from one source",
        )


def _by_glibc(item: tuple[str, str]) -> tuple[object, ...]:
    return version_key(item[0] or "0")


def find_xen(boot: Path, mistakes: list[Mistake]) -> tuple[Path, Hypervisor] | None:
    """Return the newest hypervisor of the tree's boot/; files and links are told by content."""
    found: dict[Path, Hypervisor] = {}
    for path in sorted(boot.glob("xen*")):
        if path.is_symlink() or not path.is_file() or path.suffix in (".config", ".map"):
            continue
        try:
            content = xen.read(path.read_bytes())
        except InputError as error:
            mistakes.append((f"{path}: {error.message}", "make dist-xen anew"))
            continue
        if not xen_faults(content):
            found[path] = content
    return max(found.items(), key=lambda item: version_key(item[1].version), default=None)


def tools_series(sonames: Iterable[str]) -> list[str]:
    """Return the series of Xen that libraries are of, the oldest first; one, if all is well."""
    found = {match[1] for name in sonames if (match := VERSIONED.fullmatch(name))}
    return sorted(found, key=version_key)


def faults_in(tree: InstallTree, parts: Path) -> Iterator[Mistake]:
    """Give what the root lacks for the tree's programs.

    Args:
        tree: as `inspect` returned it.
        parts: the folder with the root's libraries.
    """
    libc = parts / MULTIARCH / "libc.so.6"
    there = linkage.newest_glibc(libc.read_bytes()) if libc.is_file() else ""
    asked, by = tree.glibc
    if there and asked and version_key(asked) > version_key(there):
        yield (
            f"{tree.folder}: {by} was built with glibc {asked}, the root has {there}",
            "build Xen on the root's own release of Debian, or make a disc of a newer one, "
            "--set root.suite=…",
        )
        return
    for name, program in tree.foreign.items():
        if not (parts / MULTIARCH / name).is_file():
            yield (
                f"{tree.folder}: {program} needs {name}, which neither it nor the root has",
                f"add its package, by Debian's rule of names perhaps {debian_name(name)}: "
                f"--set root.extra={debian_name(name)}",
            )


def links(tree: InstallTree) -> dict[str, str]:
    """Return links that let the tree's programs and libraries take the place of Debian's.

    Libraries are linked to from where Debian's dynamic linker looks by itself: so they are found
    without ldconfig's cache, and with the one of the root, which leads to the same paths. Programs
    are linked to from /usr/bin and /usr/sbin, and from the folder that Debian's wrappers and our
    xen.service start them from, /usr/lib/xen-SERIES; a link in its place, so that nothing of
    Debian's own folder shows through.

    Returns:
        Path in the running root, to the target from there.
    """
    found = {}
    for name, path in tree.libraries.items():
        if f"{MULTIARCH}/{name}" not in tree.files:
            found[f"{MULTIARCH}/{name}"] = _up(MULTIARCH, path)
    for name, path in tree.programs.items():
        folder = PurePosixPath(path).parent
        usual = f"usr/{folder.name}"
        if str(folder) in PROGRAM_FOLDERS[:2] and f"{usual}/{name}" not in tree.files:
            found[f"{usual}/{name}"] = _up(usual, path)
    versioned = f"usr/lib/xen-{tree.series}"
    if tree.series and not any(path.startswith(f"{versioned}/") for path in tree.files):
        found[versioned] = PurePosixPath(OWN_FOLDER).name
        for name, path in tree.programs.items():
            found[f"{OWN_FOLDER}/bin/{name}"] = _up(f"{OWN_FOLDER}/bin", path)
    return found


def _up(folder: str, path: str) -> str:
    """Return the way from a folder to a path, both below /; relative, so it holds in any root."""
    return "../" * len(PurePosixPath(folder).parts) + path

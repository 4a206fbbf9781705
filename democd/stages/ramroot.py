"""A root in memory: chosen programs of the Debian root, their libraries, and overlays.

It takes the place of the layers on a disc that shall be small and up soon. It becomes part of
xen0's initrd; what is decided here is which files, where from, and where to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from democd.artifacts import RamRoot
from democd.errors import Mistakes
from democd.formats import libraries
from democd.inputs import tree
from democd.recipe import Recipe

LIBRARIES = "usr/lib/x86_64-linux-gnu"
"""Where the libraries go: the Debian loader's own place, so it needs no cache and no path."""
LIBRARY_FOLDERS = ("usr/local/lib", "usr/lib64", "usr/lib/x86_64-linux-gnu", "usr/lib")
"""Where libraries are looked for, in each tree."""
LOADER_FOLDER = "lib64"
"""Where programs look for their interpreter (System V ABI, AMD64 supplement)."""
COMMANDS = "bin"
PROGRAM_FOLDERS = ("bin", "sbin")
ONE_WITH_COMMANDS = ("bin", "sbin", "usr/bin", "usr/sbin")
"""Folders that are one and the same in an initrd."""


def build(recipe: Recipe, trees: Sequence[Path], project: Path) -> RamRoot:
    """Return the files of the root in memory; reads them, and writes nothing.

    Args:
        recipe: its [ramroot] names lists and overlays.
        trees: where programs and libraries come from; of two that have one, the last counts.
        project: the folder with rootfs/programs/ and overlays/.

    Raises:
        Mistakes: for each line of a list of which there is no program, and each library that a
            program needs and that is not there.
    """
    mistakes: list[tuple[str, str]] = []
    files: dict[str, Path] = {}
    for name in recipe.ramroot.programs:
        for pattern in _lines(project / "rootfs/programs" / name):
            found = matches(trees, pattern.removesuffix("?"))
            if not found and not pattern.endswith("?"):
                hint = "correct the list; rootfs/parts.txt names what is taken out of the root"
                mistakes.append((f"rootfs/programs/{name}: the root has no {pattern}", hint))
            files |= {place(path): source for path, source in found.items()}
    files |= needed_libraries(files, trees, mistakes)
    if mistakes:
        raise Mistakes(mistakes)
    links = {LOADER_FOLDER: LIBRARIES} | commands(files)
    for name in recipe.ramroot.overlays:
        for path, source in _laid_over(project / "overlays" / name):
            if source.is_symlink():
                links[path] = str(source.readlink())
            else:
                files[path] = source
    return RamRoot(files, links)


def matches(trees: Iterable[Path], pattern: str) -> dict[str, Path]:
    """Return the files that a pattern of paths stands for, by path, of the last tree with one.

    A program behind a link, as those of an install tree are, goes to its own place: others may
    start it from there.
    """
    found: dict[str, Path] = {}
    for top in trees:
        here = {}
        for source in sorted(top.glob(pattern)):
            if source.is_file():
                real = source.resolve() if source.parent.name in PROGRAM_FOLDERS else source
                inside = real.is_relative_to(top.resolve())
                name = real.relative_to(top.resolve()) if inside else source.relative_to(top)
                here[name.as_posix()] = source
        found = here or found
    return found


def place(path: str) -> str:
    """Return where a file of the root goes: to its own path, or that without a link in it."""
    pure = PurePosixPath(path)
    return f"{COMMANDS}/{pure.name}" if str(pure.parent) in ONE_WITH_COMMANDS else path


def needed_libraries(
    programs: dict[str, Path], trees: Sequence[Path], mistakes: list[tuple[str, str]]
) -> dict[str, Path]:
    """Return the libraries that programs need, by the path where their loader finds them."""
    places: dict[str, Path | None] = {}

    def needs_of(name: str) -> tuple[str, ...] | None:
        place = places.setdefault(name, find_library(trees, name))
        return libraries.needs(place.read_bytes()) if place else None

    wanted = {path: libraries.needs(source.read_bytes()) for path, source in programs.items()}
    closed = libraries.closure(wanted, needs_of)
    for name, program in closed.missing.items():
        hint = "a package of the root should have it; rootfs/parts.txt names what is taken out"
        mistakes.append((f"{program} needs {name}, which the root does not have", hint))
    found = {name: places[name] for name in closed.found}
    return {f"{LIBRARIES}/{name}": place for name, place in found.items() if place}


def find_library(trees: Sequence[Path], name: str) -> Path | None:
    """Return the file of a library, or None; the last tree wins."""
    for top in reversed(trees):
        for folder in LIBRARY_FOLDERS:
            if (path := top / folder / name).is_file():
                return path
    return None


def commands(paths: Iterable[str]) -> dict[str, str]:
    """Return links in /bin to the programs elsewhere, so that one word of PATH finds them all."""
    links = {}
    for path in paths:
        pure = PurePosixPath(path)
        if pure.parent.name in PROGRAM_FOLDERS and str(pure.parent) != COMMANDS:
            links[f"{COMMANDS}/{pure.name}"] = f"/{path}"
    return links


def _laid_over(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in tree(folder):
        if path.is_symlink() or path.is_file():
            yield path.relative_to(folder).as_posix(), path


def _lines(path: Path) -> list[str]:
    lines = (line.partition("#")[0].strip() for line in path.read_text().splitlines())
    return [line for line in lines if line]

"""Which modules a kernel has, and which ones the recipe's lists want of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from democd.errors import BuildError, Mistakes
from democd.formats import modules


def read_lists(folder: Path, names: Sequence[str]) -> dict[str, list[str]]:
    """Return the words of each list: one a line, `#` starts a comment.

    Raises:
        Mistakes: one for each list that is not there.
    """
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        there = ", ".join(sorted(path.name for path in folder.glob("*"))) or "none"
        raise Mistakes([(f"no module list {folder / name}", f"lists: {there}") for name in missing])
    lists = {}
    for name in names:
        lines = (folder / name).read_text().splitlines()
        words = (line.partition("#")[0].strip() for line in lines)
        lists[name] = [word for word in words if word]
    return lists


def needed(words: Sequence[str]) -> list[str]:
    """Return the names of a list that a kernel must have.

    One with `?` behind it may be unknown: the kernels of some suites have it, others not.
    """
    return [word for word in words if not word.endswith("?")]


def read_index(folder: Path, release: str) -> modules.Index:
    """Return the index of a kernel's modules.

    Args:
        folder: its lib/modules/RELEASE.
        release: of the kernel.

    Raises:
        BuildError: there is no modules.dep; only a kernel without a single module needs none.
    """

    def text(name: str) -> str:
        path = folder / name
        return path.read_text() if path.is_file() else ""

    dep, builtin = text("modules.dep"), text("modules.builtin")
    if not dep and (not builtin or module_files(folder)):
        raise BuildError(
            f"no modules.dep in {folder}",
            f"the modules of Linux {release} belong there; depmod makes their index",
        )
    return modules.parse(dep, builtin, text("modules.alias"), text("modules.softdep"))


def module_files(folder: Path) -> list[Path]:
    """Return all modules below a folder lib/modules/RELEASE, sorted.

    Not through the links `build` and `source`, which lead to where the kernel was built.
    """
    return sorted(path for path in folder.rglob("*.ko*") if path.name.endswith(modules.SUFFIXES))

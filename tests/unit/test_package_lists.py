"""The recipe's lists of packages."""

from __future__ import annotations

from pathlib import Path

from democd.package_lists import package_names
from democd.recipe import Recipe, Root


def listing(folder: Path, **lists: str) -> Path:
    (folder / "packages").mkdir()
    for name, text in lists.items():
        (folder / "packages" / name).write_text(text)
    return folder


def test_packages_of_all_lists_are_asked_for_once(tmp_path: Path) -> None:
    rootfs = listing(tmp_path, base="nano  # an editor\n# nothing\n\nless\n", xen="less\nxl\n")
    recipe = Recipe(tmp_path, root=Root(packages=("base", "xen"), extra=("vim",)))
    assert package_names(recipe, rootfs) == ["less", "nano", "vim", "xl"]

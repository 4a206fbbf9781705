"""The recipe's lists of packages: which it asks for by name."""

from __future__ import annotations

from pathlib import Path

from democd.recipe import Recipe


def package_names(recipe: Recipe, rootfs: Path) -> list[str]:
    """Return the names in the recipe's package lists and its `extra`, sorted, once each."""
    names = set(recipe.root.extra)
    for name in recipe.root.packages:
        names |= set(patterns(rootfs / "packages" / name))
    return sorted(names)


def patterns(path: Path) -> list[str]:
    """Return the first word of each line of a list file, without comments."""
    lines = (line.split("#")[0].strip() for line in path.read_text().splitlines())
    return [line for line in lines if line]

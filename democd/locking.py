"""Writes the lock of a recipe."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from democd import lockfile
from democd.host.progress import Reporter
from democd.host.whole import write_whole
from democd.lockfile import Lock
from democd.recipe import Recipe
from democd.stages import packages
from democd.supply import Supply
from democd.workspace import Workspace


def write(
    recipe: Recipe, *, workspace: Workspace, output: Path, reporter: Reporter, supply: Supply
) -> Lock:
    """Write which packages the archive has now for a recipe, and return that.

    The list is kept as well: the next build makes that root, locked or not.

    Args:
        recipe: its [root].
        workspace: keeps the list; locked while this works.
        output: the file; one that is there gives way at the end.
        reporter: shows the step.
        supply: which archive.

    Raises:
        BuildError: no network, a wrong signature, a package that is not there.
    """
    with workspace.locked(), reporter.step("packages", f"Debian {recipe.root.suite}") as step:
        lock = packages.choose(workspace, recipe, replace(supply, refresh=True), step)
        step.says(f"{len(lock.packages)} packages of {lock.time}")
    write_whole(output, lockfile.text(lock))
    return lock

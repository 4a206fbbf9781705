"""The Debian root, from the recipe to the tree: which packages, their files, and what they make.

Whatever is built starts with it: the disc, the disc of sources, the disc of a test kernel.
"""

from __future__ import annotations

from democd.artifacts import Root
from democd.host.progress import Reporter
from democd.lockfile import Lock
from democd.recipe import Recipe
from democd.stages import packages, root
from democd.supply import Supply
from democd.workspace import Workspace


def is_kept(recipe: Recipe, workspace: Workspace, supply: Supply) -> bool:
    """Return whether `make` has nothing to do."""
    listed = packages.kept(workspace, recipe, supply)
    return listed is not None and root.is_kept(workspace, recipe, recipe.folder, listed)


def make(recipe: Recipe, workspace: Workspace, reporter: Reporter, supply: Supply) -> Root:
    """Return the recipe's root, made where it is not kept; files are had only if it must be made.

    Raises:
        InputError: a lock is wrong, or was made for another recipe.
        BuildError: a step failed.
    """

    def is_there(lock: Lock) -> bool:
        return root.is_kept(workspace, recipe, recipe.folder, lock)

    with reporter.step("packages", f"Debian {recipe.root.suite}") as step:
        supplied = packages.build(workspace, recipe, supply, is_there, step, reporter.say)
        step.says(f"{len(supplied.lock.packages)} packages of {supplied.lock.time}")
    with reporter.step("root", f"Debian {recipe.root.suite}") as step:
        made = root.build(workspace, recipe, recipe.folder, supplied, step)
        step.says(f"{len(made.packages)} packages")
    return made

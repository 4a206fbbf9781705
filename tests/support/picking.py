"""What boots, as a build picks it: inspected and chosen."""

from __future__ import annotations

from democd.artifacts import Kernels, Root
from democd.recipe import Recipe
from democd.stages import kernels, own


def pick(recipe: Recipe, root: Root) -> Kernels:
    """Return what a recipe and a root boot; the recipe's folder is the project too."""
    return kernels.pick(recipe, root, own.inspect(recipe, recipe.folder))

"""What the manifest tells of a disc beside its files."""

from __future__ import annotations

from collections.abc import Iterable

from democd import __version__, layout
from democd.artifacts import Kernels, Layer, Root, Source, Sources
from democd.recipe import MEDIA, Recipe, recorded

FORMAT = 1


def about(
    recipe: Recipe,
    version: str,
    builder: str,
    root: Root,
    kernels: Kernels,
    layers: Iterable[Layer],
    sources: Sources,
) -> dict[str, object]:
    """Return the manifest, but for the files.

    Args:
        recipe: title, volume id, medium, suite and roles.
        version: the disc's own.
        builder: the name of who builds it.
        root: its packages and date.
        kernels: what boots.
        layers: every squashfs on the disc.
        sources: what is in the one of them that has sources.
    """
    return {
        "format": FORMAT,
        "volume_id": recipe.disc.volume_id,
        "title": recipe.disc.title,
        "version": version,
        "builder": builder,
        "made_with": f"democd {__version__}",
        "date": root.date,
        "medium": {"name": recipe.disc.media, "bytes": MEDIA[recipe.disc.media]},
        "suite": recipe.root.suite,
        "xen": kernels.xen_version,
        "kernels": {"xen0": kernels.dom0.release, "xenU": kernels.guest.release},
        "layers": [layer.name for layer in layers],
        "roles": {role: list(names) for role, names in sorted(recipe.roles.items())},
        "packages": {
            "count": len(root.packages),
            "installed_bytes": sum(package.size for package in root.packages),
            "list": layout.PACKAGES,
        },
        "sources": [_source(tree) for tree in sources.trees],
        "recipe": _recorded(recipe, version, builder),
    }


def _recorded(recipe: Recipe, version: str, builder: str) -> dict[str, dict[str, object]]:
    """Return the recipe with what git tells where it does not: who names that has the same disc."""
    told = recorded(recipe)
    return {**told, "disc": {**told["disc"], "version": version, "builder": builder}}


def _source(tree: Source) -> dict[str, object]:
    return {
        "name": tree.name,
        "version": tree.version,
        "packages": list(tree.packages),
        "bytes": tree.size,
        "packed": tree.packed,
    }

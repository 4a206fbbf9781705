"""The sources on a disc of sources that are not Debian's: the builder's own, and the person's."""

from __future__ import annotations

import gzip
import io
import re
import tarfile
from collections.abc import Mapping
from pathlib import Path

from democd import layering, source_tree
from democd.artifacts import Own, Tarball
from democd.errors import InputError
from democd.fitness import Mistake
from democd.host.progress import Step
from democd.recipe import Recipe
from democd.workspace import Workspace

BUILDER = Path(__file__).resolve().parents[2]
BUILDER_NAME = "democd"
PROJECT_PARTS = ("rootfs", "overlays", "grub", "docs", "profiles")
"""What of a project of the person's own makes the disc what it is, beside its recipes."""

_CODE = [Path(__file__), Path(layering.__file__)]


def mistakes(recipe: Recipe, brought: Own) -> list[Mistake]:
    """Return what the person puts onto the disc without naming its source.

    Args:
        recipe: its [kernels], [sources] and disc.guests.
        brought: what is in the files of [kernels].
    """
    found: list[Mistake] = []
    if brought.xen and not recipe.sources.xen:
        found.append(
            (
                "the hypervisor or the tools on the disc are your own, and no source is named",
                "name the tree that they were built from: --xen-source DIR, or sources.xen",
            )
        )
    folder = recipe.folder / recipe.sources.xen
    if brought.xen and recipe.sources.xen and folder.is_dir():  # else not yet cloned
        try:
            version = source_tree.xen_version(folder)
            source_tree.refuse_other_xen(recipe.sources.xen, version, brought.xen[1].version)
        except InputError as error:
            found.append((error.message, error.hint))
    whose = [name for name, it in (("kernels", brought.dom0 or brought.guest),) if it]
    whose += ["guests"] if recipe.disc.guests else []
    if whose and not recipe.sources.trees:
        found.append(
            (
                f"there are {' and '.join(whose)} of your own on the disc, and no source is named",
                "name the trees that they were built from: --set sources.trees=DIR,DIR",
            )
        )
    return found


def build(
    workspace: Workspace, recipe: Recipe, version: str, date: int, step: Step
) -> tuple[Tarball, ...]:
    """Return the packed trees: the builder, the person's project, their Xen and what they name.

    Args:
        workspace: keeps them, by content.
        recipe: names them; `recipe.folder` is the project.
        version: of the disc, which is that of the builder's own tree.
        date: seconds since 1970 of every file in them.
        step: shows what is packed.

    Raises:
        BuildError: git cannot tell what is in a tree.
    """
    trees: dict[str, tuple[str, dict[str, Path]]] = {}

    def add(name: str, told: str, files: dict[str, Path]) -> None:
        number = next(n for n in range(1, 99) if (f"{name}-{n}" if n > 1 else name) not in trees)
        trees[f"{name}-{number}" if number > 1 else name] = (told, files)

    add(BUILDER_NAME, version, source_tree.files(BUILDER, untracked=False, apart=workspace.folder))
    if recipe.folder != BUILDER:
        add("project", version, project_files(recipe.folder))
    named = [recipe.sources.xen, *recipe.sources.trees]
    for folder in dict.fromkeys((recipe.folder / name).resolve() for name in named if name):
        own_xen = folder == (recipe.folder / recipe.sources.xen).resolve()
        add("xen" if own_xen else _name(folder), _version(folder), tree_files(workspace, folder))
    return tuple(
        Tarball(name, told, _packed(workspace, name, files, date, step))
        for name, (told, files) in trees.items()
    )


def tree_files(workspace: Workspace, folder: Path) -> dict[str, Path]:
    """Return the files of a person's tree: with those of checkouts in it, and its .config.

    Xen's build clones QEMU and firmware into its tree, where git does not look; Linux' git
    ignores the .config, without which nobody builds that kernel again.
    """
    found = source_tree.files(folder, untracked=True, apart=workspace.folder)
    for inner in sorted(path.parent for path in folder.rglob(".git") if path.parent != folder):
        place = inner.relative_to(folder).as_posix()
        found |= {
            f"{place}/{name}": path
            for name, path in source_tree.files(inner, untracked=True).items()
        }
    if (folder / ".config").is_file():
        found[".config"] = folder / ".config"
    return dict(sorted(found.items()))


def project_files(folder: Path) -> dict[str, Path]:
    """Return the files of a person's project: recipes, lists, overlays and templates."""
    found = {path.name: path for path in sorted(folder.glob("*.toml"))}
    for part in PROJECT_PARTS:
        found |= {
            f"{part}/{name}": path
            for name, path in source_tree.files(folder / part, untracked=True).items()
        }
    return found


def _name(folder: Path) -> str:
    return re.sub(r"[^A-Za-z0-9._+-]", "_", folder.name).lstrip("._-") or "tree"


def _version(folder: Path) -> str:
    commit = source_tree.commit(folder)
    return f"commit {commit[:12]}" if commit else "as it lay there"


def _packed(
    workspace: Workspace, name: str, files: Mapping[str, Path], date: int, step: Step
) -> Path:
    def make(target: Path) -> None:
        step.now(f"{name}, {source_tree.size(files) / 1e6:.0f} MB")
        members = layering.placed({f"{name}/{path}": it for path, it in files.items()}, {}, date)
        # mtime: gzip's own, for the same bytes each time; no name of a file in it either.
        with (
            (target / f"{name}.tar.gz").open("wb") as stream,
            gzip.GzipFile("", "wb", fileobj=stream, mtime=0) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
        ):
            for member, content in members:
                archive.addfile(member, io.BytesIO(content))

    inputs = {"files": source_tree.contents(files), "date": date, "code": _CODE}
    return workspace.step(f"tarball-{name}", inputs, make).path / f"{name}.tar.gz"

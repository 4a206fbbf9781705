"""The sources of what is on the disc, as a squashfs of their own: /usr/local/src once it runs.

Debian's are fetched in the very version that the root was built from. A hypervisor of the person's
own wants a tree of their own.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from democd import archives, layering, layout, origins, source_tree
from democd.artifacts import Kernels, Layer, Root, Source, Sources
from democd.errors import BuildError, InputError
from democd.host import apt
from democd.host.progress import Step
from democd.host.run import run
from democd.inputs import Made, tree
from democd.origins import Origin
from democd.recipe import Recipe
from democd.supply import Supply
from democd.workspace import Workspace

BUILDER = Path(__file__).resolve().parents[2]
README = "docs/README.sources"
SOURCES_LIST = "./etc/apt/sources.list"
MOST_UNPACKED = 50 << 20
"""Bytes of the packed files of a source that is unpacked; a larger one (Linux has 150 MB, and 1.6
GB as a tree) would take more of a disc, and of the time to make it, than it is worth."""

_DEBIAN_CODE = [Path(__file__), Path(apt.__file__)]
_LAYER_CODE = [Path(__file__), Path(layering.__file__), Path(source_tree.__file__)]


@dataclass(frozen=True)
class _Tree:
    """A source on its way to the disc: its files by path in its folder there.

    Attributes:
        beside: what lies next to that folder, its history.
    """

    about: Source
    files: Mapping[str, Path]
    key: object
    beside: Mapping[str, Path]


def build(
    workspace: Workspace,
    recipe: Recipe,
    version: str,
    root: Root,
    kernels: Kernels,
    supply: Supply,
    step: Step,
) -> Sources:
    """Return the squashfs with all sources that the recipe wants.

    Args:
        workspace: keeps what was fetched, by name and version.
        recipe: its [sources].
        version: of the disc, which is that of the builder's own tree.
        root: what is on the disc, and where it came from.
        kernels: what boots.
        supply: where Debian's packages come from.
        step: shows what is fetched.

    Raises:
        InputError: a source would be of another version than what boots.
        BuildError: the archive cannot be read, or lacks the version.
    """
    refuse_strangers(recipe, root, kernels)
    wanted = recipe.sources
    names = [name for name in wanted.packages if not (wanted.xen and name == "xen")]
    status = (root.parts / "var/lib/dpkg/status").read_text()
    chosen = origins.wanted(names, origins.of_root(status))
    made = fetch(workspace, chosen, where(workspace, recipe, root, supply), step, supply)
    trees = [_debian(origin, folder) for origin, folder in made.items()]
    if wanted.xen:
        trees.append(_own_xen(workspace, recipe))
    trees.append(_builder(workspace, version))
    step.now(f"{layout.SOURCES}.squashfs")
    layer = _squash(workspace, recipe, root, _named(trees))
    return Sources(layer, tuple(item.about for item in trees))


def refuse_strangers(recipe: Recipe, root: Root, kernels: Kernels) -> None:
    """Check that what boots was built from the sources that the recipe wants on the disc.

    Raises:
        InputError: it was not.
    """
    wanted = recipe.sources
    if wanted.xen:
        version = source_tree.xen_version(recipe.folder / wanted.xen)
        source_tree.refuse_other_xen(wanted.xen, version, kernels.xen_version)
    elif "xen" in wanted.packages and not kernels.xen.is_relative_to(root.parts):
        raise InputError(
            "sources.packages: Debian's xen is not the source of your own hypervisor",
            "name its tree with --xen-source DIR, or leave xen out",
        )
    images = (kernels.dom0.image, kernels.guest.image)
    if "linux" in wanted.packages and not any(path.is_relative_to(root.parts) for path in images):
        raise InputError(
            "sources.packages: Debian's linux is not the source of your own kernels",
            "leave linux out",
        )


def sources_list(root: Root) -> str:
    """Return the root's own list of where its packages came from.

    Raises:
        BuildError: it has none.
    """
    with tarfile.open(root.tar) as archive:
        for member in archive:
            if member.name == SOURCES_LIST and (stream := archive.extractfile(member)):
                return stream.read().decode()
    raise BuildError(f"the root has no {SOURCES_LIST[1:]}", "make it anew: --refresh")


def where(workspace: Workspace, recipe: Recipe, root: Root, supply: Supply) -> str:
    """Return the list of archives that have the sources of a root."""
    if not supply.snapshot:
        workspace.check(root.made)  # its tar is read right here, not in a step
        return apt.source_lines(sources_list(root))
    then = archives.source_list(supply.places(recipe), recipe.root.components)
    return apt.source_lines(then)


def fetch(
    workspace: Workspace,
    chosen: Iterable[Origin],
    lines: str,
    step: Step,
    supply: Supply = Supply(),  # noqa: B008 - it is frozen
) -> dict[Origin, Made]:
    """Return the folder of each source package; what is kept needs no network.

    Its folder `tree` has the patched tree, or the packed files if these are big.

    Raises:
        Mistakes: the archive lacks a version, which is found before anything is fetched.
    """

    def inputs(origin: Origin) -> dict[str, object]:
        place = {"name": origin.name, "version": origin.version, "lines": lines}
        return {**place, "most": MOST_UNPACKED, "code": _DEBIAN_CODE}

    chosen = list(chosen)
    lacking = [
        origin for origin in chosen if not workspace.keeps(_step_name(origin), inputs(origin))
    ]
    sizes: dict[Origin, int] = {}
    if lacking:
        supply.refuse_network(f"the source of {origin.name} {origin.version}" for origin in lacking)
        step.now("what the archive has")
        archive = apt.Archive(workspace.tmp / "apt", lines, past=bool(supply.snapshot))
        archive.update()
        names = sorted({origin.name for origin in lacking})
        there = origins.matched(lacking, origins.offered(archive.show(names)))
        sizes = {
            origin: sum(there[origin.name, origin.version].files.values()) for origin in lacking
        }
    made = {}
    for origin in chosen:

        def make(folder: Path, origin: Origin = origin) -> None:
            step.now(f"{origin.name} {origin.version}, {sizes[origin] / 1e6:.0f} MB")
            packed = folder / "packed"
            packed.mkdir()
            archive.download(origin.name, origin.version, packed)
            unpack(packed, folder / "tree", whole=sizes[origin] <= MOST_UNPACKED)

        made[origin] = workspace.step(_step_name(origin), inputs(origin), make)
    return made


def unpack(packed: Path, target: Path, *, whole: bool) -> None:
    """Turn the files of a source package into its tree with all patches; or let them be it.

    dpkg-source refuses paths and patches that lead out of the tree, and runs nothing of it.
    """
    if not whole:
        packed.rename(target)
        return
    (description,) = packed.glob("*.dsc")
    run(["dpkg-source", "--no-copy", "--extract", description, target], contained=True)
    for path in packed.iterdir():
        path.unlink()
    packed.rmdir()


def _step_name(origin: Origin) -> str:
    return f"source-{origin.name}"


def _debian(origin: Origin, made: Made) -> _Tree:
    top = made.path / "tree"
    files = {path.relative_to(top).as_posix(): path for path in tree(top)}
    packed = not (top / "debian").is_dir()
    about = Source(origin.name, origin.version, origin.packages, source_tree.size(files), packed)
    return _Tree(about, files, made, {})


def _own_xen(workspace: Workspace, recipe: Recipe) -> _Tree:
    folder = recipe.folder / recipe.sources.xen
    files = source_tree.files(folder, untracked=True, apart=workspace.folder)
    commit = source_tree.commit(folder)
    version = source_tree.xen_version(folder) + (f", commit {commit[:12]}" if commit else "")
    beside = {}
    if commit and recipe.sources.history != "none":
        kind = recipe.sources.history

        def make(target: Path) -> None:
            (target / "history").mkdir()
            source_tree.keep_history(folder, kind, target / "history", "xen")

        inputs = {"commit": commit, "kind": kind, "code": Path(source_tree.__file__), "format": 1}
        top = workspace.step("history-xen", inputs, make).path / "history"
        beside = {path.relative_to(top).as_posix(): path for path in tree(top)}
    about = Source("xen", version, (), source_tree.size(files))
    return _Tree(about, files, source_tree.contents(files), beside)


def _builder(workspace: Workspace, version: str) -> _Tree:
    files = source_tree.files(BUILDER, untracked=False, apart=workspace.folder)
    return _Tree(
        Source("democd", version, (), source_tree.size(files)),
        files,
        source_tree.contents(files),
        {},
    )


def _named(trees: Iterable[_Tree]) -> dict[str, _Tree]:
    """Return the trees by their folder; two versions of one source have them in its name."""
    trees = list(trees)
    names = [item.about.name for item in trees]
    return {
        name if names.count(name) == 1 else f"{name}-{item.about.version}": item
        for name, item in zip(names, trees, strict=True)
    }


def table(trees: Mapping[str, _Tree]) -> str:
    """Return the end of the README: a line for each folder."""
    lines = [f"{'FOLDER':<16} VERSION"]
    for folder, item in trees.items():
        note = " (packed)" if item.about.packed else ""
        lines.append(f"{folder:<16} {item.about.version}{note}")
    return "\n".join(lines) + "\n"


def _squash(workspace: Workspace, recipe: Recipe, root: Root, trees: Mapping[str, _Tree]) -> Layer:
    readme = f"{(BUILDER / README).read_text()}\n{table(trees)}".encode()
    content: dict[str, layering.Source] = {"README": readme}
    for name, item in trees.items():
        content |= {f"{name}/{path}": source for path, source in item.files.items()}
        content |= item.beside
    inputs = {
        "readme": readme.decode(),
        "trees": {
            name: [item.key, source_tree.contents(item.beside)] for name, item in trees.items()
        },
        "settings": vars(recipe.layers),
        "root": root.made,
        "code": _LAYER_CODE,
    }

    def make(folder: Path) -> None:
        members = layering.placed(content, {}, root.date)
        layering.write(root, recipe.layers, folder / f"{layout.SOURCES}.squashfs", members)

    made = workspace.step(layout.SOURCES, inputs, make)
    return Layer(layout.SOURCES, made.path / f"{layout.SOURCES}.squashfs", made)

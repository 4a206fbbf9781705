"""The disc of sources: the complete source of all that is on a disc, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from democd import debian_root, origins
from democd.artifacts import Missing, Own, Packed, Root, Sign, SourceDisc, Tarball
from democd.errors import Mistakes
from democd.host.progress import Reporter
from democd.identity import identify
from democd.origins import Origin
from democd.recipe import Recipe
from democd.stages import (
    master,
    own,
    own_sources,
    packed,
    source_iso,
    sources,
    xen_clone,
)
from democd.stages.master import Published
from democd.supply import Supply
from democd.workspace import Workspace, mended


@dataclass(frozen=True)
class Result:
    """What was made: the three files, the disc's version, and all that is on it."""

    files: Published
    version: str
    disc: SourceDisc


@mended
def build(
    recipe: Recipe,
    *,
    workspace: Workspace,
    output: Path,
    reporter: Reporter,
    supply: Supply = Supply(),  # noqa: B008 - it is frozen
    allow_missing: bool = False,
    sign: Sign | None = None,
) -> Result:
    """Build the disc of sources that belongs to a disc.

    Args:
        recipe: of that disc.
        workspace: kept results and scratch space; locked while this works.
        output: the folder that gets NAME-sources.iso, its checksum and its manifest.
        reporter: shows the steps.
        supply: where Debian's packages come from.
        allow_missing: make the disc without what cannot be had.
        sign: signs the sums on the disc and beside it.

    Raises:
        Mistakes: something on the disc has no source, or the archive not the version of it.
        BuildError: a step failed; what lay in `output` before is untouched.
    """
    identity = identify(recipe)
    output.mkdir(parents=True, exist_ok=True)
    with workspace.locked():
        brought = own.inspect(recipe, recipe.folder)
        _refuse_unnamed(recipe, brought)
        recipe = _clone_xen(recipe, workspace, reporter, supply)
        _refuse_unnamed(recipe, brought)
        system = debian_root.make(recipe, workspace, reporter, supply)
        trees = _pack_trees(recipe, identity.version, workspace, system, reporter)
        status = (system.parts / "var/lib/dpkg/status").read_text()
        wanted = origins.of_root(status)
        debian, missing = _fetch(
            recipe, workspace, system, wanted, trees, output, reporter, supply,
            allow_missing=allow_missing,
        )  # fmt: skip
        with reporter.step("plan", "all paths on the disc, and their digests"):
            disc = source_iso.plan(
                recipe=recipe,
                identity=identity,
                date=system.date,
                binaries=origins.binaries(status),
                packed=debian,
                trees=trees,
                missing=missing,
                sign=sign,
            )
        return Result(_write(recipe, disc, output, reporter, sign), identity.version, disc)


def _refuse_unnamed(recipe: Recipe, brought: Own) -> None:
    """Check that what the person brings is whole, and its source named, before any work."""
    mistakes = [*brought.mistakes, *own_sources.mistakes(recipe, brought)]
    if mistakes:
        raise Mistakes(mistakes)


def _clone_xen(recipe: Recipe, workspace: Workspace, reporter: Reporter, supply: Supply) -> Recipe:
    """Return the recipe with a folder where it names a git repository."""
    recipe = replace(recipe, sources=replace(recipe.sources, enabled=True))
    if not (where := xen_clone.address(recipe)):
        return recipe
    with reporter.step("clone", str(where)) as step:
        return xen_clone.build(workspace, recipe, step, offline=supply.offline)


def _pack_trees(
    recipe: Recipe, version: str, workspace: Workspace, system: Root, reporter: Reporter
) -> tuple[Tarball, ...]:
    with reporter.step("trees", "sources that are not Debian's") as step:
        made = own_sources.build(workspace, recipe, version, system.date, step)
        step.says(", ".join(tree.name for tree in made))
    return made


def _fetch(
    recipe: Recipe,
    workspace: Workspace,
    system: Root,
    wanted: Sequence[Origin],
    trees: Sequence[Tarball],
    output: Path,
    reporter: Reporter,
    supply: Supply,
    *,
    allow_missing: bool,
) -> tuple[tuple[Packed, ...], tuple[Missing, ...]]:
    """Return Debian's sources, and what is missing of them; checks all before it fetches any."""
    lines = sources.where(workspace, recipe, system, supply)
    with reporter.step(
        "lists", f"{len(wanted)} sources of {len(system.packages)} packages"
    ) as step:
        stock = packed.look(workspace, wanted, lines, step, supply)
        if not allow_missing:
            packed.refuse_absent(stock)
        size = source_iso.refuse_too_big(stock.sizes(), trees)
        download = sum(item.size() for item in stock.to_fetch.values())
        source_iso.refuse_full([(workspace.folder, download), (output, size)])
        step.says(f"{size / 1e6:.0f} MB, {download / 1e6:.0f} of them to fetch")
    with reporter.step("fetch", f"{len(stock.to_fetch)} sources") as step:
        debian, gone = packed.fetch(workspace, wanted, stock, step)
        step.says(f"{len(stock.to_fetch) - len(gone)} fetched, {len(stock.kept)} were kept")
        if not allow_missing:
            packed.refuse_unfetched(gone, len(wanted))
    return debian, (*stock.absent, *gone)


def _write(
    recipe: Recipe, disc: SourceDisc, output: Path, reporter: Reporter, sign: Sign | None
) -> Published:
    signed = (lambda text: sign(text, disc.date)) if sign else None
    name = f"{recipe.disc.name}-sources"
    with reporter.step("disc", f"{name}.iso") as step:
        made = master.publish_whole(
            output,
            name,
            lambda target: source_iso.master(disc, target, step.at),
            source_iso.manifest_text(disc),
            sign=signed,
        )
        step.says(f"{made.iso.stat().st_size / 1e6:.1f} MB")
    return made

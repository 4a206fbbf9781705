"""A disc from its recipe, step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from democd import debian_root, layout
from democd.artifacts import (
    BootImages,
    DiscPlan,
    Initrd,
    Kernels,
    Layer,
    Own,
    RamRoot,
    Root,
    Sign,
    Sources,
    Tools,
)
from democd.errors import Mistakes
from democd.host.progress import Reporter
from democd.identity import Identity, identify
from democd.recipe import Recipe
from democd.stages import (
    bootimg,
    disc,
    initrds,
    installer,
    kernels,
    layers,
    master,
    menus,
    own,
    own_layers,
    ramroot,
    sbom,
    sources,
    tools,
    xen_clone,
)
from democd.stages.master import Result
from democd.supply import Supply
from democd.workspace import Workspace, mended


@mended
def build(
    recipe: Recipe,
    *,
    workspace: Workspace,
    output: Path,
    reporter: Reporter,
    supply: Supply = Supply(),  # noqa: B008 - it is frozen
    sign: Sign | None = None,
) -> Result:
    """Build a disc.

    Args:
        recipe: what to build; `recipe.folder` is the project, with rootfs/, overlays/ and grub/.
        workspace: kept results and scratch space; locked while this works.
        output: the folder that gets NAME.iso, its .sha256, .manifest.json and .spdx.json.
        reporter: shows the steps.
        supply: where Debian's packages come from.
        sign: signs the sums on the disc and beside it.

    Raises:
        BuildError: a step failed; what lay in `output` before is untouched.
    """
    identity = identify(recipe)
    output.mkdir(parents=True, exist_ok=True)
    with workspace.locked():
        brought = _inspect_own(recipe, workspace, supply)
        with_tree = _clone_xen(recipe, workspace, reporter, supply)
        system = debian_root.make(recipe, workspace, reporter, supply)
        bootable = _pick_kernels(recipe, workspace, system, brought, reporter)
        source = _gather_sources(with_tree, identity, workspace, system, bootable, reporter, supply)
        texts, readme = _render_texts(recipe, identity, bootable, reporter)
        laid_out = tools.build(workspace, brought.tree) if brought.tree else None
        squashed, below = _make_layers(recipe, workspace, system, bootable, laid_out, reporter)
        memory = _gather_ram_root(recipe, system, laid_out, reporter)
        initial = _make_initrds(recipe, workspace, system, bootable, below, memory, reporter)
        boot = _make_boot_images(recipe, workspace, system, reporter)
        network = _make_net_parts(recipe, workspace, system, bootable, reporter)
        bill = _list_licences(
            recipe, identity, workspace, system, bootable, brought, squashed, reporter
        )
        with reporter.step("plan", "all paths on the disc, and their digests"):
            plan = disc.plan(
                recipe=recipe,
                version=identity.version,
                builder=identity.builder,
                root=system,
                kernels=bootable,
                layers=squashed,
                initrds=initial,
                menus=texts,
                boot=boot,
                readme=readme,
                installer=installer.build(recipe, recipe.folder),
                sbom=bill,
                sources=source,
                sign=sign,
                network=network,
            )
        return _write(recipe, identity, plan, source, output, reporter, sign)


def _inspect_own(recipe: Recipe, workspace: Workspace, supply: Supply) -> Own:
    """Return what the person brings; told wrong at once if it is long until the root is there.

    Where the root is kept, `kernels.pick` tells these mistakes together with its own.
    """
    brought = own.inspect(recipe, recipe.folder)
    if brought.mistakes and not debian_root.is_kept(recipe, workspace, supply):
        raise Mistakes(list(brought.mistakes))
    return brought


def _clone_xen(recipe: Recipe, workspace: Workspace, reporter: Reporter, supply: Supply) -> Recipe:
    """Return the recipe with a folder where it names a git repository; asked before long work."""
    if not recipe.sources.enabled or not (where := xen_clone.address(recipe)):
        return recipe
    with reporter.step("clone", str(where)) as step:
        return xen_clone.build(workspace, recipe, step, offline=supply.offline)


def _pick_kernels(
    recipe: Recipe, workspace: Workspace, system: Root, brought: Own, reporter: Reporter
) -> Kernels:
    with reporter.step("kernels", "hypervisor and kernels") as step:
        there = kernels.survey(workspace, system)
        picked = kernels.packed(workspace, kernels.pick(recipe, system, brought, there))
        step.says(
            f"Xen {picked.xen_version}, xen0 {picked.dom0.release}, xenU {picked.guest.release}"
        )
    return picked


def _gather_sources(
    recipe: Recipe,
    identity: Identity,
    workspace: Workspace,
    system: Root,
    bootable: Kernels,
    reporter: Reporter,
    supply: Supply,
) -> Sources:
    """Return the sources of what boots; early, for what does not go with them is a mistake."""
    if not recipe.sources.enabled:
        return disc.NO_SOURCES
    with reporter.step("sources", ", ".join(recipe.sources.packages)) as step:
        made = sources.build(workspace, recipe, identity.version, system, bootable, supply, step)
        step.says(f"{len(made.trees)} trees")
    return made


def _render_texts(
    recipe: Recipe, identity: Identity, bootable: Kernels, reporter: Reporter
) -> tuple[dict[str, str], str]:
    """Return the menus by path, and README.CD; before the long steps, for they find slips."""
    project, version, builder = recipe.folder, identity.version, identity.builder
    with reporter.step("menus", "menus and README.CD"):
        texts = menus.render(recipe, bootable, version, project / "grub")
        texts |= menus.netboot(recipe, bootable, version, project / "grub")
        return texts, menus.readme(recipe, bootable, version, builder, project / "docs")


def _make_layers(
    recipe: Recipe,
    workspace: Workspace,
    system: Root,
    bootable: Kernels,
    laid_out: Tools | None,
    reporter: Reporter,
) -> tuple[tuple[Layer, ...], dict[str, list[str]]]:
    """Return all layers, and the names of those that a kernel has below its roles' own."""
    if not recipe.roles:
        return (), {"xen0": [], "xenU": []}
    with reporter.step("layers", recipe.layers.compression) as step:
        made = layers.build(workspace, recipe, system, bootable, recipe.folder, step)
        brought = own_layers.build(workspace, recipe, system, bootable, laid_out)
        # A layer that both kernels have lies on the disc once.
        every = tuple(dict.fromkeys([*made, *brought["xen0"], *brought["xenU"]]))
        step.says(", ".join(f"{layer.name} {_mb(layer.path)}" for layer in every))
    return every, {name: [layer.name for layer in its] for name, its in brought.items()}


def _gather_ram_root(
    recipe: Recipe, system: Root, laid_out: Tools | None, reporter: Reporter
) -> RamRoot:
    if not recipe.ramroot.programs:
        return initrds.NO_RAM_ROOT
    trees = [system.parts, *([laid_out.root] if laid_out else [])]
    with reporter.step("ramroot", "dom0's root in memory") as step:
        made = ramroot.build(recipe, trees, recipe.folder)
        step.says(f"{len(made.files)} files")
    return made


def _make_initrds(
    recipe: Recipe,
    workspace: Workspace,
    system: Root,
    bootable: Kernels,
    below: Mapping[str, Sequence[str]],
    memory: RamRoot,
    reporter: Reporter,
) -> tuple[Initrd, ...]:
    def make(name: initrds.Name, ram: RamRoot) -> Initrd:
        project = recipe.folder
        return initrds.build(workspace, recipe, system, bootable, project, name, ram, below[name])

    with reporter.step("initrds", "init and modules") as step:
        made = (make("xen0", memory), make("xenU", initrds.NO_RAM_ROOT))
        step.says(", ".join(f"{initrd.name} {_mb(initrd.path)}" for initrd in made))
    return made


def _make_boot_images(
    recipe: Recipe, workspace: Workspace, system: Root, reporter: Reporter
) -> BootImages:
    with reporter.step("grub", "boot images for BIOS and UEFI"):
        return bootimg.build(workspace, system, recipe.disc.volume_id, recipe.console)


def _make_net_parts(
    recipe: Recipe, workspace: Workspace, system: Root, bootable: Kernels, reporter: Reporter
) -> dict[str, Path]:
    """Return what `build.py netboot` needs beside the disc's other files, by path on the disc."""
    with reporter.step("netboot", "images and initrd for a network boot") as step:
        packed = initrds.build_net(workspace, recipe, system, bootable, recipe.folder)
        step.says(f"initrd {_mb(packed)}")
        return {**bootimg.build_net(workspace, system), layout.NET_INITRD: packed}


def _list_licences(
    recipe: Recipe,
    identity: Identity,
    workspace: Workspace,
    system: Root,
    bootable: Kernels,
    brought: Own,
    squashed: Sequence[Layer],
    reporter: Reporter,
) -> bytes:
    with reporter.step("sbom", "packages with licences and sources"):
        return sbom.build(workspace, recipe, identity.version, system, bootable, brought, squashed)


def _write(
    recipe: Recipe,
    identity: Identity,
    plan: DiscPlan,
    source: Sources,
    output: Path,
    reporter: Reporter,
    sign: Sign | None,
) -> Result:
    with reporter.step("disc", f"{recipe.disc.name}.iso") as step:
        made = master.publish(plan, output, recipe.disc.name, step.at, sign)
        step.says(_mb(made.iso))
    return Result(made, identity.version, plan, source)


def _mb(path: Path) -> str:
    size = path.stat().st_size
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.0f} kB"

"""A disc of GRUB, Xen and one test kernel in dom0's place: XTF's way of testing Xen itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from democd import __version__, debian_root, layout, manifest
from democd.artifacts import DiscPlan, Root
from democd.errors import InputError, Mistakes
from democd.formats import elf, linux
from democd.formats.compress import compression, unpack
from democd.host.progress import Reporter
from democd.identity import identify, volume_of
from democd.recipe import Menu, Recipe
from democd.stages import bootimg, disc, kernels, master, menus, own
from democd.supply import Supply
from democd.workspace import Workspace, mended

ENTRY = "test-kernel"
VOLUME = "XENTEST"
ENTRY_NOTES = (linux.ENTRY, linux.PHYS32_ENTRY)
HINT = "name an image such as XTF's tests/example/test-pv64-example"


@dataclass(frozen=True)
class KernelDisc:
    """The disc of a test kernel."""

    kernel: Path
    iso: Path


def mistakes_in(paths: Sequence[Path]) -> list[tuple[str, str]]:
    """Return what is wrong with test kernels, each with its remedy: Xen could not start them."""
    found = []
    for path in paths:
        try:
            data = path.read_bytes()
            file = elf.read(unpack(data) if compression(data) else data)
        except OSError as error:
            found.append((f"--dom0-module: cannot read {path}: {error.strerror}", "name a file"))
            continue
        except InputError as error:
            found.append((f"--dom0-module: {path}: {error.message}", HINT))
            continue
        notes = {note.type for note in file.notes if note.owner == "Xen"}
        if not notes.intersection(ENTRY_NOTES):
            why = "it has no Xen note ENTRY or PHYS32_ENTRY: Xen finds no entry point"
            found.append((f"--dom0-module: {path}: {why}", HINT))
    return found


@mended
def build(
    recipe: Recipe,
    paths: Sequence[Path],
    *,
    workspace: Workspace,
    output: Path,
    reporter: Reporter,
    supply: Supply = Supply(),  # noqa: B008 - it is frozen
) -> list[KernelDisc]:
    """Build a disc for each test kernel.

    Args:
        recipe: names Xen, and its consoles and options.
        paths: the kernels.
        workspace: kept results; locked while this works.
        output: the folder that gets the ISOs.
        reporter: shows the steps.
        supply: where Debian's packages come from.

    Raises:
        Mistakes: a kernel is unfit.
        BuildError: a step failed.
    """
    if wrong := mistakes_in(paths):
        raise Mistakes(wrong)
    recipe = replace(
        recipe,
        disc=replace(recipe.disc, volume_id=VOLUME, name=VOLUME.lower()),
        menu=Menu(timeout=1, default=ENTRY, entries=(ENTRY,), more=()),
    )
    output.mkdir(parents=True, exist_ok=True)
    with workspace.locked():
        system = debian_root.make(recipe, workspace, reporter, supply)
        made = []
        for number, path in enumerate(paths, 1):
            iso = output / f"{number}-{path.stem}.iso"
            with reporter.step("disc", f"Xen and {path.name}") as step:
                master.master(_plan(recipe, path, workspace, system), iso, step.at)
            made.append(KernelDisc(path, iso))
    return made


def _plan(recipe: Recipe, kernel: Path, workspace: Workspace, system: Root) -> DiscPlan:
    identity = identify(recipe)
    brought = own.inspect(recipe, recipe.folder)
    there = kernels.survey(workspace, system)
    picked = kernels.packed(workspace, kernels.pick(recipe, system, brought, there))
    texts = menus.render(recipe, picked, identity.version, recipe.folder / "grub")
    boot = bootimg.build(workspace, system, VOLUME, recipe.console)
    about = {
        "format": manifest.FORMAT,
        "volume_id": VOLUME,
        "title": f"Test kernel {kernel.name}",
        "made_with": f"democd {__version__}",
        "date": system.date,
        "xen": picked.xen_version,
    }
    sources: dict[str, Path | bytes] = {
        layout.XEN: picked.xen,
        layout.TEST_KERNEL: kernel,
        layout.BIOS_IMAGE: boot.bios,
        layout.ESP_IMAGE: boot.esp,
        layout.EFI_LOADER: boot.efi,
        **{path: text.encode() for path, text in texts.items()},
    }
    volume = volume_of(recipe, identity.version, identity.builder, system.date)
    return disc.arrange(volume, sources, about, recipe.disc.media, system.packages, boot.mbr)

"""Inspects what the person brings to boot - hypervisor, kernels, modules - before any work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from democd import drivers, install_tree
from democd.artifacts import Own
from democd.errors import BuildError, InputError
from democd.fitness import XEN_HINT, Mistake, misfits, series
from democd.formats import elf, linux, modules, xen
from democd.formats.compress import compression, unpack
from democd.formats.linux import LinuxKernel
from democd.formats.xen import Hypervisor
from democd.install_tree import InstallTree
from democd.recipe import Recipe

Content = TypeVar("Content", Hypervisor, LinuxKernel)

INDEXES = ("modules.dep", "modules.builtin", "modules.order")
"""What tells a folder lib/modules/RELEASE from others: depmod or the kernel's build made one."""


def inspect(recipe: Recipe, project: Path) -> Own:
    """Return what the recipe names in [kernels], each proved by what is in its file.

    Nothing is raised: what is wrong stands in `mistakes`, for what the root has may add to it.

    Args:
        recipe: its paths start at `recipe.folder`.
        project: the folder with rootfs/, whose module lists the kernels must satisfy.
    """
    given, mistakes = recipe.kernels, list[Mistake]()
    hypervisor = _read(recipe, "xen", xen.read, mistakes)
    tree = None
    if given.install_tree:
        folder = recipe.folder / given.install_tree
        tree = install_tree.inspect(folder, mistakes, need_xen=not given.xen)
        if tree and given.xen:
            mistakes += _strangers(hypervisor, tree)
        elif tree:
            hypervisor = tree.xen
    dom0 = _read(recipe, "dom0", linux.read, mistakes)
    guest = _read(recipe, "guest", linux.read, mistakes)
    mistakes += misfits(recipe.xen.options, hypervisor, dom0, guest)
    dom0_modules = _modules(recipe, project, "dom0", dom0, recipe.initrd.xen0, mistakes)
    guest_modules = _modules(recipe, project, "guest", guest, recipe.initrd.xenU, mistakes)
    return Own(hypervisor, dom0, guest, dom0_modules, guest_modules, tree, tuple(mistakes))


def _modules(
    recipe: Recipe,
    project: Path,
    name: str,
    kernel: tuple[Path, LinuxKernel] | None,
    lists: Sequence[str],
    mistakes: list[Mistake],
) -> Path | None:
    """Return the folder with the modules of a kernel, if the recipe names one, and judge them."""
    named = getattr(recipe.kernels, f"{name}_modules")
    if kernel is None or not named:
        return None
    release = kernel[1].release
    found = modules_of(recipe.folder / named, release)
    if not isinstance(found, Path):
        mistakes.append((f"[kernels] {name}_modules: {found[0]}", found[1]))
        return None
    wanted = drivers.read_lists(project / "rootfs/modules", lists)
    mistakes += module_faults(found, release, wanted)
    return found


def _strangers(hypervisor: tuple[Path, Hypervisor] | None, tree: InstallTree) -> list[Mistake]:
    """Return why a hypervisor does not go with a tree's tools, if so."""
    if hypervisor is None or series(hypervisor[1].version) in ("", tree.series) or not tree.series:
        return []
    path, found = hypervisor
    return [
        (
            f"{path}: this is Xen {found.version}, but the tools in {tree.folder} are of "
            f"{tree.series}: neither understands the other",
            "take hypervisor and tools of one source: leave out --xen, or make dist anew",
        )
    ]


def _read(
    recipe: Recipe, key: str, reader: Callable[[bytes], Content], mistakes: list[Mistake]
) -> tuple[Path, Content] | None:
    name = getattr(recipe.kernels, key)
    if not name:
        return None
    path = recipe.folder / name
    try:
        return path, reader(path.read_bytes())
    except OSError as error:
        mistakes.append((f"[kernels] {key}: cannot read {path}: {error.strerror}", ""))
    except InputError as error:
        hint = XEN_HINT if key == "xen" else "name a bzImage (vmlinuz)"
        mistakes.append((f"[kernels] {key}: {path}: {error.message}", hint))
    return None


def modules_of(given: Path, release: str) -> Path | Mistake:
    """Return the folder of a kernel's modules, or why there is none.

    Args:
        given: lib/modules/RELEASE itself, or a tree with it, as modules_install leaves it.
        release: of the kernel.
    """
    tops = [given / "lib/modules", given / "usr/lib/modules", given]
    for folder in [*(top / release for top in tops), given]:
        if any((folder / index).is_file() for index in INDEXES):
            if folder.resolve().parent.name == "modules" and folder.resolve().name != release:
                break  # of another kernel, to judge by its name
            return folder
    remedy = "name what `make modules_install INSTALL_MOD_PATH=DIR` left in DIR"
    there = sorted(
        {path.parent.name for top in [*tops, given.parent] for path in top.glob("*/modules.order")}
    )
    if there:
        return f"{given} has modules of {', '.join(there)}, but the kernel is {release}", remedy
    return f"{given} has no lib/modules/{release}", remedy


def module_faults(folder: Path, release: str, lists: dict[str, list[str]]) -> list[Mistake]:
    """Return what is wrong with a kernel's modules: not its own, not indexed, not all there.

    Args:
        folder: lib/modules/RELEASE.
        release: of the kernel.
        lists: what the initrd must have, by list.
    """
    files = drivers.module_files(folder)
    faults = stranger(files[0], release) if files else []
    if files and not (folder / "modules.dep").is_file():
        faults.append((f"{folder} has no modules.dep", _depmod(folder, release)))
        return faults
    try:
        index = drivers.read_index(folder, release)
    except BuildError as error:
        return [*faults, (error.message, error.hint)]
    for name, words in lists.items():
        missing = modules.unknown(index, drivers.needed(words))
        if missing:
            what = "" if files else " built in, and there is no module beside it"
            faults.append(
                (
                    f"Linux {release} lacks what rootfs/modules/{name} names{what}: "
                    + ", ".join(missing),
                    "build them into the kernel or as modules; or name lists without them in the "
                    "recipe's [initrd], --set initrd.xen0=disc",
                )
            )
    return faults


def stranger(path: Path, release: str) -> list[Mistake]:
    """Return why a module cannot be of a kernel, if so: its vermagic and machine tell."""
    try:
        data = path.read_bytes()
        data = unpack(data) if compression(data) else data
        machine = elf.read(data).machine
    except (OSError, InputError) as error:
        return [(f"{path}: cannot be read: {error}", "install the modules again")]
    if machine != "EM_X86_64":
        return [(f"{path} is for another machine: {machine}", "build for ARCH=x86_64")]
    start = data.find(b"vermagic=")
    magic = data[start + 9 : start + 200].split(b"\0")[0].decode("latin-1") if start >= 0 else ""
    made_for = magic.split(" ")[0]
    if made_for and made_for != release:
        return [
            (
                f"{path} is of Linux {made_for}, but the kernel is {release}",
                "install the modules that were built with this kernel",
            )
        ]
    return []


def _depmod(folder: Path, release: str) -> str:
    parts = folder.resolve().parts
    if parts[-3:] == ("lib", "modules", release):
        return f"make the index: depmod -b {Path(*parts[:-3])} {release}"
    return f"put it at DIR/lib/modules/{release} and make the index: depmod -b DIR {release}"

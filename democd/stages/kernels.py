"""Picks what boots - hypervisor, dom0's kernel, the guests' kernel - by what is in the files."""

from __future__ import annotations

import json
import re
import sys
import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path

from democd import install_tree
from democd.artifacts import Kernel, Kernels, Own, Package, Root
from democd.errors import InputError, Mistakes
from democd.fitness import DOM0_HINT, Mistake, guest_faults, misfits, series, xen_faults
from democd.formats import elf, linux, xen, xen_options
from democd.formats.compress import compression, unpack
from democd.formats.linux import LinuxKernel
from democd.formats.versions import age_key, version_key
from democd.formats.xen import Hypervisor
from democd.recipe import Recipe
from democd.workspace import Workspace

TOOLS = re.compile(r"xen-utils-(\d+\.\d+)")
"""Debian's package with the tools for one series of Xen."""

FORMAT = 1
"""Counts up when `packed` makes another file of the same hypervisor."""

CODE = [
    Path(str(module.__file__)) for module in (sys.modules[__name__], linux, xen, xen_options, elf)
]
"""What reads the kernels that a root has."""

NO_MODULES = -(1 << 30)  # fewer than few: such a kernel is of no use


@dataclass(frozen=True)
class Survey:
    """What a root has to boot, by file.

    Attributes:
        modules: how many modules each kernel has.
        mistakes: why others could not be read.
    """

    hypervisors: dict[Path, Hypervisor] = field(default_factory=dict)
    kernels: dict[Path, LinuxKernel] = field(default_factory=dict)
    modules: dict[Path, int] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)


def survey(workspace: Workspace, root: Root) -> Survey:
    """Return what the root has to boot; to unpack its kernels takes a while, so that is kept."""
    boot = root.parts / "boot"

    def make(folder: Path) -> None:
        found = look_around(root.parts)
        kept = {
            "hypervisors": {path.name: asdict(item) for path, item in found.hypervisors.items()},
            "kernels": {path.name: asdict(item) for path, item in found.kernels.items()},
            "modules": {path.name: count for path, count in found.modules.items()},
            "mistakes": found.mistakes,
        }
        (folder / "survey.json").write_text(json.dumps(kept, default=sorted))

    made = workspace.step("survey", {"root": root.made, "code": CODE}, make)
    kept = json.loads((made.path / "survey.json").read_text())
    return Survey(
        {boot / name: xen.remembered(item) for name, item in kept["hypervisors"].items()},
        {boot / name: linux.remembered(item) for name, item in kept["kernels"].items()},
        {boot / name: count for name, count in kept["modules"].items()},
        [(what, hint) for what, hint in kept["mistakes"]],
    )


def pick(recipe: Recipe, root: Root, own: Own, found: Survey | None = None) -> Kernels:
    """Return what boots: what the person brings, else the best of the root.

    The newest wins. Guests get a kernel without the dom0 bit where there is one. Where all have it
    (Debian 12's cloud kernel does), of several flavours of one age the one with the most modules
    is dom0's, and the one with the fewest the guests'.

    Args:
        recipe: tells how Xen is told to make dom0.
        root: with the kernels in `boot/` and their modules in `usr/lib/modules/`.
        own: what the person brings, already inspected.
        found: what the root has, where that is known.

    Raises:
        Mistakes: all that is wrong, `own.mistakes` first: none found, unfit for its place, no
            modules, damaged, a hypervisor that the tools on the disc do not go with.
    """
    mistakes = list(own.mistakes)
    # Which keys are set, not what was read: a file that is no kernel is a mistake, not a gap.
    given = recipe.kernels
    named_xen = given.xen or given.install_tree
    if named_xen and given.dom0 and given.guest:
        found = Survey()
    found = found or look_around(root.parts)
    mistakes += found.mistakes
    hypervisor = own.xen if named_xen else best_xen(found, mistakes)
    dom0 = own.dom0 if given.dom0 else best_dom0(found, mistakes)
    guest = own.guest if given.guest else best_guest(found)
    if guest is None and not given.guest:
        guest = dom0
    mistakes += misfits(recipe.xen.options, hypervisor, dom0, guest)
    mistakes += tools_faults(own, root.packages)
    if own.tree:
        mistakes += install_tree.faults_in(own.tree, root.parts)
    modules = {"dom0": own.dom0_modules, "guest": own.guest_modules}
    if guest is dom0:
        modules["guest"] = own.dom0_modules
    kernels = [
        _with_modules(kernel, modules[name], root, name, mistakes)
        for name, kernel in (("dom0", dom0), ("guest", guest))
        if kernel
    ]
    if mistakes or hypervisor is None or len(kernels) < 2:
        raise Mistakes(list(dict.fromkeys(mistakes)))
    path, content = hypervisor
    return Kernels(path, content.version, content.options, kernels[0], kernels[1])


def packed(workspace: Workspace, kernels: Kernels) -> Kernels:
    """Return the kernels with a hypervisor that is what its name on the disc says: gzipped.

    GRUB would load a bare `xen` as well; but /boot/xen.gz is copied and unpacked by people.
    """
    with kernels.xen.open("rb") as stream:
        if compression(stream.read(16)) == "gzip":
            return kernels

    def make(folder: Path) -> None:
        data = kernels.xen.read_bytes()
        data = unpack(data) if compression(data) else data
        # No name and no time in it. Not by Python's gzip, whose header changes with its version.
        (folder / "xen.gz").write_bytes(zlib.compress(data, 9, wbits=zlib.MAX_WBITS | 16))

    made = workspace.step("xen", {"file": kernels.xen, "format": FORMAT}, make)
    return replace(kernels, xen=made.path / "xen.gz")


def tools_faults(own: Own, packages: Iterable[Package]) -> list[Mistake]:
    """Return why the person's hypervisor does not go with the tools on the disc, if so."""
    if own.xen is None or own.tree or not (wanted := series(own.xen[1].version)):
        return []
    found = [TOOLS.fullmatch(package.name) for package in packages]
    there = sorted({match[1] for match in found if match}, key=version_key)
    if not there or wanted in there:
        return []
    return [
        (
            f"{own.xen[0]}: this is Xen {own.xen[1].version}, but the tools on the disc are of "
            f"{' and '.join(there)} (Debian's xen-utils): neither understands the other",
            f"add the tools that were built with it, --install-tree dist/install (`make dist`), "
            f"or take a Xen of {there[-1]}",
        )
    ]


def look_around(parts: Path) -> Survey:
    """Return the hypervisors and kernels in a root's boot/; the files' names count for nothing."""
    survey = Survey()
    folder = parts / "boot"
    seen = set()
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        # A link to a file in there is that file; one that leads away is the host's, not the root's.
        real = path.resolve()
        if real in seen or not real.is_file() or folder.resolve() not in real.parents:
            continue
        seen.add(real)
        with path.open("rb") as stream:
            head = stream.read(0x210)
        try:
            if linux.is_bzimage(head):
                survey.kernels[path] = kernel = linux.read(path.read_bytes())
                survey.modules[path] = _count_modules(parts, kernel.release)
            elif compression(head) == "gzip" or elf.is_elf(head):
                content = path.read_bytes()
                content = unpack(content) if compression(content) else content
                if elf.is_elf(content) and xen.is_xen(content):
                    survey.hypervisors[path] = xen.read(content)
        except InputError as error:
            survey.mistakes.append((f"{path}: {error.message}", "make the root anew: --refresh"))
    return survey


def best_xen(survey: Survey, mistakes: list[Mistake]) -> tuple[Path, Hypervisor] | None:
    """Return the newest hypervisor; none is a mistake."""
    fit = {path: found for path, found in survey.hypervisors.items() if not xen_faults(found)}
    choice = fit or survey.hypervisors
    if not choice:
        mistakes.append(
            ("the root has no Xen in /boot", "add xen-hypervisor-4.20-amd64 to root.extra")
        )
        return None
    return max(choice.items(), key=lambda item: (version_key(item[1].version), item[0]))


def _count_modules(parts: Path, release: str) -> int:
    listed = parts / "usr/lib/modules" / release / "modules.dep"
    return len(listed.read_bytes().splitlines()) if listed.is_file() else 0


def best_dom0(survey: Survey, mistakes: list[Mistake]) -> tuple[Path, LinuxKernel] | None:
    """Return the newest kernel that can be domain 0; none is a mistake, with why each cannot."""
    fit = [(path, kernel) for path, kernel in survey.kernels.items() if kernel.xen.dom0]
    if not fit:
        whys = "; ".join(f"{path.name}: {found.xen.why}" for path, found in survey.kernels.items())
        whys = whys or "there is no kernel in /boot"
        mistakes.append((f"no kernel in the root can be dom0 ({whys})", DOM0_HINT))
        return None
    return max(fit, key=lambda item: (age_key(item[1].release), survey.modules[item[0]], item[0]))


def best_guest(survey: Survey) -> tuple[Path, LinuxKernel] | None:
    """Return the newest kernel for guests only, else the one with the fewest modules."""
    fit = [(path, kernel) for path, kernel in survey.kernels.items() if not guest_faults(kernel)]
    fit = [item for item in fit if not item[1].xen.dom0] or fit
    order = partial(_guest_order, survey)
    return max(fit, key=order, default=None)


def _guest_order(survey: Survey, item: tuple[Path, LinuxKernel]) -> tuple[object, ...]:
    path, kernel = item
    return (age_key(kernel.release), -survey.modules[path] or NO_MODULES, path)


def _with_modules(
    found: tuple[Path, LinuxKernel],
    own: Path | None,
    root: Root,
    name: str,
    mistakes: list[Mistake],
) -> Kernel:
    """Return a kernel with the folder of its modules: `own`, else the root's."""
    path, kernel = found
    modules = own or root.parts / "usr/lib/modules" / kernel.release
    if not modules.is_dir():
        mistakes.append(
            (
                f"{path}: the root has no modules for it: /usr/lib/modules/{kernel.release}",
                f"name them, --{name}-modules DIR: what `make modules_install "
                "INSTALL_MOD_PATH=DIR` leaves, or modules.builtin of a kernel with all built in",
            )
        )
    return Kernel(path, kernel.release, modules)

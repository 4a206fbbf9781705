"""Picks what boots - hypervisor, dom0's kernel, the guests' kernel - by what is in the files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from democd.artifacts import Kernel, Kernels, Root
from democd.errors import InputError, Mistakes
from democd.formats import elf, linux, xen
from democd.formats.compress import compression, unpack
from democd.formats.linux import LinuxKernel
from democd.formats.versions import age_key, version_key
from democd.formats.xen import Hypervisor
from democd.recipe import Recipe

Mistake = tuple[str, str]
Content = TypeVar("Content", Hypervisor, LinuxKernel)

DOM0_HINT = "take one built with CONFIG_XEN_DOM0, such as Debian's linux-image-amd64"
GUEST_HINT = "take one built with CONFIG_XEN_PV, such as Debian's linux-image-cloud-amd64"
NO_MODULES = -(1 << 30)  # fewer than few: such a kernel is of no use
XEN_HINT = "take xen.gz, such as /boot/xen-*.gz of Debian's xen-hypervisor package"


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


def pick(recipe: Recipe, root: Root) -> Kernels:
    """Return what boots: the recipe's files where it names them, else the best of the root.

    The newest wins. Guests get a kernel without the dom0 bit where there is one. Where all have it
    (Debian 12's cloud kernel does), of several flavours of one age the one with the most modules
    is dom0's, and the one with the fewest the guests'.

    Args:
        recipe: its paths in [kernels] start at `recipe.folder`.
        root: with the kernels in `boot/` and their modules in `usr/lib/modules/`.

    Raises:
        Mistakes: all that is wrong: none found, unfit for its place, no modules, damaged.
    """
    mistakes: list[Mistake] = []
    given = recipe.kernels
    all_given = given.xen and given.dom0 and given.guest
    survey = Survey() if all_given else look_around(root.parts)
    mistakes += survey.mistakes
    hypervisor, dom0, guest = (
        _read(recipe.folder / given.xen, "[kernels] xen", xen.read, mistakes) if given.xen
        else best_xen(survey, mistakes),
        _read(recipe.folder / given.dom0, "[kernels] dom0", linux.read, mistakes) if given.dom0
        else best_dom0(survey, mistakes),
        _read(recipe.folder / given.guest, "[kernels] guest", linux.read, mistakes) if given.guest
        else best_guest(survey),
    )  # fmt: skip
    if guest is None and not given.guest:
        guest = dom0
    pvh = _dom0_is_pvh(recipe.xen.options)
    if hypervisor:
        mistakes += [(f"{hypervisor[0]}: {why}", XEN_HINT) for why in xen_faults(hypervisor[1])]
    if dom0:
        mistakes += [(f"{dom0[0]}: {why}", hint) for why, hint in dom0_faults(dom0[1], pvh=pvh)]
    if guest and guest != dom0:
        mistakes += [(f"{guest[0]}: {why}", hint) for why, hint in guest_faults(guest[1])]
    kernels = [_with_modules(found, root, mistakes) for found in (dom0, guest) if found]
    if mistakes or hypervisor is None or len(kernels) < 2:
        raise Mistakes(list(dict.fromkeys(mistakes)))
    path, content = hypervisor
    return Kernels(path, content.version, content.options, kernels[0], kernels[1])


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


def xen_faults(hypervisor: Hypervisor) -> list[str]:
    """Return why GRUB could not start this hypervisor from the disc."""
    if hypervisor.form == "EFI":
        return ["it is xen.efi, which the menu cannot start"]
    if hypervisor.bits != 32:
        return ["it is xen-syms, which is for debuggers"]
    if hypervisor.multiboot2 is None:
        return ["it has no multiboot2 header (Xen has had one since 4.9)"]
    return []


def dom0_faults(kernel: LinuxKernel, *, pvh: bool) -> list[Mistake]:
    """Return why a kernel could not be dom0's; `pvh` tells that Xen is told to make dom0 PVH."""
    if not kernel.xen.dom0:
        return [(f"this kernel cannot be dom0: {kernel.xen.why}", DOM0_HINT)]
    if pvh and not kernel.xen.pvh:
        return [("this kernel has no entry point for PVH", "leave out dom0=pvh in xen.options")]
    if not pvh and not kernel.xen.pv:
        return [
            (
                "this kernel has no entry point for PV, and Xen makes dom0 a PV domain",
                'write options = ["dom0=pvh"] in [xen], or take one built with CONFIG_XEN_PV',
            )
        ]
    return _form_faults(kernel)


def guest_faults(kernel: LinuxKernel) -> list[Mistake]:
    """Return why a kernel could not be a guest's."""
    if not kernel.xen.pv and not kernel.xen.pvh:
        why = "it has no entry point for PV or PVH" if kernel.xen.guest_os else kernel.xen.why
        return [(f"this kernel cannot be a guest: {why}", GUEST_HINT)]
    return _form_faults(kernel)


def _form_faults(kernel: LinuxKernel) -> list[Mistake]:
    if kernel.form != "bzImage":
        return [(f"this is a {kernel.form}", "take the bzImage: arch/x86/boot/bzImage, vmlinuz")]
    return []


def _dom0_is_pvh(options: tuple[str, ...]) -> bool:
    """Tell whether Xen's options make dom0 PVH: the last of pv and pvh in `dom0=` counts."""
    values = [option[5:].split(",") for option in options if option.startswith("dom0=")]
    words = [word for value in values for word in value if word in ("pv", "pvh")]
    return words[-1:] == ["pvh"]


def _read(
    path: Path, key: str, reader: Callable[[bytes], Content], mistakes: list[Mistake]
) -> tuple[Path, Content] | None:
    try:
        return path, reader(path.read_bytes())
    except OSError as error:
        mistakes.append((f"{key}: cannot read {path}: {error.strerror}", ""))
    except InputError as error:
        hint = XEN_HINT if reader is xen.read else "name a bzImage (vmlinuz)"
        mistakes.append((f"{key}: {path}: {error.message}", hint))
    return None


def _with_modules(found: tuple[Path, LinuxKernel], root: Root, mistakes: list[Mistake]) -> Kernel:
    path, kernel = found
    modules = root.parts / "usr/lib/modules" / kernel.release
    if not modules.is_dir():
        mistakes.append(
            (
                f"{path}: the root has no modules for it: /usr/lib/modules/{kernel.release}",
                "add the package with its modules to root.extra, or take a kernel of the root",
            )
        )
    return Kernel(path, kernel.release, modules)

"""What a hypervisor or a kernel must be to boot from the disc, and why one is not."""

from __future__ import annotations

import re
from pathlib import Path

from democd.formats.linux import LinuxKernel
from democd.formats.xen import Hypervisor

Mistake = tuple[str, str]
"""What is wrong, and what to do about it."""

DOM0_HINT = "take one built with CONFIG_XEN_DOM0, such as Debian's linux-image-amd64"
GUEST_HINT = "take one built with CONFIG_XEN_PV, such as Debian's linux-image-cloud-amd64"
XEN_HINT = (
    "take xen.gz: xen/xen.gz where Xen was built, boot/xen-*.gz in its dist/install, "
    "/boot/xen-*.gz of Debian's xen-hypervisor package"
)


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


def misfits(
    xen_options: tuple[str, ...],
    hypervisor: tuple[Path, Hypervisor] | None,
    dom0: tuple[Path, LinuxKernel] | None,
    guest: tuple[Path, LinuxKernel] | None,
) -> list[Mistake]:
    """Return why files cannot boot together; what is None is left out."""
    found: list[Mistake] = []
    if hypervisor:
        found += [(f"{hypervisor[0]}: {why}", XEN_HINT) for why in xen_faults(hypervisor[1])]
    if dom0:
        pvh = dom0_is_pvh(xen_options)
        found += [(f"{dom0[0]}: {why}", hint) for why, hint in dom0_faults(dom0[1], pvh=pvh)]
    if guest and guest != dom0:
        found += [(f"{guest[0]}: {why}", hint) for why, hint in guest_faults(guest[1])]
    return found


def _form_faults(kernel: LinuxKernel) -> list[Mistake]:
    if kernel.form != "bzImage":
        return [(f"this is a {kernel.form}", "take the bzImage: arch/x86/boot/bzImage, vmlinuz")]
    if kernel.bits != 64:
        return [("this kernel is a 32-bit one", "take a 64-bit one: the disc's programs are")]
    return []


def dom0_is_pvh(options: tuple[str, ...]) -> bool:
    """Tell whether Xen's options make dom0 PVH: the last of pv and pvh in `dom0=` counts."""
    values = [option[5:].split(",") for option in options if option.startswith("dom0=")]
    words = [word for value in values for word in value if word in ("pv", "pvh")]
    return words[-1:] == ["pvh"]


def series(version: str) -> str:
    """Return the release series of a version of Xen, `4.20` of 4.20.5-pre, or "".

    Hypervisor and tools must be of one series: the calls between them (libxc) have no stable form.
    """
    match = re.match(r"\d+\.\d+", version)
    return match[0] if match else ""

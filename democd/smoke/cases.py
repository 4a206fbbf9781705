"""The smoke cases and the machines they run on: the one table of `build.py smoke`.

Cases of one machine share its boot, in the order in which they stand here. Guests are started by
their files for xl, which every disc has or is given (`dom0.py`): guest1.cfg and guest2.cfg, micro
guests with the addresses 169.254.1.1 and 169.254.1.2, and pvh1.cfg.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from democd.smoke.menu import XEN_LINE, Edit
from democd.smoke.steps import Leave, Need, Run, Said, Step, Type

OOPS = r"^.*(Oops: |kernel BUG at |BUG: unable to handle|general protection fault|Xen BUG at )"
"""What neither Xen nor dom0 may say, even where it lives on."""

GUEST_PROMPT = r"[~/] ?# "
"""Of busybox's shell in a micro guest, in its root or at home."""

CONF = "/etc/xen/guests/"
GUEST_UP = "until ping -c 1 -W 2 169.254.1.2 >/dev/null; do sleep 1; done; ping -c 3 169.254.1.2\r"


@dataclass(frozen=True)
class Hardware:
    """A machine that cases run on.

    Attributes:
        attachment: of the disc, a name that `host.qemu` knows.
        cpus: virtual processors.
        xen: words added to Xen's line in the menu.
        unable: what Xen says where this machine cannot do what its cases need, and what that is.
    """

    name: str
    firmware: Literal["bios", "uefi"] = "bios"
    chipset: Literal["pc", "q35"] = "pc"
    attachment: str = "cdrom"
    cpus: int = 1
    xen: str = ""
    unable: tuple[tuple[str, str], ...] = ()

    def edits(self) -> tuple[Edit, ...]:
        """Return what is typed into the menu's entry before it is booted."""
        return (Edit(XEN_LINE, append=self.xen),) if self.xen else ()


@dataclass(frozen=True)
class Case:
    """A case.

    Attributes:
        what: the same in a few words.
        machine: the name of a `Hardware`.
        steps: in their order; the first that fails ends the case.
        quick: it is one of those that run unless cases are named.
    """

    name: str
    what: str
    machine: str
    steps: tuple[Step, ...]
    quick: bool = False

    def has_guests(self) -> bool:
        """Tell whether it starts guests by the files for them."""
        return any(CONF in repr(step) for step in self.steps)


MACHINES = {
    machine.name: machine
    for machine in (
        Hardware("bios-cd"),
        Hardware("uefi-cd", firmware="uefi", chipset="q35", cpus=2),
        Hardware("uefi-usb", firmware="uefi", attachment="usb"),
        Hardware("bios-usb", attachment="usb"),
        Hardware("bios-virtio", attachment="virtio"),
        Hardware("uefi-nvme", firmware="uefi", chipset="q35", attachment="nvme"),
        Hardware(
            "bios-pvh",
            xen="dom0=pvh",
            unable=(
                (
                    r"Hardware Assisted Paging \(HAP\) not detected",
                    "a PVH dom0 needs a processor with nested paging (hap)",
                ),
                (
                    r"iommu must be enabled for PVH hardware domain",
                    "a PVH dom0 needs an IOMMU",
                ),
                (
                    r"HVM support not available|VMX disabled|SVM disabled",
                    "a PVH dom0 needs a processor with VMX or SVM",
                ),
            ),
        ),
    )
}

DOM0 = (
    Run("xl list", comes=(r"^Domain-0 +0 .* r-----",)),
    Said(comes=(r"\(XEN\) Xen version <xen_version> ",), never=(OOPS,)),
)
EFI = Run("xl dmesg", comes=(r"EFI RAM map|Xen-EFI|EFI memory map",))

CASES = (
    Case("dom0", "Xen boots dom0 to a shell", "bios-cd", DOM0, quick=True),
    Case(
        "xl-info",
        "xl info tells of this very Xen",
        "bios-cd",
        (
            Run(
                "xl info",
                comes=(
                    r"^xen_version +: <xen_version>$",
                    r"^build_id +: <build_id>$",
                    r"^release +: <dom0_release>$",
                    r"^virt_caps +: pv\b",
                    r"^free_memory +: [1-9]",
                ),
            ),
        ),
        quick=True,
    ),
    Case(
        "pv-guest",
        "a PV guest to its prompt",
        "bios-cd",
        (
            Type(f"xl create -c {CONF}guest1.cfg\r", GUEST_PROMPT, never=("error: ",)),
            Type("uname -r\r", "<guest_release>"),
            Leave(),
            Run("xl list guest1", comes=(r"^guest1 .* (r|-)(b|-)---",)),
        ),
        quick=True,
    ),
    Case(
        "ping",
        "two PV guests ping each other",
        "bios-cd",
        (
            Run(f"xl create {CONF}guest2.cfg"),
            Type(f"xl create -c {CONF}guest1.cfg\r", GUEST_PROMPT, never=("error: ",)),
            Type(GUEST_UP, r"3 (packets )?received", never=(r"bad address", "unreachable")),
            Leave(),
        ),
    ),
    Case(
        "save-restore",
        "a PV guest is saved, restored, and goes on where it was",
        "bios-cd",
        (
            Type(f"xl create -c {CONF}guest1.cfg\r", GUEST_PROMPT, never=("error: ",)),
            Type("kept=$((17 * 3)); echo kept $kept\r", "kept 51"),
            Leave(),
            # A guest's whole memory: more than half of a small dom0's, which its /tmp may have.
            Run("mkdir -p /tmp/saved && mount -t tmpfs -o size=100m saved /tmp/saved"),
            Run("xl save guest1 /tmp/saved/guest1", within=120),
            Run("xl list", never=("^guest1 ",)),
            Run("xl restore /tmp/saved/guest1", within=120),
            Run("umount /tmp/saved"),
            Type("xl console guest1\r", ""),
            Type("\recho still $kept\r", "still 51"),
            Leave(),
        ),
    ),
    Case(
        "pvh-guest",
        "a PVH guest to its prompt",
        "bios-cd",
        (
            Need(
                "xl info virt_caps",
                r"\bhvm\b.*\b(hap|shadow)\b",
                "a PVH guest needs hvm and hap (nested paging) or shadow",
            ),
            Type(f"xl create -c {CONF}pvh1.cfg\r", GUEST_PROMPT, never=("error: ",)),
            Leave(),
        ),
    ),
    Case("uefi-cd", "Xen boots dom0 on UEFI, from CD", "uefi-cd", (*DOM0, EFI)),
    Case(
        "cpupool",
        "a guest runs in a cpupool of its own",
        "uefi-cd",
        (
            Run("xl cpupool-cpu-remove Pool-0 1"),
            Run("xl cpupool-create 'name=\"spare\"' 'cpus=\"1\"'"),
            Run("xl cpupool-list -c", comes=(r"^Pool-0 +0$", r"^spare +1$")),
            # Started elsewhere and moved: where a thread emulates both processors, a kernel that
            # begins on the second one measures its clock for minutes.
            Type(f"xl create -c {CONF}guest1.cfg\r", GUEST_PROMPT, never=("error: ",)),
            Leave(),
            Run("xl cpupool-migrate guest1 spare"),
            Run("xl vcpu-list guest1", comes=(r"^guest1 +\d+ +0 +[1-] ",)),
            Type("xl console guest1\r", ""),
            Type("\recho in $((7 * 6))\r", "in 42", within=120),
            Leave(),
            Run("xl vcpu-list guest1", comes=(r"^guest1 +\d+ +0 +[1-] ",)),
            Run("xl destroy guest1"),
            Run("for _ in 1 2 3 4 5; do xl cpupool-destroy spare && break; sleep 1; done"),
            Run("xl cpupool-cpu-add Pool-0 1"),
            Run("xl cpupool-list", comes=(r"^Pool-0 +2 ",), never=("spare",)),
        ),
    ),
    Case("uefi-usb", "Xen boots dom0 on UEFI, from a USB stick", "uefi-usb", (*DOM0, EFI)),
    Case("bios-usb", "Xen boots dom0 on BIOS, from a USB stick", "bios-usb", DOM0),
    Case("bios-virtio", "Xen boots dom0 on BIOS, from a virtio disk", "bios-virtio", DOM0),
    Case("uefi-nvme", "Xen boots dom0 on UEFI, from an NVMe disk", "uefi-nvme", (*DOM0, EFI)),
    Case(
        "pvh-dom0",
        "Xen boots a PVH dom0 to a shell",
        "bios-pvh",
        (*DOM0, Said(comes=(r"Building a PVH Dom0",))),
    ),
)

"""The hardware matrix: machines on which the disc must find itself and get an address.

`make test-matrix` boots them all. A unit test compares the tables of the README with these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Firmware = Literal["bios", "uefi"]
FIRMWARES: tuple[Firmware, ...] = ("bios", "uefi")


@dataclass(frozen=True)
class Controller:
    """What a drive hangs on.

    Attributes:
        disk: a disk's name in `devices.ATTACHMENTS`.
        cd: a CD's; "" where there are none.
        driver: Linux's, as /sys names it.
    """

    name: str
    disk: str
    cd: str
    driver: str
    chipset: str = "pc"


CONTROLLERS = (
    Controller("IDE, Intel PIIX", "ide", "cdrom", "ata_piix"),
    Controller("AHCI", "ide", "cdrom", "ahci", "q35"),
    Controller("LSI 53C895A (SCSI)", "lsi", "lsi-cd", "sym53c8xx"),
    Controller("LSI Fusion MPT, SAS 1068", "mptsas", "mptsas-cd", "mptsas"),
    Controller("LSI MegaRAID SAS 1078", "megasas", "", "megaraid_sas"),
    Controller("LSI MegaRAID SAS 2108", "megasas-gen2", "", "megaraid_sas", "q35"),
    Controller("VMware PVSCSI", "pvscsi", "pvscsi-cd", "vmw_pvscsi"),
    Controller("virtio-scsi", "virtio-scsi", "virtio-scsi-cd", "virtio_scsi"),
    Controller("virtio-blk", "virtio", "", "virtio_blk"),
    Controller("NVMe", "nvme", "", "nvme", "q35"),
    Controller("USB storage on UHCI", "usb-uhci", "usb-uhci-cd", "uhci_hcd"),
    Controller("USB storage on EHCI", "usb-ehci", "usb-ehci-cd", "ehci-pci"),
    Controller("USB storage on XHCI", "usb", "usb-cd", "xhci_hcd", "q35"),
)

CARDS = {
    "e1000": ("Intel 82540EM", "e1000"),
    "e1000e": ("Intel 82574L", "e1000e"),
    "i82557b": ("Intel 82557B (e100)", "e100"),
    "pcnet": ("AMD PCnet", "pcnet32"),
    "rtl8139": ("Realtek 8139C+", "8139cp"),
    "tulip": ("DEC 21143 (tulip)", "tulip"),
    "virtio-net-pci": ("virtio-net", "virtio_net"),
    "vmxnet3": ("VMware VMXNET3", "vmxnet3"),
}
"""Model in `devices.NICS`: what a person calls it, and Linux's driver."""


@dataclass(frozen=True)
class Place:
    """A machine of the matrix: where the disc lies, who starts it, which card there is."""

    attachment: str
    chipset: str
    firmware: Firmware
    card: str

    @property
    def name(self) -> str:
        return f"{self.firmware}-{self.chipset}-{self.attachment}"

    @property
    def controller(self) -> Controller:
        return next(
            it
            for it in CONTROLLERS
            if self.attachment in (it.disk, it.cd) and self.chipset == it.chipset
        )

    @property
    def device(self) -> str:
        """A regular expression for the device that /cdrom is mounted from."""
        if self.attachment == self.controller.cd:
            return r"/dev/sr0"
        special = {"virtio": r"/dev/vda\d?", "nvme": r"/dev/nvme0n1(p\d)?"}
        return special.get(self.attachment, r"/dev/sda\d?")


PLACES = (
    Place("cdrom", "pc", "bios", "e1000"),
    Place("ide", "pc", "bios", "pcnet"),
    Place("cdrom", "pc", "uefi", "rtl8139"),
    Place("ide", "pc", "uefi", "pcnet"),
    Place("cdrom", "q35", "bios", "e1000e"),
    Place("ide", "q35", "bios", "vmxnet3"),
    Place("cdrom", "q35", "uefi", "virtio-net-pci"),
    Place("ide", "q35", "uefi", "e1000e"),
    Place("lsi-cd", "pc", "bios", "i82557b"),
    Place("lsi", "pc", "bios", "tulip"),
    Place("mptsas-cd", "pc", "bios", "tulip"),
    Place("mptsas", "pc", "bios", "e1000"),
    Place("megasas", "pc", "bios", "i82557b"),
    Place("megasas-gen2", "q35", "bios", "vmxnet3"),
    Place("pvscsi-cd", "pc", "bios", "vmxnet3"),
    Place("pvscsi", "pc", "bios", "e1000"),
    Place("virtio-scsi-cd", "pc", "bios", "virtio-net-pci"),
    Place("virtio-scsi", "pc", "bios", "rtl8139"),
    Place("virtio-scsi-cd", "pc", "uefi", "e1000e"),
    Place("virtio-scsi", "pc", "uefi", "virtio-net-pci"),
    Place("virtio", "pc", "bios", "virtio-net-pci"),
    Place("virtio", "pc", "uefi", "vmxnet3"),
    Place("nvme", "q35", "bios", "e1000e"),
    Place("nvme", "q35", "uefi", "virtio-net-pci"),
    Place("usb-uhci", "pc", "bios", "i82557b"),
    Place("usb-uhci", "pc", "uefi", "tulip"),
    Place("usb-uhci-cd", "pc", "uefi", "rtl8139"),
    Place("usb-ehci-cd", "pc", "bios", "tulip"),
    Place("usb-ehci", "pc", "bios", "rtl8139"),
    Place("usb-ehci", "pc", "uefi", "i82557b"),
    Place("usb-ehci-cd", "pc", "uefi", "tulip"),
    Place("usb-cd", "q35", "bios", "vmxnet3"),
    Place("usb", "q35", "bios", "e1000e"),
    Place("usb-cd", "q35", "uefi", "e1000"),
    Place("usb", "q35", "uefi", "virtio-net-pci"),
)

CANNOT: dict[tuple[str, Firmware], str] = {
    ("usb-uhci-cd", "bios"): "no: SeaBIOS fails to read it",
    ("LSI 53C895A (SCSI)", "uefi"): "no: OVMF has no driver",
    ("LSI Fusion MPT, SAS 1068", "uefi"): "no: OVMF has no driver",
    ("VMware PVSCSI", "uefi"): "no: OVMF has no driver",
    ("LSI MegaRAID SAS 1078", "uefi"): "no: OVMF has no driver",
    ("LSI MegaRAID SAS 2108", "uefi"): "no: OVMF has no driver",
}
"""Where the firmware itself cannot start from a controller, or from one kind of drive on it."""


def table() -> str:
    """Return the README's table of controllers."""
    booted = {(it.attachment, it.chipset, it.firmware) for it in PLACES}
    lines = [
        "Controller | disk, BIOS | disk, UEFI | CD, BIOS | CD, UEFI",
        "--- | --- | --- | --- | ---",
    ]
    for controller in CONTROLLERS:
        cells = [controller.name]
        for attachment in (controller.disk, controller.cd):
            for firmware in FIRMWARES:
                if (attachment, controller.chipset, firmware) in booted:
                    cells.append("yes")
                elif attachment:
                    why = CANNOT.get((attachment, firmware)) or CANNOT.get(
                        (controller.name, firmware), "not tested"
                    )
                    cells.append(why)
                else:
                    cells.append("")
        lines.append(" | ".join(cells).rstrip())
    return "\n".join(lines) + "\n"


def cards() -> str:
    """Return the README's list of network cards."""
    return ", ".join(name for name, _ in CARDS.values())

"""The devices that a machine in QEMU may have: what drives hang on, and network cards.

They are those that today's PCs and virtual machines have, and those for which the CD of 2004 had
drivers, as far as QEMU emulates them.
"""

from __future__ import annotations

from dataclasses import dataclass

from democd.errors import InputError

CD = "-cd"


@dataclass(frozen=True)
class Attachment:
    """How a drive hangs in a machine, in the words of QEMU's `-device`.

    Attributes:
        controller: the device that the drive hangs on; "" for what is on the board, or for a drive
            that is a PCI device itself.
        drive: the drive's own device.
        cd: whether it is a CD-ROM drive.
    """

    controller: str
    drive: str
    cd: bool = False


_ON_BOARD = {
    "ide": Attachment("", "ide-hd"),
    "cdrom": Attachment("", "ide-cd", cd=True),
}

# PCI devices of their own: they have no CD-ROM drives.
_DISKS_ALONE = {
    "virtio": Attachment("", "virtio-blk-pci"),
    "nvme": Attachment("", "nvme,serial=disc"),
}

_USB = {
    "usb": "qemu-xhci",
    "usb-ehci": "usb-ehci",
    "usb-uhci": "piix3-usb-uhci",
}

# RAID controllers: they show nothing but logical disks.
_RAID = {
    "megasas": "megasas",
    "megasas-gen2": "megasas-gen2",
}

_SCSI = {
    "lsi": "lsi53c895a",
    "mptsas": "mptsas1068",
    "pvscsi": "pvscsi",
    "virtio-scsi": "virtio-scsi-pci",
}

ATTACHMENTS: dict[str, Attachment] = (
    _ON_BOARD
    | _DISKS_ALONE
    | {name: Attachment(it, "usb-storage,removable=on") for name, it in _USB.items()}
    | {name + CD: Attachment(it, "usb-storage", cd=True) for name, it in _USB.items()}
    | {name: Attachment(it, "scsi-hd") for name, it in (_SCSI | _RAID).items()}
    | {name + CD: Attachment(it, "scsi-cd", cd=True) for name, it in _SCSI.items()}
)
"""By name. A disk has the name of its controller, a CD-ROM drive `-cd` behind it; `ide` and `cdrom`
are the two on the board's own controller: IDE PIIX in a `pc`, AHCI in a `q35`."""

NICS = (
    "e1000",
    "e1000e",
    "i82557b",
    "pcnet",
    "rtl8139",
    "tulip",
    "virtio-net-pci",
    "vmxnet3",
)
"""Network cards, by QEMU's names."""


def attachment(name: str) -> Attachment:
    """Return how a drive hangs there.

    Raises:
        InputError: there is no such attachment.
    """
    if name in ATTACHMENTS:
        return ATTACHMENTS[name]
    if name.removesuffix(CD) in ATTACHMENTS:
        raise InputError(
            f"{name}: there is no CD-ROM drive for {name.removesuffix(CD)}",
            f"CD-ROM drives: {', '.join(n for n, it in ATTACHMENTS.items() if it.cd)}",
        )
    raise InputError(f"{name}: no drive can be attached so", f"one of: {', '.join(ATTACHMENTS)}")


def nic_model(name: str) -> str:
    """Return the name of a network card, if there is one of that name.

    Raises:
        InputError: there is none.
    """
    if name not in NICS:
        raise InputError(f"{name}: no such network card", f"one of: {', '.join(NICS)}")
    return name

"""What the machine and the disc are like, for the installer: values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from xendemo.install.devices import Device, walk


@dataclass(frozen=True)
class Disc:
    """The disc that is installed from.

    Args:
        folder: where it is mounted: /cdrom when one has booted from it.
        device: the block device, partition or loop device that is mounted there.
        backing: paths of all devices that hold it, the whole disk included; never installed to.
        volume: its volume id.
        size: bytes of the volume: what an .iso file of it has.
        version: as in its manifest.
        xen: version of its hypervisor, "4.20.2".
        kernel: release of its xen0 kernel, "6.12.57+deb13-amd64".
        layers: layers that make a running dom0, lowest first: ("base", "common", …).
        unpacked: bytes that these have when they are unpacked, about.
    """

    folder: str
    device: str
    backing: frozenset[str]
    volume: str
    size: int
    version: str
    xen: str
    kernel: str
    layers: tuple[str, ...]
    unpacked: int = 0


@dataclass(frozen=True)
class Facts:
    """All that plans depend on, besides options.

    Args:
        disc: what is installed from.
        devices: all block devices.
        uefi: the running system was started by UEFI.
        efivars: firmware variables can be written (efibootmgr may work).
        machine: `uname -m`.
        guest_disks: devices that running domains have as disks.
        live: we run from the disc (not from another Linux that has it mounted).
        in_use: what else is known to use a device, by path: "mounted at /srv", "swap in use".
        names: other names of devices, /dev/disk/by-id/…, and the path that lsblk has for each.
    """

    disc: Disc
    devices: tuple[Device, ...]
    uefi: bool
    efivars: bool
    machine: str
    guest_disks: frozenset[str]
    live: bool
    in_use: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)

    def find(self, name: str) -> Device | None:
        """Return the device of a name, whichever of its names it is; None if there is none."""
        path = self.names.get(name, name)
        return next((device for device in walk(self.devices) if device.path == path), None)

    def holders(self, path: str) -> frozenset[str]:
        """Return the paths of all that a device lies on, itself included."""
        return frozenset(
            device.path
            for device in walk(self.devices)
            if any(below.path == path for below in device.below())
        )

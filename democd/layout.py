"""Where things lie on the disc, and the words its kernels' command lines understand.

One place, so that the writer, the menus, the verifier and the documents agree. The programs on
the disc itself (init, overlays/) import nothing of democd and name these paths themselves; a
test compares.
"""

from __future__ import annotations

XEN = "/boot/xen.gz"
KERNEL = {"xen0": "/boot/vmlinuz-xen0", "xenU": "/boot/vmlinuz-xenU"}
INITRD = {"xen0": "/boot/initrd-xen0", "xenU": "/boot/initrd-xenU"}
GUESTS = "/guests"  # a person's own, from the recipe's disc.guests
TEST_KERNEL = "/boot/test-kernel"  # in dom0's place, on a disc for it alone
LAYERS = "/live"  # NAME.squashfs below it; `base` and each overlay folder

SOURCES = "sources"  # the squashfs in there that no role stacks: a mount unit has it

GRUB_FOLDER = "/boot/grub"
GRUB_CFG = "/boot/grub/grub.cfg"
BIOS_IMAGE = "/boot/grub/bios.img"  # El Torito, BIOS
BOOT_CATALOG = "/boot/grub/boot.cat"  # El Torito's list of the two; made with the ISO
ESP_IMAGE = "/boot/grub/efi.img"  # El Torito, UEFI; and the ESP partition of a USB disk
EFI_LOADER = "/EFI/BOOT/BOOTX64.EFI"

NET_FOLDER = "/boot/netboot"  # what `build.py netboot` lays out for a server
NET_BIOS = "/boot/netboot/bios.0"  # GRUB for PXE
NET_UEFI = "/boot/netboot/uefi.efi"  # GRUB for UEFI's network boot
NET_INITRD = "/boot/netboot/initrd"  # goes behind xen0's: network drivers, and what fetches
NET_MENU = "/boot/netboot/menu.cfg"

BUILDER = "usr/share/democd"  # the builder itself, in the root of dom0 and plain Linux

INSTALLER = "/install.pyz"  # `xendemo install` for a Linux that has the disc mounted

README = "/README.CD"
SUMS = "/SHA256SUMS"  # of every other file but its signature
SIGNATURE = "/SHA256SUMS.gpg"  # of these sums, if somebody has signed the disc
UNLISTED = (SUMS, SIGNATURE)  # what the sums cannot have
PACKAGES = "/packages.txt"
MANIFEST = "/manifest.json"
SBOM = "/sbom.spdx.json"  # packages with licences and sources, as SPDX has them

COMMAND_LINE = {
    "role": "dom0, guest or plain: which layers make the root; micro: a guest without a root",
    "toram": "copy the disc into memory and let go of it",
    "fetch": "URL: fetch the disc by HTTP from this folder, as `build.py netboot` lays it out",
    "findiso": "PATH: the disc is an .iso file on some partition",
    "checkmedia": "check every file on the disc; a damaged disc is booted only if you then say so",
    "debug": "a shell in the initrd, before the root is entered",
    "fetchcard": "MAC address of the network card to fetch through, where there are several",
    "ip": "ADDRESS::GATEWAY:NETMASK::INTERFACE:off, or dhcp (the kernel's own syntax)",
    "answers": "URL, DEVICE:/PATH or LABEL=NAME:/PATH: install by that file, asking nothing",
    "ssh": "=password lets people log in over the network with a password",
}
"""What our init and the running disc read from the kernel's command line."""

OWN_TOOLS = "tools"
OWN_MODULES = {"xen0": "modules-xen0", "xenU": "modules-xenU"}
OWN_LAYERS = (OWN_TOOLS, *OWN_MODULES.values())
"""Layers of what the person brings: a kernel has them below those of every role."""


def layer_path(name: str) -> str:
    """Return a layer's path on the disc."""
    return f"{LAYERS}/{name}.squashfs"

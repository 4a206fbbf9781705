"""The files that make an installed system this very one: fstab, hosts, GRUB's settings. Pure."""

from __future__ import annotations

from xendemo.install.layout import Layout

ISO = "/var/lib/xendemo/disc.iso"
CDROM = "/cdrom"

GRUB = """\
# If you change this file, run: update-grub
# Xen is the first entry, since its script goes before Linux's: /etc/grub.d/09_linux_xen.

GRUB_DEFAULT=0
GRUB_TIMEOUT=5
GRUB_DISTRIBUTOR=Debian
GRUB_DISABLE_OS_PROBER=true
# Keeps /etc/default/grub.d/xen.cfg from choosing an entry by its title.
XEN_OVERRIDE_GRUB_DEFAULT=0

# Screen and first serial line, for GRUB, Xen and Linux. A machine without that line keeps the
# screen. Under Xen, Linux talks by Xen's console, hvc0.
GRUB_TERMINAL="console serial"
GRUB_SERIAL_COMMAND="serial --unit=0 --speed=115200"
GRUB_CMDLINE_LINUX_DEFAULT="quiet"
GRUB_CMDLINE_LINUX="console=ttyS0,115200 console=tty0"
GRUB_CMDLINE_LINUX_XEN_REPLACE="console=hvc0 console=tty0"

# dom0_mem=max: is the most that domain 0 gets; on a smaller machine it gets less.
GRUB_CMDLINE_XEN="dom0_mem=max:512M com1=115200,8n1 console=com1,vga"
"""

OWN_KERNEL = """\
# Some of what this kernel was configured with: enough for GRUB's scripts to see that it can be
# domain 0. It came with the disc from which this system was installed.
CONFIG_XEN=y
CONFIG_XEN_DOM0=y
"""
"""The configuration that is put beside a kernel that is no Debian package's."""


def fstab(layout: Layout, *, guests: bool) -> str:
    """Return /etc/fstab: all by UUID, and the disc that is kept as a file at /cdrom."""
    lines = ["# See fstab(5): what, where, type, options, dump, order of fsck."]

    def line(name: str, folder: str, type: str, options: str, order: int) -> None:
        part = layout.part(name)
        if part:
            lines.append(f"UUID={part.uuid} {folder} {type} {options} 0 {order}")

    line("root", "/", "ext4", "errors=remount-ro", 1)
    line("usr", "/usr", "ext4", "defaults", 2)
    line("ESP", "/boot/efi", "vfat", "umask=0077", 1)
    line("swap", "none", "swap", "sw", 0)
    if guests:
        lines.append(f"{ISO} {CDROM} iso9660 loop,ro,nofail 0 0")
    return "\n".join(lines) + "\n"


def hosts(name: str) -> str:
    """Return /etc/hosts of a machine of that name."""
    return (
        f"127.0.0.1\tlocalhost\n127.0.1.1\t{name}\n\n"
        "::1\t\tlocalhost ip6-localhost ip6-loopback\n"
        "ff02::1\t\tip6-allnodes\nff02::2\t\tip6-allrouters\n"
    )

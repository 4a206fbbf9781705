"""`boot`: a disc in QEMU, to use or to check."""

from __future__ import annotations

import argparse
from pathlib import Path

from democd.host.devices import ATTACHMENTS, NICS
from democd.host.qemu import DEFAULT_MEMORY

HELP = "start a disc in QEMU: a CD or USB stick, BIOS or UEFI"
EXAMPLES = """
  ./build.py boot dist/xendemo.iso
  ./build.py boot dist/xendemo.iso --serial             # Ctrl-A X leaves QEMU
  ./build.py boot dist/xendemo.iso --uefi --usb --memory 2048
  ./build.py boot dist/xendemo.iso --attach mptsas-cd --nic tulip
  ./build.py boot dist/xendemo.iso --entry xen-safe     # or a number: 1 is the first
  ./build.py boot dist/xendemo.iso --check --log boot.log --screenshot login.png
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("iso", type=Path, metavar="ISO", help="the disc")
    parser.add_argument("--uefi", action="store_true", help="UEFI firmware in place of BIOS")
    attach = parser.add_mutually_exclusive_group()
    attach.add_argument(
        "--attach", default="cdrom", metavar="HOW",
        help="what the disc hangs on, and whether it is a disk or a CD (default: cdrom): "
        + ", ".join(ATTACHMENTS),
    )  # fmt: skip
    attach.add_argument(
        "--usb", action="store_const", const="usb", dest="attach", help="a USB stick: --attach usb"
    )
    parser.add_argument(
        "--chipset", choices=("pc", "q35"), default="pc",
        help="`cdrom` and `ide` are IDE on a pc, AHCI on a q35 (default: pc)",
    )  # fmt: skip
    parser.add_argument(
        "--nic", default="e1000", metavar="MODEL",
        help=f"the network card (default: e1000): {', '.join(NICS)}",
    )  # fmt: skip
    parser.add_argument(
        "--entry", default="", metavar="ENTRY",
        help="menu entry: its number (5>2 is the fifth's second), its name as in the recipe, or a "
        "part of its title (default: the menu's own)",
    )  # fmt: skip
    parser.add_argument(
        "--memory", type=int, default=DEFAULT_MEMORY, metavar="MIB",
        help=f"of the machine (default: {DEFAULT_MEMORY})",
    )  # fmt: skip
    show = parser.add_mutually_exclusive_group()
    show.add_argument(
        "--screen", action="store_const", const="screen", dest="show", default="",
        help="open a window (default where there is a display)",
    )  # fmt: skip
    show.add_argument(
        "--serial", action="store_const", const="serial", dest="show",
        help="the serial console in this terminal",
    )  # fmt: skip
    parser.add_argument(
        "--accel", choices=("kvm", "tcg"), default="",
        help="hardware virtualisation or emulation (default: kvm where it works)",
    )  # fmt: skip
    parser.add_argument(
        "--check", action="store_true",
        help="boot by script to a login, check dom0, print a verdict; exit code 1 if it fails",
    )  # fmt: skip
    parser.add_argument(
        "--screenshot", type=Path, metavar="PNG", help="with --check: the screen at the login"
    )
    parser.add_argument(
        "--log", type=Path, metavar="FILE", help="keep all that the serial console says"
    )


def run(args: argparse.Namespace) -> int:
    """Boot it."""
    from democd.smoke.boot import BootOptions, boot

    names = BootOptions.__dataclass_fields__
    return boot(BootOptions(**{name: getattr(args, name) for name in names}))

"""`rebuild`: makes a disc of the disc, offline, with changes or without."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
from collections.abc import Sequence

from xendemo import builder
from xendemo import run as programs
from xendemo.errors import Failure

HELP = "make a new .iso file of this disc, with your changes"
EXAMPLES = """
  xendemo rebuild                               # the same disc, as /root/rebuilt/xendemo.iso
  xendemo rebuild /mnt --overlay /root/mine     # with files laid over it, onto another disk
  xendemo rebuild --set disc.version=2 --set menu.timeout=3
  xendemo rebuild /mnt --from /mnt/disc         # what `xendemo unpack` made, edited
"""
FOLDER = "/root/rebuilt"
WORK = ".rebuild"
SPARE = 40 << 20
"""Bytes for what is made on the way: menus, lists, and what the new disc has beside the old."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "folder", nargs="?", default=FOLDER, metavar="FOLDER",
        help=f"where the .iso file goes, on any disk that is mounted (default: {FOLDER})",
    )  # fmt: skip
    parser.add_argument(
        "--from", dest="source", metavar="DISC",
        help="another disc: an .iso file, a drive, or what `xendemo unpack` has unpacked",
    )  # fmt: skip
    parser.add_argument(
        "--overlay", action="append", default=[], metavar="FOLDER",
        help="files to lay over the root, each at its path from /; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", dest="keys",
        help="a key of the disc's recipe, such as disc.version=2; may be repeated",
    )  # fmt: skip
    parser.add_argument("--xen", metavar="FILE", help="another hypervisor, such as you have built")
    parser.add_argument(
        "-n", "--dry-run", action="store_true", help="print what would be done, as a command"
    )


def run(args: argparse.Namespace) -> int:
    """Make it, and leave nothing else behind."""
    folder = os.path.abspath(args.folder)
    source = builder.source(args.source)
    words = builder.argv(
        *options(source, folder, args.overlay, args.keys, args.xen),
    )
    if args.dry_run:
        print(shlex.join(words))
        return 0
    os.makedirs(folder, exist_ok=True)
    refuse_no_room(folder, needed(source, folder))
    try:
        return programs.in_front(*words)
    finally:
        shutil.rmtree(os.path.join(folder, WORK), ignore_errors=True)


def options(
    source: str, folder: str, overlays: Sequence[str], keys: Sequence[str], xen: str | None
) -> list[str]:
    """Return what the builder is told.

    Args:
        source: the old disc.
        folder: where the new one goes, and for the time being what is made on the way.
        overlays: folders to lay over it.
        keys: KEY=VALUE of each key to change.
        xen: another hypervisor.
    """
    words = ["build", "--from", source]
    for overlay in overlays:
        words += ["--overlay", os.path.abspath(overlay)]
    for key in keys:
        words += ["--set", key]
    if xen:
        words += ["--xen", os.path.abspath(xen)]
    return [*words, "--build-dir", os.path.join(folder, WORK), "--output-dir", folder]


def needed(source: str, folder: str) -> int:
    """Return the bytes that a disc made of another takes in a folder; 0 if that is not known.

    The builder takes the old disc's parts from where it is mounted, by links. Of an .iso file, and
    where the file system knows no links, it needs them copied: so all takes twice the room.
    """
    if os.path.isfile(source):
        return 2 * os.path.getsize(source) + SPARE
    if source == builder.CDROM:
        status = os.statvfs(source)
        return status.f_blocks * status.f_frsize * (1 if knows_links(folder) else 2) + SPARE
    return 0


def knows_links(folder: str) -> bool:
    """Return whether there can be links in a folder; on vfat, as most sticks have, there cannot."""
    trial = os.path.join(folder, ".knows-links")
    try:
        os.symlink(WORK, trial)
    except OSError:
        return False
    os.unlink(trial)
    return True


def refuse_no_room(folder: str, wanted: int) -> None:
    """Check that a folder has room.

    Raises:
        Failure: it has not.
    """
    free = shutil.disk_usage(folder).free
    if free < wanted:
        raise Failure(
            f"{folder} has {free >> 20} MiB of room, and the disc needs {wanted >> 20}",
            "mount a disk and name a folder on it, xendemo rebuild /mnt; or give dom0 more memory: "
            "dom0_mem= in GRUB's menu, or boot without Xen",
        )

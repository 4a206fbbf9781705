"""The layers on a disc, listed and unpacked, and a role's root made of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from democd import layout
from democd.formats.isoread import BLOCK, open_disc
from democd.host.run import run

_LINE = re.compile(r"^(\S{10}) (\d+)/(\d+) +(\d+(?:, *\d+)?) (\S+ \S+) squashfs-root(/.*?)?$")

# Stacks layers as the initrd does and runs a shell script in there as root. All of it is in a
# mount namespace of its own, and what is written goes into a tmpfs. $4 is a
# folder for /mnt, or empty.
_IN_ROOT = """
set -e
mount -t tmpfs tmpfs "$2"
mkdir "$2/upper" "$2/work" "$2/root"
mount -t overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" root "$2/root"
mount --bind /proc "$2/root/proc"
mount --rbind /dev "$2/root/dev"
[ -z "$4" ] || mount --bind "$4" "$2/root/mnt"
exec unshare --net chroot "$2/root" /bin/sh -euc "$3"
"""


@dataclass(frozen=True)
class Entry:
    """A file of a layer, as its squashfs has it: `mode` as `ls -l` prints it."""

    mode: str
    uid: int
    gid: int
    time: str
    target: str


def layers_of(iso: Path) -> dict[str, int]:
    """Return the byte in an ISO at which each layer starts."""
    with open_disc(iso) as disc:
        return {
            Path(path).stem: extent.lba * BLOCK
            for path, extent in disc.files().items()
            if path.startswith(f"{layout.LAYERS}/")
        }


def listing(iso: Path, layer: str) -> dict[str, Entry]:
    """Return what a layer of a disc holds, by path without a leading slash."""
    words = ["unsquashfs", "-lln", "-o", str(layers_of(iso)[layer]), iso]
    found: dict[str, Entry] = {}
    for line in run(words, env={"TZ": "UTC"}).stdout.splitlines():
        match = _LINE.match(line)
        if match:
            name, _, target = (match[6] or "").lstrip("/").partition(" -> ")
            found[name] = Entry(match[1], int(match[2]), int(match[3]), match[5], target)
    return found


class Trees:
    """The layers of a disc, unpacked.

    Args:
        iso: the disc.
        folder: gets a folder for each layer.
    """

    def __init__(self, iso: Path, folder: Path) -> None:
        self.folder = folder
        self.listings = {name: listing(iso, name) for name in layers_of(iso)}
        for name, start in layers_of(iso).items():
            run(["unsquashfs", "-q", "-n", "-o", str(start), "-d", folder / name, iso])
        (folder / "stack").mkdir()

    def in_root(
        self,
        role: str,
        script: str,
        *,
        layers: Sequence[str] = (),
        scratch: Path | None = None,
    ) -> str:
        """Run a shell script in the root of a role, without a network; return what it printed.

        Args:
            role: the uppermost layer.
            script: fails at the first command that does.
            layers: more of them, between those of all roles and the role's own.
            scratch: what is at /mnt.

        Raises:
            BuildError: it failed.
        """
        stack = ":".join(str(self.folder / name) for name in (role, *layers, "common", "base"))
        words = ["sh", "-c", _IN_ROOT, "sh", stack, self.folder / "stack", script, scratch or ""]
        return run(words, contained=True).stdout

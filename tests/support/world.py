"""`xendemo world` as a person runs it on the disc: in the disc's own root, without a network."""

from __future__ import annotations

import gzip
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from democd import origins
from democd.host import apt
from democd.host.progress import Reporter
from democd.origins import Origin
from democd.stages import sources
from democd.workspace import Workspace
from tests.support.building import BUILD, kept_root
from tests.support.trees import Trees

MARK = "-proof"
SUITE = "bookworm"
"""Whose Xen is built: older than the disc's, so that nothing of the disc can be taken for it."""


@dataclass(frozen=True)
class Built:
    """What came of it.

    Attributes:
        told: what the command wrote.
        folder: where it was built.
        version: of Xen, with our mark.
        date: the date of compilation, as `xl dmesg` shows it.
    """

    told: str
    folder: Path
    version: str
    date: str

    @property
    def install(self) -> Path:
        """The install tree."""
        return self.folder / "install"


def xen_source() -> Path:
    """Return Debian's source of Xen, as it would lie in /usr/local/src; fetched once."""
    lines = apt.source_lines(sources.sources_list(kept_root()))
    (first, *_) = re.findall(r"^deb-src (?:\[.*\] )?(\S+) \S+ main.*$", lines, re.MULTILINE)
    wanted = f"deb-src [signed-by={apt.KEYRING}] {first} {SUITE} main\n"
    workspace = Workspace(BUILD, wait=True)
    with workspace.locked(), Reporter(quiet=True).step("sources", "") as step:
        archive = apt.Archive(workspace.tmp / "world-apt", wanted)
        archive.update()
        (there,) = origins.offered(archive.show(["xen"]))
        chosen = [Origin(there.name, there.version, ())]
        (made,) = sources.fetch(workspace, chosen, wanted, step).values()
    return made.path / "tree"


def in_dom0(trees: Trees, script: str, folder: Path) -> str:
    """Run a script in the disc's dom0, which has no network, and return what it wrote.

    Raises:
        BuildError: it failed.
    """
    return trees.in_root("dom0", script, layers=("xendemo",), scratch=folder)


def lay_source(folder: Path) -> None:
    """Put the source of Xen into a folder, as `build_world` wants it there."""
    shutil.copytree(xen_source(), folder / "source", symlinks=True)


def build_world(trees: Trees, folder: Path) -> Built:
    """Build Xen and its tools in the root of dom0.

    Raises:
        BuildError: it failed.
    """
    source = folder / "source"
    link = "mkdir -p /usr/local/src && ln -s /mnt/source /usr/local/src/xen"
    command = f"xendemo-world -j2 --dir /mnt/world XEN_VENDORVERSION={MARK}"
    told = in_dom0(trees, f"{link} && {command}", folder)
    xen = gzip.decompress((folder / "world/install/boot/xen.gz").read_bytes())
    date = re.search(rb"\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \w+ \d{4}(?=\0)", xen)
    makefile = (source / "xen/Makefile").read_text()
    number = re.search(r"XEN_EXTRAVERSION \?= (\.\d+)\$", makefile)
    series = re.findall(r"^export XEN_(?:SUB)?VERSION\s+= (\d+)$", makefile, re.MULTILINE)
    assert date
    assert number
    return Built(told, folder / "world", f"{'.'.join(series)}{number[1]}{MARK}", date[0].decode())

"""A layer by the host's own mksquashfs, whose release must not show in what it holds."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import IO

from democd import layering
from democd.host.run import run
from democd.recipe import Layers

DATE = 1_000_000_000
ACCENTED = "/usr/share/tanúsítvány"


def test_its_root_and_its_links_are_as_they_were_told(tmp_path: Path) -> None:
    """mksquashfs 4.5 would take today for the root's time, and the first slash from the link."""

    def feed(stream: IO[bytes]) -> None:
        with layering.writer(stream) as archive:
            link = tarfile.TarInfo("link")
            link.type, link.linkname, link.mode, link.mtime = tarfile.SYMTYPE, ACCENTED, 0o777, DATE
            layering.add(archive, link, None)

    layering.squash_with(["mksquashfs"], Layers(), DATE, tmp_path / "layer", feed)
    listed = run(["unsquashfs", "-UTC", "-lln", tmp_path / "layer"]).stdout.splitlines()
    root, link = (line.split(maxsplit=2) for line in listed)
    assert root[:2] == ["drwxr-xr-x", "0/0"]
    assert root[2].endswith(" 2001-09-09 01:46 squashfs-root")
    assert link[2].endswith(f" 2001-09-09 01:46 squashfs-root/link -> {ACCENTED}")

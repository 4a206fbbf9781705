"""The installer against Linux's own file systems: one that was not unmounted is not as it seems."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.support.debiandisk import mounted, run
from xendemo.errors import InputError
from xendemo.install.reach import opened
from xendemo.install.steps import Mount

pytestmark = [
    pytest.mark.build,  # plain pytest wants no root
    pytest.mark.skipif(os.geteuid() != 0, reason="loop devices need root"),
]


@pytest.mark.parametrize("fstype", ["ext3", "ext4", "xfs", "btrfs"])
def test_a_journal_is_neither_overlooked_nor_replayed(fstype: str, tmp_path: Path) -> None:
    if not shutil.which(f"mkfs.{fstype}"):
        pytest.skip(f"there is no mkfs.{fstype}")
    disk, cut, here = tmp_path / "disk", tmp_path / "cut", tmp_path / "here"
    with disk.open("wb") as stream:
        stream.truncate(320 << 20)
    run(f"mkfs.{fstype}", "-q", disk)
    with mounted(str(disk), here, "-o", "loop") as root:
        (root / "file").write_text("words\n")
        run("sync", root / "file")
        shutil.copyfile(disk, cut)
    before = cut.read_bytes()
    loop = run("losetup", "--find", "--show", cut).strip()
    try:
        step = Mount("", loop, str(here), fstype)
        with pytest.raises(InputError, match="journal"), opened(step):
            pass
        run("sync", loop)
        assert cut.read_bytes() == before
        run("mount", loop, here)
        run("umount", here)
        with opened(step):
            assert (here / "file").read_text() == "words\n"
    finally:
        run("losetup", "--detach", loop)

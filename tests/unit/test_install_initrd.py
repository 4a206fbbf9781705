"""The initrd of way 1: the disc's, and modules behind it."""

from __future__ import annotations

import lzma
from pathlib import Path

import pytest

from democd.drivers import read_lists
from democd.formats import cpio
from democd.formats.modules import normal
from tests.support import linuxes as l
from tests.support.building import PROJECT
from xendemo.errors import Failure
from xendemo.install import initrd

DEP = l.MODULES["modules.dep"].decode()


def test_what_is_aboard_is_what_the_recipe_puts_there() -> None:
    lists = read_lists(PROJECT / "rootfs/modules", ["disc", "hardware"])
    words = {normal(word.removesuffix("?")) for words in lists.values() for word in words}
    assert words == initrd.ABOARD


def test_ext_and_common_controllers_need_nothing() -> None:
    assert initrd.wanted(["ext3", "ext4"], ["ahci", "virtio-blk", "sd_mod"]) == ()


def test_modules_come_behind_what_they_need() -> None:
    names = initrd.wanted(["xfs"], ["hpsa"])
    assert initrd.closure(DEP, names) == (
        "kernel/crypto/crc32c_generic.ko",
        "kernel/lib/libcrc32c.ko",
        "kernel/fs/xfs/xfs.ko",
        "kernel/drivers/scsi/hpsa.ko",
    )


def test_unknown_modules_are_passed_over() -> None:
    assert initrd.closure(DEP, ["nothing", "pcieport"]) == ()
    assert initrd.knows("ext3", DEP, "")
    assert initrd.knows("ext2", DEP, "")
    assert not initrd.knows("zfs", DEP, "kernel/fs/fuse/fuse.ko\n")


def test_archive_is_read_back_and_loads_in_order(tmp_path: Path) -> None:
    (tmp_path / "kernel").mkdir()
    (tmp_path / "kernel/b.ko.xz").write_bytes(lzma.compress(b"module b"))
    (tmp_path / "kernel/a.ko").write_bytes(b"module a")
    modules = initrd.load(str(tmp_path), ["kernel/b.ko.xz", "kernel/a.ko"])
    made = initrd.extend(b"disc", "6.12", modules)
    assert made.startswith(b"disc070701")
    entries = {entry.name: entry.data for entry in cpio.unpack(made[4:])}
    assert entries["lib/modules/6.12/kernel/b.ko"] == b"module b"
    assert entries[initrd.LIST] == (
        b"/lib/modules/6.12/kernel/b.ko\n/lib/modules/6.12/kernel/a.ko\n"
    )
    assert list(entries).index("lib/modules") < list(entries).index("lib/modules/6.12/kernel/a.ko")
    assert made == initrd.extend(b"disc", "6.12", modules)


def test_a_packing_that_is_not_known_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.ko.lz4").write_bytes(b"x")
    with pytest.raises(Failure, match=r"packed as \.lz4"):
        initrd.load(str(tmp_path), ["a.ko.lz4"])


def test_find_root_reads_the_list_that_is_written() -> None:
    assert f"/{initrd.LIST}" in (PROJECT / "rootfs/find-root").read_text()

"""What the installer reads of an existing Linux: fstab, links, mounts, subvolumes, options."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support import linuxes as l
from xendemo.errors import Failure, Mistakes
from xendemo.install import cmdline, findmnt, fstab, grub2, reach, tree

FSTAB = f"""\
# UUID={l.BOOT_UUID} /boot ext4 defaults 0 2
UUID="{l.ROOT_UUID.upper()}" /  ext4 rw,noatime 0 1
LABEL=with\\040blank /srv/my\\040files xfs defaults 0 0
/home/boot /boot none bind 0 0
/dev/disk/by-uuid/{l.BOOT_UUID}\t/boot/\text2\tdefaults
short
"""


def test_fstab() -> None:
    entries = fstab.parse(FSTAB)
    root, boot = fstab.of(entries, "/"), fstab.of(entries, "/boot")
    assert root
    assert boot
    devices = l.facts().devices
    assert fstab.device(root.spec, devices) == l.ROOT
    assert boot.spec == f"/dev/disk/by-uuid/{l.BOOT_UUID}"
    assert fstab.device(boot.spec, devices) == l.BOOT
    assert entries[1].folder == "/srv/my files"
    labelled = (replace(l.ROOT, label="with blank"),)
    assert fstab.device(entries[1].spec, labelled) == labelled[0]
    assert fstab.device(f"PARTUUID={l.ROOT.partuuid}", devices) == l.ROOT
    assert fstab.device("/dev/sdz9", devices) is None
    assert fstab.device("UUID=", devices) is None
    assert fstab.parse("") == ()


@pytest.mark.parametrize(
    ("link", "expected"),
    [("/etc", "/etc/x"), ("../../../etc", "/etc/x"), ("etc/./..//etc", "/etc/x"), (".", "/x")],
)
def test_links_do_not_lead_out(link: str, expected: str, tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "link").symlink_to(link)
    assert tree.inside(str(tmp_path), "/link/x") == f"{tmp_path}{expected}"


def test_links_in_a_circle_are_told(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(Failure, match="circle"):
        tree.inside(str(tmp_path), "/a/x")


def test_mounts_are_read() -> None:
    told = {"filesystems": [
        {"target": "/mnt", "source": "/dev/sda1", "fstype": "btrfs", "fsroot": "/@",
         "options": "ro,relatime,subvol=/@"},
        {"target": "/", "source": None, "fstype": None, "fsroot": None, "options": None},
    ]}  # fmt: skip
    first, second = findmnt.read(json.dumps(told))
    assert (first.path, first.root, first.readonly) == ("/mnt", "/@", True)
    assert (second.source, second.readonly) == ("", False)


def test_boot_of_the_fstab_is_mounted_too(tmp_path: Path) -> None:
    entries = fstab.parse(f"UUID={l.BOOT_UUID} /boot ext2 d 0 2\nUUID=none /usr ext4 d 0 2\n")
    steps, missing = reach.others(str(tmp_path), entries, (), l.facts())
    assert [(step.what, step.path) for step in steps] == [("/dev/sda2", f"{tmp_path}/boot")]
    assert missing == (("/usr", "UUID=none"),)


@pytest.mark.parametrize(("names", "found"), [(("etc",), ""), (("@/etc",), "@"), ((), "")])
def test_the_subvolume_with_the_root_is_found(
    names: tuple[str, ...], found: str, tmp_path: Path
) -> None:
    (tmp_path / "@home").mkdir()
    for name in names:
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "fstab").write_text("")
    assert reach.subvolume(str(tmp_path)) == found


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/dev/sda", "is a whole disk, not a partition"),
        ("/dev/sda3", "encrypted"),
        ("/dev/sr0", "holds the disc"),
        ("/dev/sdq1", "no such device"),
        ("/nowhere", "no such device"),
    ],
)
def test_partitions_that_are_no_root(path: str, told: str) -> None:
    with pytest.raises(Mistakes) as caught:
        reach.partition(path, l.facts())
    assert told in caught.value.pairs[0][0]
    assert caught.value.pairs[0][1]


def test_a_guests_disk_is_left_alone() -> None:
    facts = l.facts(guest_disks=frozenset({"/dev/sda1"}))
    with pytest.raises(Mistakes, match="running domain"):
        reach.partition("/dev/sda1", facts)


def test_assignments_of_a_shell() -> None:
    text = '# GRUB_X=no\nGRUB_X=\'a b\'\nexport GRUB_X="c  d" # why\nGRUB_Y=$(x "\n'
    assert cmdline.assigned(text, "GRUB_X") == "c  d"
    assert cmdline.assigned(text, "GRUB_Z") == ""
    assert cmdline.assigned(text, "GRUB_Y") == ""


def test_words_of_the_target_that_are_taken() -> None:
    line = "root=/dev/sda1 ro quiet splash net.ifnames=0 console=ttyS0 rd.lvm.lv=x $more apparmor=0"
    assert cmdline.taken(line) == ("net.ifnames=0", "apparmor=0")


def test_a_stub_on_the_esp_is_no_menu() -> None:
    assert grub2.is_stub(b"search --fs-uuid x\nset prefix=y\nconfigfile $prefix/grub.cfg\n")
    assert not grub2.is_stub(l.GRUB_CFG)
    assert not grub2.is_stub(l.FEDORA_CFG)


def test_words_are_quoted_for_grub() -> None:
    assert grub2.quoted("root=UUID=a-b") == "root=UUID=a-b"
    assert grub2.quoted("a'b $c") == "'a'\\''b $c'"


def test_a_generator_that_rewrites_more_is_not_used(tmp_path: Path) -> None:
    root = l.fedora(tmp_path)
    found = l.target(root, top=replace(l.ROOT, fstype="btrfs")).grub2
    assert found
    assert found.tool == ""
    assert "rewrite the entries in /boot/loader" in found.why
    newer = "#!/bin/sh\n# --no-grubenv-update --update-bls-cmdline\n"
    (root / "usr/sbin/grub2-mkconfig").write_text(newer)
    found = l.target(root, top=replace(l.ROOT, fstype="btrfs")).grub2
    assert found
    assert (found.tool, found.flags) == ("/usr/sbin/grub2-mkconfig", ("--no-grubenv-update",))

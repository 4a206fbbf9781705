"""What must not be installed to: machines as lsblk tells of them, and what is refused there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.support.lsblk import (
    DISC,
    FLOPPY,
    GIB,
    ZRAM,
    Entry,
    disk,
    entry,
    facts,
    mapped,
    part,
)
from xendemo.install import dialog, safety
from xendemo.install.facts import Facts
from xendemo.install.options import Options

EMPTY = disk("sdb")
ON_LVM = mapped("vg-root", 0, "lvm", fstype="ext4", mountpoints=["/"])


def refused(machine: Facts, target: str, way: str = "disk", **more: Any) -> list[str]:
    return [pair[0] for pair in safety.mistakes(machine, Options(way, target, **more))]


def test_an_empty_disk_is_taken() -> None:
    assert refused(facts(EMPTY), "/dev/sdb") == []


def test_a_loop_device_is_as_good_as_a_disk() -> None:
    assert refused(facts(entry("loop7", "loop", 4 * GIB)), "/dev/loop7") == []


def test_an_empty_nvme_disk_is_taken_by_any_of_its_names() -> None:
    machine = replace(facts(disk("nvme0n1", tran="nvme")),
                      names={"/dev/disk/by-id/nvme-X_1": "/dev/nvme0n1"})  # fmt: skip
    assert refused(machine, "/dev/disk/by-id/nvme-X_1") == []


LUKS_WITH_LVM = mapped("crypt", 1, "crypt", fstype="LVM2_member", on_it=(ON_LVM,))

# What is there, what is named, and what must be told of it; a list has one for each complaint.
CASES: dict[str, tuple[list[Entry], str, list[str]]] = {
    "a partition that is mounted": (
        [disk("sda", part("sda1", fstype="ext4", mountpoints=["/mnt"]))],
        "/dev/sda",
        ["/dev/sda1 is mounted at /mnt", "not empty"],
    ),
    "two that are mounted, and swap": (
        [disk("sda", part("sda1", fstype="ext4", mountpoints=["/"]),
              part("sda2", fstype="swap", mountpoints=["[SWAP]"]),
              part("sda3", fstype="xfs", mountpoints=["/srv", "/home"]))],
        "/dev/sda",
        ["/dev/sda1 is mounted at /", "/dev/sda2 is in use as swap",
         "/dev/sda3 is mounted at /srv", "not empty: 3 partitions"],
    ),
    "a whole disk that is mounted": (
        [disk("sda", fstype="ext4", mountpoints=["/data"])],
        "/dev/sda",
        ["/dev/sda is mounted at /data", "not empty: a file system or other data (ext4)"],
    ),
    "a whole disk as swap": (
        [disk("sda", fstype="swap", mountpoints=["[SWAP]"])],
        "/dev/sda",
        ["/dev/sda is in use as swap", "not empty"],
    ),
    "a part of LVM": (
        [disk("sda", part("sda1", ON_LVM, fstype="LVM2_member"))],
        "/dev/sda",
        ["/dev/sda1 is part of LVM", "/dev/mapper/vg-root is mounted at /", "not empty"],
    ),
    "a part of LVM that is not active": (
        [disk("sda", part("sda1", fstype="LVM2_member"))],
        "/dev/sda",
        ["/dev/sda1 is part of LVM", "not empty"],
    ),
    "LVM on a whole disk": (
        [disk("sda", fstype="LVM2_member")],
        "/dev/sda",
        ["/dev/sda is part of LVM", "not empty"],
    ),
    "LVM on LUKS": (
        [disk("nvme0n1", part("nvme0n1p3", LUKS_WITH_LVM, fstype="crypto_LUKS"))],
        "/dev/nvme0n1",
        ["/dev/nvme0n1p3 is encrypted (LUKS)", "/dev/mapper/crypt is part of LVM",
         "/dev/mapper/vg-root is mounted at /", "not empty"],
    ),
    "LUKS that nobody has opened": (
        [disk("sda", part("sda1", fstype="crypto_LUKS"))],
        "/dev/sda",
        ["/dev/sda1 is encrypted (LUKS)", "not empty"],
    ),
    "LUKS on a whole disk": (
        [disk("sda", fstype="crypto_LUKS")],
        "/dev/sda",
        ["/dev/sda is encrypted (LUKS)", "not empty"],
    ),
    "BitLocker": (
        [disk("sda", part("sda3", fstype="BitLocker"))],
        "/dev/sda",
        ["/dev/sda3 is encrypted (BitLocker)", "not empty"],
    ),
    "a member of an array": (
        [disk("sda", part("sda1", entry("md0", "raid1", GIB, fstype="ext4"),
                          fstype="linux_raid_member"))],
        "/dev/sda",
        ["/dev/sda1 is part of a RAID array", "/dev/md0 is there through a RAID", "not empty"],
    ),
    "a member of an array that is not assembled": (
        [disk("sda", fstype="linux_raid_member")],
        "/dev/sda",
        ["/dev/sda is part of a RAID array (md)", "not empty"],
    ),
    "a member of a firmware's array": (
        [disk("sda", fstype="isw_raid_member")],
        "/dev/sda",
        ["part of a firmware's RAID array", "not empty"],
    ),
    "an array itself": (
        [disk("sda", entry("md127", "raid5", GIB), fstype="linux_raid_member", pttype=None)],
        "/dev/md127",
        ["/dev/md127 is no disk (raid5)"],
    ),
    "a path of a multipath device": (
        [disk("sda", mapped("mpatha", 2, "mpath"), fstype="mpath_member", pttype=None)],
        "/dev/sda",
        ["/dev/sda is part of a multipath device", "mpatha is there through", "not empty"],
    ),
    "a multipath device": (
        [disk("sda", mapped("mpatha", 2, "mpath"), fstype="mpath_member", pttype=None)],
        "/dev/mapper/mpatha",
        ["/dev/mapper/mpatha is no disk (mpath)"],
    ),
    "a pool of ZFS": (
        [disk("sda", part("sda1", fstype="zfs_member"))],
        "/dev/sda",
        ["/dev/sda1 is part of ZFS", "not empty"],
    ),
    "a logical volume": (
        [disk("sda", part("sda1", ON_LVM, fstype="LVM2_member"))],
        "/dev/mapper/vg-root",
        ["/dev/mapper/vg-root is no disk (lvm)"],
    ),
    "a partition": ([disk("sda", part("sda1"))], "/dev/sda1", ["is a partition, not a disk"]),
    "the CD drive": ([], "/dev/sr0", ["/dev/sr0 is a CD or DVD drive"]),
    "compressed memory": ([ZRAM], "/dev/zram0", ["/dev/zram0 is no disk"]),
    "a floppy": ([FLOPPY], "/dev/fd0", ["/dev/fd0 is no disk"]),
    "a card reader without a card": (
        [disk("sdc", size=0, rm=True, tran="usb")],
        "/dev/sdc",
        ["/dev/sdc has no medium in it"],
    ),
    "a network block device": ([entry("nbd0", "disk", GIB)], "/dev/nbd0", ["is no disk"]),
    "a disk with a write protection": ([disk("sdb", ro=True)], "/dev/sdb", ["is read-only"]),
    "a small disk": (
        [disk("sdb", size=GIB)],
        "/dev/sdb",
        ["/dev/sdb is too small: it has 1.0 GiB, 1.7 GiB are needed"],
    ),
    "a small read-only disk with a file system": (
        [disk("sdb", size=GIB, ro=True, fstype="vfat")],
        "/dev/sdb",
        ["is read-only", "is too small", "is not empty"],
    ),
    "an empty partition table": (
        [disk("sdb", pttype="dos")],
        "/dev/sdb",
        ["/dev/sdb is not empty: a partition table (dos)"],
    ),
    "one partition without a file system": (
        [disk("sdb", part("sdb1"))],
        "/dev/sdb",
        ["not empty: 1 partition (/dev/sdb1 unknown 20.0 GiB)"],
    ),
    "signs of several things": (
        [disk("sdb", fstype="several things")],
        "/dev/sdb",
        ["not empty: a file system or other data (several things)"],
    ),
    "a misspelled name": ([disk("sdb")], "/dev/sdbb", ["/dev/sdbb: there is no such device"]),
    "a partition that is not there": (
        [disk("sdb", part("sdb1"))],
        "/dev/sdb5",
        ["/dev/sdb5: there is no such device"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_refused(name: str) -> None:
    there, target, expected = CASES[name]
    told = refused(facts(*there), target)
    assert len(told) == len(expected), told
    for message, part_of_it in zip(told, expected, strict=True):
        assert part_of_it in message


def test_every_refusal_has_a_remedy() -> None:
    for there, target, _ in CASES.values():
        for message, hint in safety.mistakes(facts(*there), Options("disk", target)):
            assert hint, message


def test_the_nearest_name_is_told() -> None:
    (pair,) = safety.mistakes(facts(EMPTY), Options("disk", "/dev/sdv"))
    assert "did you mean /dev/sdb?" in pair[1]


# --- the disc that it runs from -------------------------------------------------------------------


def on(device: str, *backing: str) -> Any:
    return replace(DISC, device=device, backing=frozenset({device, *backing}))


STICK = disk("sdc", part("sdc2", size=2 << 20, fstype="vfat"), size=8 * GIB, tran="usb",
             fstype="iso9660", mountpoints=["/cdrom"])  # fmt: skip


def test_the_stick_that_it_runs_from() -> None:
    machine = facts(STICK, disc=on("/dev/sdc"))
    assert "/dev/sdc holds the disc that this runs from" in refused(machine, "/dev/sdc")[0]
    assert "holds the disc" in refused(machine, "/dev/sdc", wipe="/dev/sdc")[0]
    assert "/dev/sdc2 holds the disc" in refused(machine, "/dev/sdc2", "frugal")[0]


def test_the_disk_with_the_iso_file_that_it_runs_from() -> None:
    """findiso=: the partition is mounted by the initrd, and a loop device is over the file."""
    sda = disk("sda", part("sda1", fstype="ext4"),
               part("sda2", fstype="ext4", mountpoints=["/run/democd/host"]))  # fmt: skip
    machine = facts(sda, disc=on("/dev/loop0", "/dev/sda2", "/dev/sda"))
    assert "/dev/sda holds the disc" in refused(machine, "/dev/sda", wipe="/dev/sda")[0]
    assert "/dev/sda2 holds the disc" in refused(machine, "/dev/sda2", "into")[0]
    assert refused(machine, "/dev/sda1", "into") == []  # another partition is not in the way


def test_ventoy_has_a_device_of_its_own_over_the_stick() -> None:
    ventoy = mapped("ventoy", 0, "dm", size=300 << 20, fstype="iso9660", mountpoints=["/cdrom"])
    stick = disk("sdc", part("sdc1", ventoy, fstype="exfat"), part("sdc2", fstype="vfat"))
    machine = facts(stick, disc=on("/dev/mapper/ventoy", "/dev/sdc1", "/dev/sdc"))
    assert "/dev/sdc holds the disc" in refused(machine, "/dev/sdc", wipe="/dev/sdc")[0]


def test_a_disc_that_is_in_memory_frees_its_stick() -> None:
    stick = disk("sdc", size=8 * GIB, tran="usb", fstype="iso9660")
    machine = facts(stick, disc=on("/dev/loop0"))
    assert refused(machine, "/dev/sdc", wipe="/dev/sdc") == []


# --- who else has it ------------------------------------------------------------------------------


@pytest.mark.parametrize("used", ["/dev/sdb", "/dev/sdb1"])
def test_a_disk_of_a_guest(used: str) -> None:
    machine = facts(disk("sdb", part("sdb1")), guest_disks=frozenset({used}))
    assert f"{used} is a disk of a running domain" in refused(machine, "/dev/sdb")


def test_a_partition_of_a_guests_disk() -> None:
    machine = facts(disk("sdb", part("sdb1", fstype="ext4")), guest_disks=frozenset({"/dev/sdb"}))
    assert refused(machine, "/dev/sdb1", "into") == [
        "/dev/sdb1 is on /dev/sdb, a disk of a running domain"
    ]


def test_what_the_kernel_gives_to_nobody_else() -> None:
    machine = replace(facts(EMPTY), in_use={"/dev/sdb": "in use by something that holds it"})
    assert refused(machine, "/dev/sdb") == ["/dev/sdb is in use by something that holds it"]


def test_what_lsblk_does_not_know_to_be_mounted() -> None:
    machine = replace(facts(EMPTY), in_use={"/dev/sdb": "mounted at /x"})
    assert refused(machine, "/dev/sdb") == ["/dev/sdb is mounted at /x"]


# --- --wipe and unattended ------------------------------------------------------------------------

USED = disk("sdb", part("sdb1", fstype="ntfs"))


def test_wipe_must_name_the_very_disk() -> None:
    machine = facts(USED, disk("sda"))
    assert refused(machine, "/dev/sdb", wipe="/dev/sdb") == []
    assert "may be emptied, but" in refused(machine, "/dev/sdb", wipe="/dev/sda")[0]
    assert "no such device" in refused(machine, "/dev/sdb", wipe="/dev/sdx")[0]


def test_wipe_may_use_another_of_its_names() -> None:
    machine = replace(facts(USED), names={"/dev/disk/by-id/ata-X": "/dev/sdb"})
    assert refused(machine, "/dev/sdb", wipe="/dev/disk/by-id/ata-X") == []
    assert refused(machine, "/dev/disk/by-id/ata-X", wipe="/dev/sdb") == []


def test_wipe_does_not_help_with_what_is_in_use() -> None:
    machine = facts(disk("sdb", part("sdb1", fstype="ext4", mountpoints=["/home"])))
    assert refused(machine, "/dev/sdb", wipe="/dev/sdb") == ["/dev/sdb1 is mounted at /home"]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, "is not empty, and nobody is there to look at it"),
        ({"serial": "WD-OTHER"}, "has the serial number 'WD-SDB', not 'WD-OTHER'"),
        ({"size": 1000}, f"has {500 * GIB} bytes, not 1000"),
        ({"serial": "WD-SDB"}, ""),
        ({"size": 500 * GIB}, ""),
        ({"size": 500 * GIB, "serial": "WD-OTHER"}, "has the serial number"),
    ],
)
def test_unattended_a_disk_is_known_by_more_than_its_name(
    more: dict[str, Any], expected: str
) -> None:
    told = refused(facts(USED), "/dev/sdb", wipe="/dev/sdb", unattended=True, **more)
    assert (expected in told[0]) if expected else told == []


def test_unattended_without_wipe_no_number_helps() -> None:
    told = refused(facts(USED), "/dev/sdb", unattended=True, serial="WD-SDB")
    assert len(told) == 1
    assert "is not empty" in told[0]


def test_unattended_a_wrong_serial_number_counts_on_an_empty_disk_too() -> None:
    assert "serial number" in refused(facts(EMPTY), "/dev/sdb", unattended=True, serial="X")[0]
    assert refused(facts(EMPTY), "/dev/sdb", unattended=True) == []


# --- partitions -----------------------------------------------------------------------------------

PARTITIONS: dict[str, tuple[Entry, str, str]] = {
    "LVM": (disk("sda", part("sda1", ON_LVM, fstype="LVM2_member")), "/dev/mapper/vg-root",
            "there through LVM: the initrd that boots Xen cannot open that"),
    "LUKS": (disk("sda", part("sda1", fstype="crypto_LUKS")), "/dev/sda1", "encrypted (LUKS)"),
    "md": (disk("sda", entry("md0", "raid1", GIB, fstype="ext4")), "/dev/md0", "RAID array"),
    "a disk": (disk("sda", part("sda1", fstype="ext4")), "/dev/sda", "whole disk, not a partition"),
    "swap": (disk("sda", part("sda1", fstype="swap")), "/dev/sda1", "is swap space"),
    "nothing": (disk("sda", part("sda1")), "/dev/sda1", "has no file system"),
    "read-only": (disk("sda", part("sda1", fstype="ext4", ro=True)), "/dev/sda1", "read-only"),
}  # fmt: skip


@pytest.mark.parametrize("way", ["into", "frugal"])
@pytest.mark.parametrize("name", PARTITIONS)
def test_partitions_that_are_refused(name: str, way: str) -> None:
    there, target, expected = PARTITIONS[name]
    (told,) = refused(facts(there), target, way)
    assert expected in told


# Who has a partition already: what lsblk tells of it and what else is known, and what is told.
IN_USE: dict[str, tuple[Entry, dict[str, Any], str]] = {
    "mounted": (part("sda1", fstype="ext4", mountpoints=["/srv"]), {}, "is mounted at /srv"),
    "mounted, unknown to lsblk": (part("sda1", fstype="ext4"),
                                  {"in_use": {"/dev/sda1": "mounted at /x"}}, "is mounted at /x"),
    "mounted where we see nothing": (part("sda1", fstype="ext4"),
                                     {"in_use": {"/dev/sda1": "in use by something"}}, "in use by"),
    "swap": (part("sda1", fstype="swap", mountpoints=["[SWAP]"]), {}, "in use as swap"),
    "LVM": (part("sda1", ON_LVM, fstype="LVM2_member"), {}, "part of LVM"),
    "LVM, inactive": (part("sda1", fstype="LVM2_member"), {}, "part of LVM"),
    "md": (part("sda1", entry("md0", "raid1", GIB, fstype="ext4"), fstype="linux_raid_member"),
           {}, "part of a RAID array (md)"),
    "LUKS": (part("sda1", LUKS_WITH_LVM, fstype="crypto_LUKS"), {}, "encrypted (LUKS)"),
    "below something": (part("sda1", mapped("x", 3, "dm", fstype="ext4"), fstype="ext4"), {},
                        "/dev/mapper/x is there through the device mapper"),
    "a guest's": (part("sda1", fstype="ext4"), {"guest_disks": frozenset({"/dev/sda1"})},
                  "a disk of a running domain"),
    "of a guest's disk": (part("sda1", fstype="ext4"), {"guest_disks": frozenset({"/dev/sda"})},
                          "/dev/sda, a disk of a running domain"),
}  # fmt: skip


@pytest.mark.parametrize("way", ["disk", "into", "frugal"])
@pytest.mark.parametrize("name", IN_USE)
def test_what_anybody_uses_is_refused_for_every_way(name: str, way: str) -> None:
    there, more, expected = IN_USE[name]
    machine = facts(disk("sda", there), **more)
    target = "/dev/sda" if way == "disk" else "/dev/sda1"
    pairs = safety.mistakes(machine, Options(way, target, wipe=target if way == "disk" else ""))
    assert any(expected in told for told, _ in pairs) or (
        name == "of a guest's disk" and pairs[0][0] == "/dev/sda is a disk of a running domain"
    )
    for _, remedy in pairs:
        assert remedy
        assert "wipefs" not in remedy or way == "disk"  # there is something on a partition


def test_a_mounted_linux_is_named_by_its_folder() -> None:
    sda = disk("sda", part("sda1", fstype="ext4", mountpoints=["/var/lib/docker", "/"]))
    [(told, remedy)] = safety.mistakes(facts(sda), Options("into", "/dev/sda1"))
    assert told == "/dev/sda1 is mounted at /"
    assert remedy.endswith("name its folder: /")
    assert safety.mistakes(facts(sda), Options("into", "/")) == []
    # It cannot be unmounted, so that is not the advice.
    [(_, remedy)] = safety.mistakes(facts(sda), Options("frugal", "/dev/sda1"))
    assert "umount" not in remedy


def test_a_folder_is_not_judged_by_its_device() -> None:
    assert refused(facts(), "/mnt", "into") == []


# --- what the dialog offers -----------------------------------------------------------------------


def test_the_dialog_offers_nothing_that_would_be_refused() -> None:
    machine = facts(
        EMPTY, FLOPPY, ZRAM,
        disk("sda", part("sda1", fstype="ext4", mountpoints=["/"])),
        disk("sdd", part("sdd1", fstype="ntfs"), part("sdd2", fstype="ext4", uuid="d2")),
        disk("sde", part("sde1", fstype="LVM2_member")), disk("sdf", ro=True),
        disk("sdg", part("sdg1", fstype="xfs"), part("sdg2", fstype="ext4", ro=True,
                                                    mountpoints=["/mnt"])),
    )  # fmt: skip
    offered = [device.path for device in dialog.disks(machine)]
    assert offered == ["/dev/sdb", "/dev/sdd"]
    # What is mounted is named by its folder then.
    offered = [device.path for device in dialog.partitions(machine, "into")]
    assert offered == ["/dev/sda1", "/dev/sdd2", "/dev/sdg1"]
    assert [device.path for device in dialog.partitions(machine, "frugal")] == ["/dev/sdd2"]


def test_a_disk_is_shown_by_what_a_person_knows_it_by() -> None:
    device = facts(disk("sdd", part("sdd1", fstype="ntfs"))).find("/dev/sdd")
    assert device
    assert dialog.line(device).splitlines() == [
        "/dev/sdd  500.0 GiB  sata WDC WD5000 WD-SDD",
        "       1 partition (/dev/sdd1 ntfs 20.0 GiB)",
    ]

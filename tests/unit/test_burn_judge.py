"""What `burn` refuses to write to, and what it shows of a device before it asks."""

from __future__ import annotations

from typing import Any

import pytest

from democd.burn import devices, judge
from tests.support import lsblk
from tests.support.lsblk import GIB, disk, mapped, part

ISO = 250_000_000
USB = {"tran": "usb", "rm": True, "vendor": "SanDisk ", "model": "Ultra", "size": 30 * GIB}
STICK = disk("sdb", part("sdb1", fstype="vfat", label="PHOTOS"), **USB)
SYSTEM = disk("sda", part("sda1", fstype="ext4", mountpoints=["/boot"]), part("sda2"))


def facts(path: str, *entries: lsblk.Entry, **more: Any) -> judge.Facts:
    """A machine with these devices, and the system's own disk."""
    kind = more.pop("kind", "block")
    return judge.Facts(path, path, kind, devices.read(lsblk.text(SYSTEM, *entries)), **more)


def told(there: judge.Facts, *, size: int = ISO, fixed: bool = False) -> list[str]:
    return [message for message, _ in judge.mistakes(there, size, fixed=fixed)]


def test_a_stick_is_taken_and_a_usb_disk_and_a_card() -> None:
    assert told(facts("/dev/sdb", STICK)) == []
    assert told(facts("/dev/sdb", disk("sdb", tran="usb", rm=False))) == []
    assert told(facts("/dev/mmcblk0", disk("mmcblk0", tran="mmc"))) == []


def test_a_disk_that_is_built_in_is_taken_only_if_told() -> None:
    there = facts("/dev/sdc", disk("sdc", tran="nvme", model="WDC SN550"))
    assert told(there) == ["/dev/sdc is built in, not a stick: WDC SN550"]
    assert told(there, fixed=True) == []


@pytest.mark.parametrize("place", ["/", "/usr", "/boot", "/boot/efi", "/home"])
def test_the_disk_of_the_system_is_never_taken(place: str) -> None:
    # A system on a stick, encrypted: the mount is two floors above the disk.
    root = mapped("root", 0, "crypt", mountpoints=[place])
    own = disk("sdb", part("sdb1", root, fstype="crypto_LUKS"), **USB)
    assert told(facts("/dev/sdb", own), fixed=True) == [
        f"/dev/sdb is the disk that this system runs from: it has {place}"
    ]


def test_all_that_is_mounted_or_in_use_is_told_at_once() -> None:
    volume = mapped("vg-data", 1, "lvm")
    busy = disk(
        "sdb",
        part("sdb1", mountpoints=["/media/photos", "/mnt"]),
        part("sdb2", mountpoints=["[SWAP]"]),
        part("sdb3", volume, fstype="LVM2_member"),
        **{**USB, "size": 10**8, "ro": True},
    )
    found = judge.mistakes(facts("/dev/sdb", busy, in_use=True), ISO, fixed=False)
    assert found[0] == ("/dev/sdb1 is mounted at /media/photos, /mnt", "umount /dev/sdb1")
    assert [message for message, _ in found[1:]] == [
        "/dev/sdb2 is in use as swap",
        "/dev/sdb3 is in use by /dev/mapper/vg-data (LVM2_member)",
        "/dev/sdb is read-only",
        "/dev/sdb is too small: 100.0 MB, not 250.0 MB",
    ]


def test_what_only_the_kernel_knows_to_be_in_use_is_refused() -> None:
    assert told(facts("/dev/sdb", STICK, in_use=True)) == [
        "/dev/sdb is in use by the kernel or a program"
    ]


def test_a_partition_is_refused_and_its_disk_named() -> None:
    ((message, hint),) = judge.mistakes(facts("/dev/sdb1", STICK), ISO, fixed=True)
    assert message == "/dev/sdb1 is a partition of /dev/sdb"
    assert hint.endswith("it takes the whole disk: /dev/sdb")


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (lsblk.entry("dm-3", "lvm", GIB, path="/dev/x"), "/dev/x is no disk (lvm)"),
        (lsblk.entry("md0", "raid1", GIB, path="/dev/x"), "/dev/x is no disk (raid1)"),
        (lsblk.entry("zram0", "disk", GIB, path="/dev/x"), "/dev/x is no disk (disk)"),
        (lsblk.entry("sdx", "disk", 0, path="/dev/x", rm=True), "/dev/x has no medium in it"),
    ],
)  # fmt: skip
def test_what_is_no_disk_is_refused(entry: lsblk.Entry, message: str) -> None:
    assert told(facts("/dev/x", entry), fixed=True) == [message]


def test_a_name_without_a_device_is_told_which_sticks_there_are() -> None:
    ((message, hint),) = judge.mistakes(facts("/dev/sdd", STICK, kind=""), ISO, fixed=False)
    assert message == "/dev/sdd: there is no such device"
    assert hint.startswith("plugged in: /dev/sdb (SanDisk Ultra); ")
    (_, hint), = judge.mistakes(facts("copy.img", kind="file"), ISO, fixed=False)  # fmt: skip
    assert hint.endswith("stdio:copy.img")


def test_who_may_not_write_is_told_how() -> None:
    assert told(facts("/dev/sdb", STICK, writable=False)) == ["you may not write to /dev/sdb"]


def test_what_is_on_a_stick_is_shown() -> None:
    device = facts("/dev/sdb", STICK).device
    assert device
    assert devices.about(device) == [
        "/dev/sdb: SanDisk Ultra, USB, 32.2 GB, serial WD-SDB",
        "  /dev/sdb1: vfat 'PHOTOS', 21.5 GB",
    ]


# What lsblk of util-linux 2.41, asked with `ASK`, says of a stick in QEMU, but for some nulls.
RECORDED = """
{"blockdevices": [
  {"name": "sda", "path": "/dev/sda", "kname": "sda", "type": "disk", "size": 67108864,
   "ro": false, "rm": true, "tran": "usb", "vendor": "QEMU    ", "model": "QEMU HARDDISK",
   "serial": "STICK1", "fstype": null, "label": null, "pttype": "gpt", "mountpoints": [],
   "children": [
     {"name": "sda1", "path": "/dev/sda1", "kname": "sda1", "type": "part", "size": 8388608,
      "ro": false, "rm": true, "tran": null, "vendor": null, "model": null, "serial": null,
      "fstype": "ext4", "label": null, "pttype": "gpt", "mountpoints": ["/mnt"]}]},
  {"name": "sr0", "path": "/dev/sr0", "kname": "sr0", "type": "rom", "size": 284553216,
   "ro": true, "rm": true, "tran": "ata", "vendor": "QEMU    ", "model": "QEMU DVD-ROM",
   "serial": "QM00003", "fstype": "iso9660", "label": "XENDEMO", "pttype": "PMBR",
   "mountpoints": ["/cdrom"]}]}
"""


def test_what_lsblk_says_is_read() -> None:
    there = judge.Facts("/dev/sda", "/dev/sda", "block", devices.read(RECORDED))
    assert told(there, size=36_196_352) == ["/dev/sda1 is mounted at /mnt"]
    assert devices.about(devices.read(RECORDED)[0])[0] == (
        "/dev/sda: QEMU HARDDISK, USB, 67.1 MB, serial STICK1"
    )


def test_lsblk_is_asked_for_what_makes_it_tell_what_lies_on_what() -> None:
    assert "name" in devices.ASK[-1].split(","), "without it lsblk gives a flat list"

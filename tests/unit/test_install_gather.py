"""What lsblk, blkid, findmnt, xenstore and the disc tell, read as the installer reads it."""

from __future__ import annotations

import json
import struct

import pytest

from tests.support.lsblk import GIB, disk, entry, mapped, part, text
from xendemo.errors import InputError
from xendemo.install import devices, findmnt, gather, medium
from xendemo.install.findmnt import Mounted

HELP_2_38 = """
Available output columns:
         NAME  device name
        KNAME  internal kernel device name
      MAJ:MIN  major:minor device number
         PATH  path to the device node
         TYPE  device type
   MOUNTPOINT  where the device is mounted
  MOUNTPOINTS  all locations where device is mounted
         SIZE  size of the device
"""
XENSTORE = """\
/local/domain/0/backend/vbd/3/51712/params = "/dev/disk/by-id/ata-X"
/local/domain/0/backend/vbd/3/51712/physical-device = "8:11"
/local/domain/0/backend/vbd/3/51728/params = "/srv/images/web.img"
/local/domain/0/backend/vbd/4/51712/params = "aio:/dev/sdc"
/local/domain/0/backend/vbd/4/51712/mode = "w"
"""
MANIFEST = {
    "title": "Xen Demo CD", "version": "1.2", "xen": "4.20.2",
    "kernels": {"xen0": "6.12.57+deb13-amd64", "xenU": "6.12.57+deb13-cloud-amd64"},
    "layers": ["base", "common", "dom0", "guest", "plain", "xendemo", "modules-xen0", "tools"],
    "roles": {"dom0": ["common", "xendemo", "dom0"], "guest": ["common", "guest"]},
    "packages": {"count": 1, "installed_bytes": 500_000_000, "list": "/packages.txt"},
    "files": [{"path": f"/live/{name}.squashfs", "size": 1000}
              for name in ("base", "common", "xendemo", "dom0", "guest", "tools", "modules-xen0")],
}  # fmt: skip


# --- lsblk ----------------------------------------------------------------------------------------


def test_an_older_lsblk_is_asked_only_for_what_it_knows() -> None:
    columns = devices.ask(HELP_2_38)[-1].split(",")
    assert columns == ["name", "path", "kname", "maj:min", "type", "size", "mountpoints"]
    assert devices.ask("PATH TYPE MOUNTPOINT")[-1] == "name,path,type,mountpoint"


def test_what_an_older_lsblk_does_not_tell_comes_from_the_kernel() -> None:
    told = {"blockdevices": [{"path": "/dev/sda", "kname": "sda", "type": "disk", "size": "99",
                              "ro": "0", "rm": "1", "mountpoint": None,
                              "children": [{"path": "/dev/sda3", "kname": "sda3", "type": "part",
                                            "size": 50, "mountpoint": "/"}]}]}  # fmt: skip
    (sda,) = devices.read(json.dumps(told), {"sda3": (3, 4096)})
    assert (sda.size, sda.readonly, sda.removable, sda.mountpoints) == (99, False, True, ())
    (sda3,) = sda.children
    assert (sda3.number, sda3.start, sda3.mountpoints) == (3, 4096, ("/",))


def test_a_device_on_two_others_is_walked_below_both() -> None:
    array = entry("md0", "raid1", GIB)
    seen = devices.read(text(disk("sda", array), disk("sdb", array)))
    assert [device.path for device in devices.walk(seen)].count("/dev/md0") == 2


# --- blkid ----------------------------------------------------------------------------------------


def test_what_udev_has_not_noted_blkid_finds() -> None:
    (sda,) = devices.read(text(disk("sda", pttype=None)))
    found = gather.read_probe(sda, "DEVNAME=/dev/sda\nLABEL=my\\ disk\nUUID=ab-cd\nTYPE=ext4\n")
    assert (found.fstype, found.label, found.uuid) == ("ext4", "my disk", "ab-cd")
    assert gather.read_probe(sda, "PTTYPE=dos\n").pttype == "dos"
    assert gather.read_probe(sda, "", ambivalent=True).fstype == "several things"
    assert gather.read_probe(sda, "") == sda


# --- mounts, swap, guests -------------------------------------------------------------------------


def test_mounts_and_swap_are_uses_of_devices() -> None:
    told = {"filesystems": [{"target": "/", "source": "/dev/sda2[/@]", "fstype": "btrfs"},
                            {"target": "/proc", "source": "proc", "fstype": "proc"},
                            {"target": "/x", "source": None, "fstype": None}]}  # fmt: skip
    swaps = gather.read_swaps("Filename Type Size Used Priority\n/dev/dm-1 partition 9 0 -2\n")
    names = {"/dev/dm-1": "/dev/mapper/vg-swap"}
    assert gather.used(findmnt.read(json.dumps(told)), swaps, names) == {
        "/dev/sda2": "mounted at /",
        "/dev/mapper/vg-swap": "in use as swap",
    }


def test_guests_disks_are_devices_or_numbers_but_no_files() -> None:
    assert gather.read_guest_disks(XENSTORE) == {"/dev/disk/by-id/ata-X", "8:17", "/dev/sdc"}
    assert gather.read_guest_disks("") == frozenset()


# --- what the disc is on --------------------------------------------------------------------------


def backing(
    device: str, mounts: list[Mounted], files: dict[str, str], *there: devices.Any
) -> set[str]:
    return set(medium.backing(device, devices.read(text(*there)), mounts, {}, files))


def test_a_cd_is_on_itself() -> None:
    assert backing("/dev/sr0", [], {}, entry("sr0", "rom", 1)) == {"/dev/sr0"}


def test_a_file_leads_to_its_partition_and_that_to_its_disk() -> None:
    mounts = [Mounted("/", "overlay", "overlay"), Mounted("/run", "tmpfs", "tmpfs"),
              Mounted("/run/democd/host", "/dev/sda3", "ext4")]  # fmt: skip
    there = (disk("sda", part("sda3", fstype="ext4")), disk("sdb"))
    files = {"/dev/loop0": "/run/democd/host/xendemo.iso"}
    assert backing("/dev/loop0", mounts, files, *there) == {"/dev/loop0", "/dev/sda3", "/dev/sda"}


def test_a_file_on_lvm_on_luks_leads_to_all_of_them() -> None:
    root = mapped("vg-root", 1, "lvm", fstype="ext4")
    crypt = mapped("crypt", 0, "crypt", on_it=(root,))
    mounts = [Mounted("/", "/dev/mapper/vg-root", "ext4")]
    found = backing(
        "/dev/loop3", mounts, {"/dev/loop3": "/srv/x.iso"}, disk("sda", part("sda1", crypt))
    )
    assert found == {
        "/dev/loop3", "/dev/mapper/vg-root", "/dev/mapper/crypt", "/dev/sda1", "/dev/sda",
    }  # fmt: skip


def test_a_file_in_memory_is_on_no_disk() -> None:
    mounts = [Mounted("/", "overlay", "overlay"), Mounted("/run/democd/ram", "ram", "tmpfs")]
    assert backing(
        "/dev/loop0", mounts, {"/dev/loop0": "/run/democd/ram/disc.iso"}, disk("sda")
    ) == {"/dev/loop0"}


def test_a_folder_is_no_prefix_of_another_name() -> None:
    mounts = [Mounted("/", "/dev/sda1", "ext4"), Mounted("/srv", "/dev/sdb1", "ext4")]
    there = (disk("sda", part("sda1")), disk("sdb", part("sdb1")))
    assert "/dev/sda1" in backing("/dev/loop0", mounts, {"/dev/loop0": "/srv2/x.iso"}, *there)


# --- what the disc is -----------------------------------------------------------------------------


def test_the_manifest_tells_layers_as_the_initrd_stacks_them() -> None:
    disc = medium.read_disc(MANIFEST, "/mnt", "/dev/sr0", frozenset(), "XENDEMO", 5 << 20)
    assert disc.layers == ("base", "tools", "modules-xen0", "common", "xendemo", "dom0")
    assert disc.unpacked == 500_000_000 + 4 * 5 * 1000
    assert (disc.kernel, disc.xen, disc.version) == ("6.12.57+deb13-amd64", "4.20.2", "1.2")


def test_a_disc_without_a_system_cannot_be_installed() -> None:
    about = {**MANIFEST, "roles": {}, "title": "Xen smoke disc"}
    with pytest.raises(InputError, match="Xen smoke disc has no system"):
        medium.read_disc(about, "/mnt", "/dev/sr0", frozenset(), "SMOKE", 1)


def test_a_volume_descriptor() -> None:
    sector = bytearray(2048)
    sector[:6] = b"\x01CD001"
    sector[40:72] = b"XENDEMO".ljust(32)
    sector[80:84] = struct.pack("<I", 1000)
    assert medium.read_volume(bytes(sector)) == ("XENDEMO", 2_048_000)
    with pytest.raises(InputError, match="no ISO 9660"):
        medium.read_volume(bytes(2048))


def test_without_a_disc_it_says_where_it_looked() -> None:
    with pytest.raises(InputError, match="no Xen demo disc is mounted at /nowhere"):
        medium.find_disc("/nowhere")

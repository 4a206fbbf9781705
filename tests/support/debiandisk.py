"""A disk with a real Debian on it, which starts by BIOS; made by root, on a loop device."""

from __future__ import annotations

import contextlib
import re
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

SUITE = "bookworm"
SIZE = 3 << 30
START = 2048 * 512
INCLUDE = "linux-image-amd64,grub-pc,systemd-sysv,udev,login,passwd,e2fsprogs"
SERIAL = """\
GRUB_DEFAULT=0
GRUB_TIMEOUT=15
GRUB_DISTRIBUTOR=Debian
GRUB_CMDLINE_LINUX_DEFAULT=""
GRUB_CMDLINE_LINUX="net.ifnames=0 console=ttyS0"
GRUB_TERMINAL=serial
GRUB_SERIAL_COMMAND="serial --unit=0 --speed=115200"
"""


def run(*argv: str | Path, given: str = "") -> str:
    done = subprocess.run(argv, input=given, text=True, capture_output=True)
    assert not done.returncode, f"{argv}: {done.stderr[-2000:]}"
    return done.stdout


def files(folder: Path) -> Path:
    """Return an archive of all that is on the disk; it is kept in the folder, for it takes long."""
    tar, part = folder / "debian.tar", folder / "debian.part"
    if not tar.exists():
        folder.mkdir(parents=True, exist_ok=True)
        run("mmdebstrap", "--variant=apt", f"--include={INCLUDE}",
            "--aptopt=APT::Install-Recommends false", "--format=tar", SUITE, part)  # fmt: skip
        part.rename(tar)
    return tar


def make(folder: Path) -> Path:
    """Make the disk: one partition, ext4, with Debian's own kernel and GRUB."""
    disk, tar = folder / "debian.img", files(folder)
    with disk.open("wb") as stream:
        stream.truncate(SIZE)
    run("sfdisk", "--quiet", disk, given="label: dos\nstart=2048, type=83, bootable\n")
    with attached(disk) as part:
        run("mkfs.ext4", "-q", part)
        with named(part), mounted(part, folder / "mnt") as root:
            run("tar", "-C", root, "-xf", tar)
            settle(root, run("blkid", "-s", "UUID", "-o", "value", part).strip())
            install_grub(root, disk, folder)
            with inside(root):
                run("chroot", root, "sh", "-c", "echo root:xendemo | chpasswd")
                run("chroot", root, "update-grub")
            menu = (root / "boot/grub/grub.cfg").read_text()
            assert re.search(r"^\s*linux\s.* root=UUID=", menu, re.MULTILINE), menu
    return disk


def install_grub(root: Path, disk: Path, folder: Path) -> None:
    """Put GRUB onto a disk as grub-bios-setup does, which wants a device with partitions.

    boot.img looks for the rest in the next sector. diskboot.img, the first sector of the core: at
    0x1f4 the sector where what follows is (GRUB, include/grub/offsets.h).
    """
    modules = root / "usr/lib/grub/i386-pc"
    image = folder / "core.img"
    run("grub-mkimage", "-O", "i386-pc", "-d", modules, "-p", "(,msdos1)/boot/grub", "-o", image,
        "biosdisk", "part_msdos", "ext2", "normal")  # fmt: skip
    core = bytearray(image.read_bytes())
    assert len(core) < START - 512
    struct.pack_into("<Q", core, 0x1F4, 2)
    with disk.open("r+b") as stream:
        stream.write((modules / "boot.img").read_bytes()[:440])
        stream.seek(512)
        stream.write(core)
    run("cp", "-r", modules, root / "boot/grub/i386-pc")


def settle(root: Path, uuid: str) -> None:
    """Write what makes a Debian of a tree: its name, its root, a log-in on the serial line."""
    (root / "etc/fstab").write_text(f"UUID={uuid} / ext4 errors=remount-ro 0 1\n")
    (root / "etc/hostname").write_text("olddebian\n")
    (root / "etc/default/grub").write_text(SERIAL)
    (root / "etc/resolv.conf").unlink(missing_ok=True)


@contextlib.contextmanager
def attached(disk: Path) -> Iterator[str]:
    """Give a disk image's partition a loop device for a while."""
    # GRUB's 10_linux gives up on /dev/loop[0-9]: it wants their files, which a chroot has not.
    for number in range(10, 250):
        device = f"/dev/loop{number}"
        argv = ("losetup", "--offset", str(START), device, disk)
        if not subprocess.run(argv, capture_output=True).returncode:
            break
    else:
        raise AssertionError("no loop device is free")
    try:
        yield device
    finally:
        run("losetup", "--detach", device)
        # A mount namespace that others have made meanwhile keeps ours: until it goes, the disk is
        # as after a power cut.
        for left in reversed(range(600)):
            if not run("losetup", "--associated", disk):
                break
            assert left, f"{disk} is still in use"
            time.sleep(1)


@contextlib.contextmanager
def named(device: str) -> Iterator[None]:
    """Give a file system its name in /dev/disk/by-uuid for a while, if udev does not.

    GRUB's 10_linux takes a UUID as the root only where it has that.
    """
    name = Path("/dev/disk/by-uuid") / run("blkid", "-s", "UUID", "-o", "value", device).strip()
    there = name.exists()
    if not there:
        name.parent.mkdir(parents=True, exist_ok=True)
        name.symlink_to(device)
    try:
        yield
    finally:
        if not there:
            name.unlink()


@contextlib.contextmanager
def mounted(device: str, folder: Path, *options: str) -> Iterator[Path]:
    """Mount a file system for a while."""
    folder.mkdir(parents=True, exist_ok=True)
    run("mount", *options, device, folder)
    try:
        yield folder
    finally:
        run("umount", "--recursive", folder)


@contextlib.contextmanager
def inside(root: Path) -> Iterator[None]:
    """Show a system what its programs look at."""
    for name in ("dev", "proc", "sys"):
        run("mount", "--bind", f"/{name}", root / name)
    try:
        yield
    finally:
        for name in ("sys", "proc", "dev"):
            run("umount", root / name)

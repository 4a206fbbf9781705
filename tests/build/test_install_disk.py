"""Way 2 of the installer at work on this host: a sparse file as the disk, no emulator.

Needs root, ext4 and squashfs. What must be booted to be seen is in tests/boot/test_install_disk.py.
"""

from __future__ import annotations

import fnmatch
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from democd.stages.root import patterns
from tests.support import native
from tests.support.building import PROJECT

pytestmark = [
    pytest.mark.install,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts and makes devices"),
]


USR_AND_SWAP = '{"separate_usr": true, "swap": 67108864}'


class Installed:
    """A disk that was installed to."""

    def __init__(self, folder: Path, told: str) -> None:
        self.folder = folder
        self.told = told

    def inside(self, script: str) -> str:
        """Run a shell script in the installed system, which must succeed."""
        done = native.start(self.folder, "run", script)
        assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
        return done.stdout.strip()

    def beside(self, script: str) -> str:
        """Run a shell script on the host, with the root's device as $ROOT."""
        return self.inside(f"#host\n{script}")


@pytest.fixture(scope="module", params=["one file system", "separate /usr, swap"])
def disk(
    request: pytest.FixtureRequest, iso: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installed]:
    folder = tmp_path_factory.mktemp("disk")
    native.unpack(iso, folder / "disc")
    options = (
        "{}" if request.param == "one file system" else '{"separate_usr":true,"swap":67108864}'
    )
    done = native.start(folder, "install", str(iso), options)
    assert done.returncode == 0, done.stdout + done.stderr
    yield Installed(folder, done.stdout + done.stderr)
    shutil.rmtree(folder)


def test_nothing_is_left_mounted_and_the_file_systems_are_clean(disk: Installed) -> None:
    assert str(disk.folder) not in Path("/proc/mounts").read_text()
    kinds = disk.beside(
        "for part in /dev/target[0-9]*; do\n"
        "case $(blkid -p -o value -s TYPE $part) in\n"
        "ext4) e2fsck -f -n $part >&2; echo ext4;;\n"
        "vfat) fsck.fat -n $part >&2; echo vfat;;\n"
        "swap) echo swap;; *) echo none;;\nesac\ndone"
    ).split()
    assert kinds in (["none", "vfat", "ext4"], ["none", "vfat", "swap", "ext4", "ext4"])


def test_the_table_is_whole(disk: Installed) -> None:
    told = disk.beside("sgdisk --verify /dev/target")
    assert "No problems found" in told


def test_the_disk_no_longer_says_that_it_is_unfinished(disk: Installed) -> None:
    with (disk.folder / "disk.img").open("rb") as image:
        sector = image.read(512)
    assert b"GRUB" in sector
    assert b"not finished" not in sector
    assert disk.beside("e2label $ROOT") == "xendemo-root"


def test_a_disk_that_is_interrupted_says_that_it_is_unfinished(iso: Path, tmp_path: Path) -> None:
    native.unpack(iso, tmp_path / "disc")
    (tmp_path / "disc/boot/vmlinuz-xen0").unlink()  # found missing when all layers are unpacked
    done = native.start(tmp_path, "install", str(iso), "{}")
    assert done.returncode != 0
    assert "put Linux in its place" in done.stderr
    assert "unfinished installation" in done.stderr
    with (tmp_path / "disk.img").open("rb") as image:
        assert b"was not finished: it does not boot" in image.read(512)
    disk = Installed(tmp_path, done.stderr)
    assert disk.beside("e2label $ROOT") == "UNFINISHED"
    assert disk.inside("ls /boot/grub 2>/dev/null || echo none") in ("", "none")


def test_the_password_is_the_new_one_alone(disk: Installed) -> None:
    lines = dict(line.split(":")[:2] for line in disk.inside("cat /etc/shadow").splitlines())
    assert lines["root"] == lines["user"] == native.HASH
    assert {value for name, value in lines.items() if name not in ("root", "user")} == {"*"}
    assert disk.inside("stat -c '%a %U %G' /etc/shadow") == "640 root shadow"
    assert native.HASH not in (disk.folder / "install.log").read_text()
    assert native.HASH not in disk.told
    assert disk.inside("grep -r 'password is xendemo' /etc /usr/lib/xendemo || echo none") == "none"


def test_nothing_of_the_live_disc_is_left(disk: Installed) -> None:
    masked = disk.inside("find /etc/systemd -lname /dev/null")
    assert masked == ""
    assert disk.inside("find / -xdev -lname '/cdrom/*'") == ""
    assert disk.inside("ls /usr/lib/modules").split() == [_release(disk)]
    for name in ("prompt.target", "getty@.service", "ssh-host-key.service", "xen.service"):
        assert disk.inside(f"ls /etc/systemd/system/{name} 2>/dev/null || echo none") == "none"


def test_it_has_host_keys_of_its_own_and_no_machine_id_yet(disk: Installed) -> None:
    keys = disk.inside("ssh-keygen -l -f /etc/ssh/ssh_host_ed25519_key; stat -c %a /etc/ssh/*_key")
    assert re.match(r"256 SHA256:\S+ root@xendemo ", keys)
    assert keys.split()[-2:] == ["600", "600"]
    assert disk.inside("mkdir -p /run/sshd; sshd -t; stat -c %s /etc/machine-id") == "0"


def test_sshd_is_as_debian_has_it(disk: Installed) -> None:
    told = disk.inside("mkdir -p /run/sshd; sshd -T")
    assert "permitrootlogin without-password" in told
    assert "passwordauthentication yes" in told


def test_dpkg_finds_its_files(disk: Installed) -> None:
    """All but what the disc leaves out, and one setting that is ours."""
    lines = disk.inside("dpkg --verify || :").splitlines()
    files = {line.partition(" /")[2] for line in lines}
    left_out = {
        name
        for pattern in patterns(PROJECT / "rootfs/exclude.txt")
        for name in fnmatch.filter(files, pattern)
    }
    assert "usr/sbin/grub-macbless" in left_out
    # Folders whose content is left out; of usr/share, some are gone themselves.
    folders = {"var/cache/apt/archives/partial", "var/lib/apt/lists/partial", "var/cache/man"}
    told = {name for name in files - left_out if not name.startswith("usr/share/")}
    assert told <= {"etc/xen/xl.conf", *folders}
    assert disk.inside("dpkg --audit") == ""
    assert disk.inside("dpkg-query -W 'linux-image-*cloud*' 2>/dev/null || echo none") == "none"


def test_grub_lists_xen_first_and_starts_this_root(disk: Installed) -> None:
    menu = disk.inside("cat /boot/grub/grub.cfg")
    uuid = disk.beside("blkid -p -o value -s UUID $ROOT")
    entries = re.findall(r"^menuentry '([^']*)'", menu, re.MULTILINE)
    assert "Xen" in entries[0]
    assert "Xen" not in entries[1]
    assert set(re.findall(r"root=UUID=(\S+)", menu)) == {uuid}
    assert 'set default="0"' in menu
    assert "com1=115200,8n1 console=com1,vga" in menu
    assert disk.inside("grub-script-check /boot/grub/grub.cfg; echo $?") == "0"


def test_the_initrd_and_the_menu_of_debian_can_be_made(disk: Installed) -> None:
    """What an upgrade of Linux or Xen does."""
    before = disk.inside("stat -c %s /boot/initrd.img-*")
    disk.inside("update-initramfs -u")
    assert int(disk.inside("stat -c %s /boot/initrd.img-*")) > 2 * int(before)
    disk.inside("update-grub")
    entries = re.findall(
        r"^menuentry '([^']*)'", disk.inside("cat /boot/grub/grub.cfg"), re.MULTILINE
    )
    assert "Xen" in entries[0]


def test_the_disc_is_kept_whole(disk: Installed, iso: Path) -> None:
    told = disk.inside("sha256sum /var/lib/xendemo/disc.iso; test -d /cdrom")
    ours = subprocess.run(["sha256sum", iso], check=True, capture_output=True, text=True).stdout
    assert told.split()[0] == ours.split()[0]


def test_the_log_is_kept(disk: Installed) -> None:
    assert "grub-install" in disk.inside("cat /var/log/xendemo-install.log")


def test_apt_can_work(disk: Installed) -> None:
    sources = disk.inside("cat /etc/apt/sources.list")
    assert "-security" in sources
    assert "-updates" in sources
    assert disk.inside("apt-get --simulate --no-download upgrade").endswith("not upgraded.")


def test_apt_takes_updates_of_linux_and_xen(disk: Installed) -> None:
    """From the archive, as an upgrade does: packages unpacked, initrd and menu made by their hooks.

    The last test of a disk: it changes it.
    """
    kernel = f"linux-image-{_release(disk)}"
    names = (kernel, "xen-hypervisor-4.20-amd64")
    disk.inside(
        f"""rm -f /etc/resolv.conf
        printf '%s' '{Path("/etc/resolv.conf").read_text()}' >/etc/resolv.conf
        printf '%s' '{_ways_of_this_host()}' >/etc/apt/apt.conf.d/00host
        export DEBIAN_FRONTEND=noninteractive
        apt-get -q update >&2
        apt-get -q -y --no-install-recommends upgrade >&2
        rm /boot/xen-4.20-amd64.gz /boot/vmlinuz-* /boot/initrd.img-*
        apt-get -q -y --reinstall install {" ".join(names)} >&2"""
    )
    assert disk.inside(f"dpkg-query -W -f '${{db:Status-Abbrev}}' {' '.join(names)}") == "ii ii"
    assert disk.inside("dpkg --audit") == ""
    release = _release(disk)
    inside = disk.inside(f"lsinitramfs /boot/initrd.img-{release}").splitlines()
    assert any("/ext4.ko" in name for name in inside)
    menu = disk.inside("cat /boot/grub/grub.cfg")
    first = menu[menu.index("menuentry ") :].partition("\n}")[0]
    for part in ("/boot/xen-4.20-amd64.gz", f"/boot/vmlinuz-{release}", f"initrd.img-{release}"):
        assert part in first
    for path in ("xen-4.20-amd64.gz", f"vmlinuz-{release}"):
        disk.inside(f"test -s /boot/{path}")


def _ways_of_this_host() -> str:
    """Return how apt is told to reach the archive here, as a proxy."""
    return subprocess.run(
        ["apt-config", "dump", "Acquire"], check=True, capture_output=True, text=True
    ).stdout.replace("'", "")


def _release(disk: Installed) -> str:
    return disk.inside("ls /boot/vmlinuz-*").partition("vmlinuz-")[2]

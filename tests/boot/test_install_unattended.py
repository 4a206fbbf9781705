"""An unattended installation: `answers=` typed into GRUB's menu, and the machine goes off.

The disk, installed to by BIOS, is then started by UEFI alone, which knows nothing of it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from democd.host.qemu import Drive, Machine, accelerator
from democd.host.run import run
from democd.host.running import Running, started
from democd.smoke.console import Console, Output
from democd.smoke.menu import KERNEL_LINE, Edit, Grub, find, menu_of
from tests.boot import disks
from tests.boot.installing import FOLDER, LONG

pytestmark = pytest.mark.install

SIZE = 3 << 30
PASSWORD = "Neues8wort"
# Linux looks at disks side by side, so which of them is sda differs from boot to boot.
TARGET = "/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_target"
ANSWERS = "LABEL=answers:/install.toml"
EDIT = Edit(KERNEL_LINE, append=f"answers={ANSWERS}")
FILE = """\
[install]
way = "disk"
target = "{target}"
end = "poweroff"

[system]
hostname = "alone"
password_hash = "{hash}"
guests = false
"""


@contextlib.contextmanager
def _started_with_answers(
    iso: Path, disk: Path, answers: Path, name: str
) -> Iterator[tuple[Running, Console]]:
    """Start the disc as a person does who types `answers=` into the menu's first entry.

    The disks are plugged in while GRUB waits: what is written to them stays.
    """
    first = Drive(disks.blank(FOLDER / "nothing.img", 1 << 20), "virtio-scsi")
    machine = Machine((Drive(iso), first), nics=(), memory=900, accel=accelerator())
    log = FOLDER / f"{name}.log"
    with started(machine) as running, Console.at(running.serial, log) as console:
        grub = Grub(console)
        grub.wait_for_menu()
        disks.attach(running, disk, "target")
        disks.attach(running, answers, "answers")
        grub.choose(find(menu_of(iso), "xen"), (EDIT,))
        yield running, console


class Installed:
    """A disk that was installed to, and that the same answers met a second time."""

    def __init__(self, iso: Path) -> None:
        self.disk = disks.blank(FOLDER / "unattended.img", SIZE)
        self.answers = _answers()
        with _started_with_answers(iso, self.disk, self.answers, "unattended") as (running, seen):
            seen.expect(r"reboot: Power down|System halted", LONG)
            self.went_off = running.ended(60)
        before = disks.digest(self.disk)
        with _started_with_answers(iso, self.disk, self.answers, "unattended-2") as (_, console):
            console.login()
            self.refused = console.run(
                "for i in $(seq 200); do"
                " systemctl is-failed -q unattended-install && break; sleep 3; done;"
                " systemctl is-failed unattended-install; journalctl -o cat -u unattended-install",
                LONG,
            )
        self.untouched = disks.digest(self.disk) == before


def _answers() -> Path:
    """Make a stick with the file of answers."""
    folder, image = FOLDER / "answers", FOLDER / "answers.img"
    folder.mkdir(exist_ok=True)
    told = run(["openssl", "passwd", "-6", PASSWORD]).stdout.strip()
    (folder / "install.toml").write_text(FILE.format(target=TARGET, hash=told))
    disks.blank(image, 8 << 20)
    run(["mkfs.ext4", "-q", "-L", "answers", "-d", folder, image])
    return image


@pytest.fixture(scope="module")
def installed(iso: Path) -> Iterator[Installed]:
    FOLDER.mkdir(parents=True, exist_ok=True)
    seen = Installed(iso)
    yield seen
    seen.disk.unlink()
    seen.answers.unlink()


def test_the_machine_goes_off_when_all_is_done(installed: Installed) -> None:
    assert installed.went_off


def test_a_disk_that_is_not_empty_is_left_alone(installed: Installed) -> None:
    said: Output = installed.refused
    assert said.text.startswith("failed\n"), said.text
    assert "is not empty" in said.text
    assert installed.untouched


def test_uefi_starts_what_was_installed_by_bios(installed: Installed) -> None:
    machine = Machine(
        (Drive(installed.disk, "ide"),), firmware="uefi", nics=(), memory=900, accel=accelerator()
    )
    log = FOLDER / "unattended-uefi.log"
    with started(machine) as running, Console.at(running.serial, log) as console:
        console.login("root", PASSWORD)
        assert console.get("hostname") == "alone"
        assert console.get("cat /sys/hypervisor/type") == "xen"
        assert console.get("test -d /sys/firmware/efi && echo uefi") == "uefi"
        assert "Domain-0" in console.get("xl list")
        assert console.run("findmnt /cdrom").status != 0, "no disc is kept for guests"

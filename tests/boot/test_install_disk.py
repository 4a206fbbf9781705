"""`xendemo install --disk`: a whole disk, started alone afterwards, by BIOS and by UEFI."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from democd.host.qemu import Drive, Machine, Nic, accelerator
from democd.host.run import run
from democd.host.running import started
from democd.smoke.console import Console
from tests.boot import disks
from tests.boot.checks import flipped
from tests.boot.installing import FOLDER, Bench, running_disc

pytestmark = pytest.mark.install

SIZE = 4 << 30
PASSWORD = "Neues7wort"
CHECKS = {
    "state": "systemctl is-system-running --wait",
    "failed": "systemctl --failed --no-legend --plain",
    "domains": "xl list",
    "name": "hostname",
    "root": "findmnt -nro OPTIONS /",
    "mounts": "findmnt -nro TARGET,FSTYPE --real",
    "swap": "swapon --show=SIZE --noheadings --bytes",
    "address": "for i in $(seq 60); do networkctl -q is-online 2>/dev/null; "
    "ip -4 -o address show scope global | grep -v xenlink && break; sleep 2; done",
    "machine": "cat /etc/machine-id",
    "journal": "ls -d /var/log/journal",
    "plan": "xendemo create --micro",
    "guests": "for i in $(seq 60); do xl list guest1 && ping -c 1 -W 2 10.84.0.1 && break;"
    " sleep 2; done",
    "menu": "update-grub 2>&1; grep -m 1 '^menuentry' /boot/grub/grub.cfg",
}
"""What is asked of an installed system, once it is up."""


@dataclass(frozen=True)
class Way:
    """A machine, and how the disk is installed to."""

    firmware: Literal["bios", "uefi"]
    words: str = ""


WAYS = {
    "bios": Way("bios"),
    "uefi": Way("uefi", "--separate-usr --swap 128M --hostname xen7"),
}


class Installed:
    """A disk that was installed to, and all that was seen of it."""

    def __init__(self, iso: Path, name: str) -> None:
        self.way = WAYS[name]
        self.disk = disks.blank(FOLDER / f"disk-{name}.img", SIZE)
        self.witness = disks.full_of_known_bytes(FOLDER / f"witness-{name}.img")
        self.before = disks.digest(self.witness)
        self.disc = FOLDER / f"disk-{name}.iso"  # to be damaged
        shutil.copyfile(iso, self.disc)
        with running_disc(self.disc, f"disk-{name}-install", firmware=self.way.firmware) as bench:
            self._install(bench)
        self.disc.unlink()
        self.found: dict[str, str] = {}
        self._boot(name)

    def _install(self, bench: Bench) -> None:
        target = bench.attach(self.disk, "target")
        bench.attach(self.witness, "witness")
        words = f"--disk {target} --password-hash '{_hash()}' {self.way.words}"
        self.dry = bench.install(f"{words} --dry-run")
        with flipped(self.disc, bench.console.get("head -n 3 /cdrom/README.CD")):
            self.damaged = bench.install(words, typed=target)
        self.untouched = bench.console.get(f"cmp -n {64 << 20} {target} /dev/zero && echo so it is")
        self.done = bench.install(words, typed=target)
        bench.console.get("sync")
        self.again = bench.install(words, typed=target)  # it is no longer empty
        disks.detach(bench.running, bench.console, "target")

    def _boot(self, name: str) -> None:
        machine = Machine(
            (Drive(self.disk, "ide"),),
            firmware=self.way.firmware,
            nics=(Nic(),),
            memory=900,
            accel=accelerator(),
        )
        log = FOLDER / f"disk-{name}-boot.log"
        with started(machine) as running, Console.at(running.serial, log) as console:
            console.expect(r"login: ", 900)
            console.press("root\r")
            console.expect(r"[Pp]assword: ", 120)
            console.press("xendemo\r")
            console.expect("Login incorrect", 120)
            console.login("root", PASSWORD)
            for what, command in CHECKS.items():
                self.found[what] = console.run(command, 900).text.strip()


def _hash() -> str:
    return run(["openssl", "passwd", "-6", PASSWORD]).stdout.strip()


@pytest.fixture(scope="module", params=WAYS)
def installed(iso: Path, request: pytest.FixtureRequest) -> Iterator[Installed]:
    FOLDER.mkdir(parents=True, exist_ok=True)
    seen = Installed(iso, request.param)
    yield seen
    seen.disk.unlink()
    seen.witness.unlink()


def test_the_plan_is_shown(installed: Installed) -> None:
    assert installed.dry.status == 0, installed.dry.text
    for part in ("sfdisk", "mkfs.ext4", "grub-install", "is lost", "is checked before anything"):
        assert part in installed.dry.text
    assert "$6$" not in installed.dry.text.replace("--password-hash", "")


def test_a_damaged_disc_installs_nothing(installed: Installed) -> None:
    assert installed.damaged.status == 1
    assert "error: the disc is damaged" in installed.damaged.text
    assert "  README.CD (text): is not as it was made" in installed.damaged.text
    assert installed.untouched == "so it is"


def test_it_installs_once_and_not_again_unless_told_to_wipe(installed: Installed) -> None:
    assert installed.done.status == 0, installed.done.text
    assert installed.again.status == 2
    assert "--wipe" in installed.again.text


def test_another_disk_is_untouched(installed: Installed) -> None:
    assert disks.digest(installed.witness) == installed.before


def test_it_starts_whole(installed: Installed) -> None:
    assert installed.found["failed"] == ""
    assert installed.found["state"] == "running"
    assert installed.found["root"].startswith("rw")
    mounts = dict(line.split() for line in installed.found["mounts"].splitlines())
    assert mounts["/"] == "ext4"
    assert mounts["/boot/efi"] == "vfat"
    assert mounts["/cdrom"] == "iso9660"
    assert ("/usr" in mounts) == ("--separate-usr" in installed.way.words)


def test_xen_is_the_default_and_starts_a_guest(installed: Installed) -> None:
    assert re.search(r"^Domain-0 +0 ", installed.found["domains"], re.MULTILINE)
    assert "1 received" in installed.found["guests"], installed.found["plan"]


def test_it_is_what_was_asked_for(installed: Installed) -> None:
    name = re.search(r"--hostname (\S+)", installed.way.words)
    assert installed.found["name"] == (name[1] if name else "xendemo")
    assert bool(installed.found["swap"]) == ("--swap" in installed.way.words)


def test_it_has_an_address_and_keeps_its_journal(installed: Installed) -> None:
    assert "10.0.2.15" in installed.found["address"]
    assert re.fullmatch(r"[0-9a-f]{32}", installed.found["machine"])
    assert installed.found["journal"] == "/var/log/journal"


def test_debians_own_menu_has_xen_first(installed: Installed) -> None:
    assert "Xen" in installed.found["menu"].splitlines()[-1]

"""`xendemo install --frugal`: the disc as a file on a partition, started by the GRUB there."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from democd.host.qemu import Drive, Machine, accelerator
from democd.host.running import started
from democd.smoke.console import Console
from democd.smoke.menu import DOWN, FIRST, Grub
from tests.boot import disks, old_linux
from tests.boot.installing import FOLDER, Bench, running_disc

pytestmark = pytest.mark.install


class Installed:
    """One boot of the disc that installs it, and what was seen there."""

    def __init__(self, iso: Path) -> None:
        FOLDER.mkdir(parents=True, exist_ok=True)
        self.iso = iso
        self.disk = old_linux.make(FOLDER, iso.stat().st_size + (120 << 20))
        self.witness = disks.full_of_known_bytes(FOLDER / "witness.img")
        self.before = disks.digest(self.witness)
        with running_disc(iso, "frugal-install") as bench:
            self._visit(bench)

    def _visit(self, bench: Bench) -> None:
        self.part = bench.attach(self.disk, "old") + "2"
        bench.attach(self.witness, "witness")
        self.tree = bench.tree(self.part)
        self.dry = bench.install(f"--frugal {self.part} --dry-run")
        self.after_dry = bench.tree(self.part)
        self.wrong = bench.install(f"--frugal {self.part}", typed="/dev/sdz")
        self.after_wrong = bench.tree(self.part)
        self.done = bench.install(f"--frugal {self.part}", typed=self.part)
        self.again = bench.install(f"--frugal {self.part}", typed=self.part)
        self.on_it = bench.look(self.part, "sha256sum <xendemo/xendemo.iso").split()[0]
        # As it is now is what shall boot; then it is taken away again.
        bench.console.get("sync")
        self.booting = FOLDER / "old-installed.img"
        shutil.copyfile(self.disk, self.booting)
        self.removed = bench.install(f"--frugal {self.part} --remove", typed=self.part)
        self.after_removal = bench.tree(self.part)


@pytest.fixture(scope="module")
def installed(iso: Path) -> Iterator[Installed]:
    seen = Installed(iso)
    yield seen
    for path in (seen.disk, seen.booting, seen.witness):
        path.unlink()


def test_the_plan_is_shown_and_nothing_done(installed: Installed) -> None:
    assert installed.dry.status == 0, installed.dry.text
    for part in (installed.part, "/xendemo/xendemo.iso", "Old Linux 1", "sha256sum"):
        assert part in installed.dry.text
    assert installed.after_dry == installed.tree


def test_another_name_than_the_partitions_ends_it(installed: Installed) -> None:
    assert installed.wrong.status != 0
    assert "Traceback" not in installed.wrong.text
    assert installed.after_wrong == installed.tree


def test_the_file_is_the_disc(installed: Installed) -> None:
    assert installed.done.status == 0, installed.done.text
    whole = hashlib.sha256(installed.iso.read_bytes()).hexdigest()
    assert installed.on_it == whole


def test_a_second_run_changes_nothing(installed: Installed) -> None:
    assert installed.again.status == 0, installed.again.text


def test_removal_leaves_what_was_there(installed: Installed) -> None:
    assert installed.removed.status == 0, installed.removed.text
    assert installed.after_removal == installed.tree


def test_another_disk_is_untouched(installed: Installed) -> None:
    assert disks.digest(installed.witness) == installed.before


def test_the_old_linux_is_still_the_default(installed: Installed) -> None:
    machine = Machine((Drive(installed.booting, "ide"),), nics=(), memory=256)
    log = FOLDER / "frugal-old.log"
    with started(machine) as running, Console.at(running.serial, log) as console:
        Grub(console).wait_for_menu()
        console.press("\r")
        console.expect(re.escape(old_linux.SAYS), 60)


def test_the_file_boots_from_the_disks_own_grub(installed: Installed) -> None:
    machine = Machine((Drive(installed.booting, "ide"),), nics=(), memory=900, accel=accelerator())
    log = FOLDER / "frugal-boot.log"
    with started(machine) as running, Console.at(running.serial, log) as console:
        grub = Grub(console)
        grub.wait_for_menu()
        console.press(FIRST + DOWN + "\r")  # the entry behind the old Linux's
        grub.wait_for_menu()  # the disc's own
        console.press("\r")
        grub.started()
        console.login()
        assert console.get("cat /sys/hypervisor/type") == "xen"
        source = console.get("findmnt -rno SOURCE /cdrom")
        assert re.fullmatch(r"/dev/loop\d+", source)
        backing = console.get(f"cat /sys/block/{source[5:]}/loop/backing_file")
        assert backing.endswith("/xendemo/xendemo.iso")
        # What it runs from is refused.
        words = "--frugal /dev/sda2 --remove --confirm /dev/sda2"
        refused = console.run(f"xendemo install {words}")
        assert refused.status == 2, refused.text
        assert "this runs from" in refused.text or "the disc runs from" in refused.text

"""`xendemo install --into`: Xen beside a real Debian, which boots whenever the power may go."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from democd.host.qemu import Drive, Machine, accelerator
from democd.host.running import started
from democd.smoke.console import Console
from democd.smoke.menu import Grub, entries, find
from tests.boot import disks, moments, writelog
from tests.boot.grub_view import GrubView
from tests.boot.installing import FOLDER, Bench, running_disc
from tests.boot.moments import Moment
from tests.support import debiandisk
from tests.support.building import BUILD

pytestmark = [
    pytest.mark.install,
    pytest.mark.timeout(5400),  # the first test waits for the whole installation
    pytest.mark.skipif(os.geteuid() != 0, reason="loop devices need root"),
]

MOMENTS = {
    "record": Moment("record what will be changed"),
    "saved": Moment("keep a copy of /boot/grub/grub.cfg"),
    "kernel": Moment("copy vmlinuz-xen0", 0.2),
    "initrd": Moment("write initrd"),
    "modules": Moment("copy the kernel's modules", 1),
    "half": Moment("50 %"),
    "sync": Moment("have it all on the disk", 0.1),
    "generator": Moment("make Debian GNU/Linux 12 (bookworm)'s own grub-mkconfig", 2),
    "rename": Moment("put the new menu in its place"),
    "done": Moment("record that all is done"),
}
GRUB_CFG = "boot/grub/grub.cfg"
QUIT = Moment("80 %")
ASKED = {
    "kernel": "uname -r",
    "hypervisor": "cat /sys/hypervisor/type 2>/dev/null || echo none",
    "root": "findmnt -nro SOURCE,FSTYPE,OPTIONS /",
    "state": "systemctl is-system-running --wait",
    "failed": "systemctl --failed --no-legend --plain",
    "menu": "cat /boot/grub/grub.cfg",
}
"""What is asked of a system that was started from the disk."""


def whole(release: str) -> str:
    """Return the command that tells all that the entry leads to by one line."""
    return (
        "(cd boot/xendemo && sha256sum xen.gz vmlinuz-xen0 initrd; cd ../../lib/modules && "
        f"find {release} -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum) 2>&1 | sha256sum"
    )


class Installed:
    """One boot of the disc: in, again, out, and in once more until QEMU ends; and what was seen."""

    def __init__(self, iso: Path) -> None:
        FOLDER.mkdir(parents=True, exist_ok=True)
        made = BUILD / "install-debian"  # the packages that are kept there serve others too
        self.disk = debiandisk.make(made).rename(FOLDER / "into.img")
        self.killed = FOLDER / "into-quit.img"
        moments.keep(self.disk, self.killed)
        self.log = FOLDER / "into-writes.img"
        self.replayed = moments.copy_at(self.disk, "replayed")
        moments.keep(self.disk, self.replayed)
        self.witness = disks.full_of_known_bytes(FOLDER / "witness-into.img")
        self.before = disks.digest(self.witness)
        with running_disc(iso, "into-install") as bench:
            self._visit(bench)
            self._clear_up(bench)
            self._quit(bench)

    def _visit(self, bench: Bench) -> None:
        part = self.part = bench.attach(self.disk, "old", log=self.log) + "1"
        bench.attach(self.witness, "witness")
        self.trees = Trees(bench, part)
        self.trees.take("old")
        (self.old,) = bench.look(part, "ls lib/modules").split()
        self.dry = bench.install(f"--into {part} --dry-run")
        self.wrong = bench.install(f"--into {part}", typed="/dev/sdz")
        self.after_dry = self.trees.change("old", "dry")
        self.done = moments.install(bench, f"--into {part} --confirm {part}", MOMENTS, self.disk)
        bench.console.get("sync")
        self.booting = moments.copy_at(self.disk, "installed")
        moments.keep(self.disk, self.booting)
        self.release = bench.console.get("uname -r")
        self.whole = bench.look(part, whole(self.release))
        self.trees.take("new")
        self.again = bench.install(f"--into {part}", typed=part)
        self.after_again = self.trees.change("new", "again")
        self.removed = bench.install(f"--into {part} --remove", typed=part)
        self.after_removal = self.trees.change("old", "removed")
        disks.detach(bench.running, bench.console, "old")

    def _clear_up(self, bench: Bench) -> None:
        """Take out what a power cut has left."""
        cut = moments.copy_at(self.disk, "cut")
        moments.keep(moments.copy_at(self.disk, "done"), cut)
        part = bench.attach(cut, "cut") + "1"
        self.refused = bench.install(f"--into {part} --remove", typed=part)
        bench.console.get(f"mount {part} /mnt && umount /mnt")
        self.cleared = bench.install(f"--into {part} --remove", typed=part)
        self.after_cut = Trees(bench, part).change("old", "cut")
        disks.detach(bench.running, bench.console, "cut")

    def _quit(self, bench: Bench) -> None:
        part = bench.attach(self.killed, "quit") + "1"
        moments.quit_at(bench, f"--into {part} --confirm {part}", QUIT)


class Trees:
    """All that is on a partition, kept in the machine: it is too long for a serial line."""

    def __init__(self, bench: Bench, part: str) -> None:
        self._bench, self._part = bench, part

    def take(self, name: str) -> None:
        self._bench.keep_tree(self._part, f"/run/tree-{name}")

    def change(self, before: str, after: str) -> str:
        """Take it anew, and return what differs."""
        self.take(after)
        compare = f"diff /run/tree-{before} /run/tree-{after} | head -n 50"
        return self._bench.console.get(compare)


@pytest.fixture(scope="module")
def installed(iso: Path) -> Iterator[Installed]:
    seen = Installed(iso)
    yield seen
    for path in (*FOLDER.glob("into*.img"), seen.witness):
        path.unlink()


def boot(installed: Installed, image: Path, name: str, entry: str = "") -> dict[str, str]:
    """Start a disk alone, by what its menu starts by itself or by another entry, and look."""
    machine = Machine((Drive(image, "ide"),), nics=(), memory=900, accel=accelerator())
    log = FOLDER / f"into-{name}.log"
    asked = ASKED | {"whole": f"cd /; {whole(installed.release)}"}
    with started(machine) as running, Console.at(running.serial, log) as console:
        grub = Grub(console)
        grub.wait_for_menu()
        if entry:
            grub.choose(find(entries(GrubView(image).read(GRUB_CFG)), entry))
        console.login()
        return {what: console.run(command, 300).text.strip() for what, command in asked.items()}


def is_the_old_system(installed: Installed, found: dict[str, str]) -> bool:
    return found["kernel"] == installed.old and found["hypervisor"] == "none"


def test_the_plan_is_shown_and_nothing_done(installed: Installed) -> None:
    assert installed.dry.status == 0, installed.dry.text
    for part in (installed.part, "Debian GNU/Linux 12", "/boot/xendemo", "grub-mkconfig"):
        assert part in installed.dry.text
    assert installed.after_dry == ""


def test_another_name_than_the_partitions_ends_it(installed: Installed) -> None:
    assert installed.wrong.status != 0
    assert "Traceback" not in installed.wrong.text


def test_it_is_installed(installed: Installed) -> None:
    assert installed.done.status == 0, installed.done.text
    assert "Done." in installed.done.text
    assert "warning" not in installed.done.text


def test_a_second_run_changes_nothing(installed: Installed) -> None:
    assert installed.again.status == 0, installed.again.text
    assert "nothing to do" in installed.again.text
    assert installed.after_again == ""


def test_removal_leaves_what_was_there(installed: Installed) -> None:
    assert installed.removed.status == 0, installed.removed.text
    assert installed.after_removal == ""


def test_removal_clears_up_after_a_power_cut(installed: Installed) -> None:
    assert installed.refused.status == 2, installed.refused.text
    assert "journal" in installed.refused.text  # what it would have looked at is not what is there
    assert installed.cleared.status == 0, installed.cleared.text
    assert installed.after_cut == ""


def test_another_disk_is_untouched(installed: Installed) -> None:
    assert disks.digest(installed.witness) == installed.before


@pytest.fixture(scope="module")
def by_default(installed: Installed) -> dict[str, str]:
    return boot(installed, installed.booting, "default")


def test_the_old_default_still_boots(installed: Installed, by_default: dict[str, str]) -> None:
    assert is_the_old_system(installed, by_default)
    assert "--id xendemo" in by_default["menu"]


def test_xen_boots_from_the_menu(installed: Installed, by_default: dict[str, str]) -> None:
    found = boot(installed, installed.booting, "xen", "xendemo")
    assert found["hypervisor"] == "xen"
    assert found["kernel"] == installed.release
    assert re.match(r"/dev/sda1 ext4 rw\b", found["root"])
    # What fails does so without Xen as well.
    assert found["failed"] == by_default["failed"]
    assert found["state"] == by_default["state"]


def test_grub_finds_a_whole_menu_after_each_write(installed: Installed) -> None:
    view, done = GrubView(installed.replayed), GrubView(installed.booting)
    old, new = view.read(GRUB_CFG), done.read(GRUB_CFG)
    default = re.findall(r"^\s*(?:linux|initrd)\s+/(\S+)", old, re.MULTILINE)[:2]
    assert len(default) == 2, old
    xen = re.findall(r"^\s*(?:multiboot2|module2)(?: --nounzip)? /(\S+)", new, re.MULTILINE)
    sums = done.sums([*default, *xen])
    menus = [old]
    for written in writelog.replay(installed.log, installed.replayed):
        menu = view.read(GRUB_CFG)
        assert menu in (old, new), f"after write {written}:\n{menu}"
        if menu != menus[-1] or not written % 100:
            there = view.sums([*default, *(xen if menu == new else ())])
            assert there == sums[: len(there)], f"after write {written}"
        if menu != menus[-1]:
            menus.append(menu)
    assert menus == [old, new, old]  # put in, and taken out again
    assert disks.digest(installed.replayed) == disks.digest(installed.disk)  # the log has all


@pytest.mark.parametrize("name", [*MOMENTS, "quit"])
def test_the_old_system_boots_after_a_kill(installed: Installed, name: str) -> None:
    image = moments.copy_at(installed.disk, name)
    found = boot(installed, image, name)
    image.unlink()
    assert is_the_old_system(installed, found)
    assert re.match(r"/dev/sda1 ext4 rw\b", found["root"])
    leads = "--id xendemo" in found["menu"]
    if name != "rename":  # where it may be either
        assert leads == (name == "done")
    if leads:  # to what is whole
        assert found["whole"] == installed.whole

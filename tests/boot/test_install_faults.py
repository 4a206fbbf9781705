"""Installations onto disks that fail: told clearly, and nothing wrong is left behind.

One boot has them all: a disk whose first sector cannot be written, one with a bad middle, one with
a bad end, one that is too small; and disks with an old Linux where no new file can be written.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from democd.host.qemu import Drive, Machine
from democd.host.running import started
from democd.smoke.console import Console, ConsoleError, Output
from democd.smoke.menu import FIRST_WORDS
from tests.boot import disks, old_linux
from tests.boot.disks import Fault
from tests.boot.installing import FOLDER, Bench, running_disc

pytestmark = pytest.mark.install

SIZE = 3 << 30  # ample for the whole system
HASH = "$6$saltsalt$DrbtGuHZu247TQDyE2lbb8F.Y6jHNcB9xZmB7Bwhh.f.W4k0yr3IS4U.IVUltnI6B9aSfNt3SsyWqlQvZFi2u/"  # noqa: E501
WHOLE = {
    "start": Fault.at_the_start(),
    "middle": Fault.in_the_middle(SIZE),
    "end": Fault.at_the_end(SIZE),
}
WAYS = ("into", "frugal")


class Failed:
    """One boot of the disc with all these disks, and what was said."""

    def __init__(self, iso: Path) -> None:
        FOLDER.mkdir(parents=True, exist_ok=True)
        self.said: dict[str, Output] = {}
        self.removed: dict[str, Output] = {}
        self.trees: dict[str, tuple[str, str]] = {}
        self.images = {name: disks.blank(FOLDER / f"{name}.img", SIZE) for name in WHOLE}
        self.images["small"] = disks.blank(FOLDER / "small.img", 256 << 20)
        old = old_linux.make(FOLDER, 800 << 20)
        for way in WAYS:
            self.images[way] = FOLDER / f"{way}.img"
            shutil.copyfile(old, self.images[way])
        self.images["full"] = old_linux.make(FOLDER, 64 << 20)
        self.witness = disks.full_of_known_bytes(FOLDER / "witness.img")
        self.before = disks.digest(self.witness)
        with running_disc(iso, "faults") as bench:
            bench.attach(self.witness, "witness")
            self._whole_disks(bench)
            self._existing(bench)

    def _whole_disks(self, bench: Bench) -> None:
        for name in (*WHOLE, "small"):
            disk = bench.attach(self.images[name], name, WHOLE.get(name))
            words = f"--disk {disk} --password-hash '{HASH}' --no-guests"
            self.said[name] = bench.install(words, typed=disk)
            disks.detach(bench.running, bench.console, name)

    def _existing(self, bench: Bench) -> None:
        for way in (*WAYS, "full"):
            image = self.images[way]
            bad = Fault.in_free_space(image, old_linux.ROOT * old_linux.SECTOR)
            part = bench.attach(image, way, None if way == "full" else bad) + "2"
            before = bench.tree(part)
            verb = "frugal" if way == "full" else way
            self.said[way] = bench.install(f"--{verb} {part}", typed=part)
            disks.detach(bench.running, bench.console, way)
            # Without the fault, and as it is after a restart: the journal is replayed.
            part = bench.attach(image, f"{way}-again") + "2"
            bench.console.run(f"e2fsck -fy {part}", 300)
            if "not everything could be put back" in self.said[way].text:
                # As where the file system itself has failed: what is left can be removed.
                self.removed[way] = bench.install(f"--{verb} {part} --remove", typed=part)
            self.trees[way] = before, bench.tree(part)
            disks.detach(bench.running, bench.console, f"{way}-again")


@pytest.fixture(scope="module")
def failed(iso: Path) -> Iterator[Failed]:
    seen = Failed(iso)
    yield seen
    for path in (*seen.images.values(), seen.witness):
        path.unlink()


@pytest.mark.parametrize("name", [*WHOLE, *WAYS])
def test_a_failure_is_told_with_the_step(failed: Failed, name: str) -> None:
    said = failed.said[name]
    assert said.status == 1, said.text
    assert "error:" in said.text
    assert "Traceback" not in said.text


@pytest.mark.parametrize("name", ["small", "full"])
def test_too_little_room_is_told_before_anything_is_done(failed: Failed, name: str) -> None:
    said = failed.said[name]
    assert said.status == 2, said.text
    assert "needed" in said.text
    assert "Traceback" not in said.text


def test_a_disk_that_is_too_small_is_untouched(failed: Failed) -> None:
    assert not any(failed.images["small"].read_bytes())


@pytest.mark.parametrize("way", [*WAYS, "full"])
def test_the_old_linux_is_as_it_was(failed: Failed, way: str) -> None:
    before, after = failed.trees[way]
    assert after == before
    if way in failed.removed:
        assert failed.removed[way].status == 0, failed.removed[way].text


@pytest.mark.parametrize("way", WAYS)
def test_the_old_linux_boots(failed: Failed, way: str) -> None:
    machine = Machine((Drive(failed.images[way], "ide"),), nics=(), memory=256)
    log = FOLDER / f"faults-{way}.log"
    with started(machine) as running, Console.at(running.serial, log) as console:
        console.expect(old_linux.SAYS, 120)


@pytest.mark.parametrize("name", list(WHOLE))
def test_an_unfinished_disk_starts_no_kernel(failed: Failed, name: str) -> None:
    machine = Machine((Drive(failed.images[name], "ide"),), nics=(), memory=256)
    log = FOLDER / f"faults-{name}.log"
    with started(machine) as running, Console.at(running.serial, log) as console:
        with pytest.raises(ConsoleError) as caught:
            console.expect(FIRST_WORDS, 40, silence=60)
        assert caught.value.kind == "slow"


def test_another_disk_is_untouched(failed: Failed) -> None:
    assert disks.digest(failed.witness) == failed.before

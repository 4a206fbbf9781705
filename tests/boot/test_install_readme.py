"""Every command of the chapters about installing, in README.CD and README.md, run as written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from democd.host.qemu import Drive
from democd.smoke.console import Output
from tests.boot import disks, old_linux
from tests.boot.installing import FOLDER, Bench, running_disc

pytestmark = pytest.mark.install

PROJECT = Path(__file__).resolve().parents[2]
_ON_THE_DISC = r"(?ms)^INSTALLING\n-+\n(.*?)^[A-Z, ]+\n-+$"
_IN_THE_README = r"(?ms)^## Install it\n(.*?)^## "
_COMMAND = re.compile(r"^    ((?:xendemo|mount|python3) .*?)(?:  .*)?$", re.MULTILINE)
PASSWORD = "words for a test"


class Followed:
    """A machine on which somebody follows the chapters, with the disks that they name."""

    def __init__(self, iso: Path) -> None:
        FOLDER.mkdir(parents=True, exist_ok=True)
        self.old = old_linux.make(FOLDER, iso.stat().st_size + (400 << 20))
        self.empty = disks.blank(FOLDER / "empty.img", 3 << 30)
        self.said: list[tuple[str, Output]] = []
        readme = re.search(_IN_THE_README, (PROJECT / "README.md").read_text())
        assert readme
        with running_disc(iso, "readme", Drive(self.old, "virtio-scsi")) as bench:
            chapter = re.search(_ON_THE_DISC, bench.console.get("cat /cdrom/README.CD"))
            assert chapter
            self.chapters = chapter[1], readme[1]
            self._settle(bench)
            self.trees = [bench.tree("/dev/sda2")]
            for text in self.chapters:
                self._follow(bench, text)
                self.trees.append(bench.tree("/dev/sda2"))

    def _settle(self, bench: Bench) -> None:
        """Let /dev/sda be the disk with the old Linux, and /dev/sdb an empty one."""
        size = bench.console.get("udevadm settle; lsblk -dbnro SIZE /dev/sda")
        assert int(size) == self.old.stat().st_size
        assert bench.attach(self.empty, "empty") == "/dev/sdb"

    def _follow(self, bench: Bench, text: str) -> None:
        for command in _COMMAND.findall(text):
            named = re.search(r"--(?:into|frugal|disk) (\S+)", command)
            typed = named[1] if named else ""
            self.said.append((command, bench.follow(command, typed, PASSWORD)))
        # What the first chapter has made, the second one shall make again.
        for name in ("frugal", "into"):
            bench.install(f"--{name} /dev/sda2 --remove", typed="/dev/sda2")
        bench.console.run("wipefs --all --quiet /dev/sdb?* /dev/sdb", 60)


@pytest.fixture(scope="module")
def followed(iso: Path) -> Iterator[Followed]:
    seen = Followed(iso)
    yield seen
    seen.old.unlink()
    seen.empty.unlink()


def test_the_chapters_have_the_same_ways(followed: Followed) -> None:
    for text in followed.chapters:
        for way in ("--into", "--frugal", "--disk", "--dry-run", "--remove"):
            assert f" {way}" in " ".join(_COMMAND.findall(text)), way


def test_every_command_does_what_is_written(followed: Followed) -> None:
    assert len(followed.said) > 12
    for command, said in followed.said:
        assert "Traceback" not in said.text, (command, said.text)
        assert said.status == _status(command), (command, said.text)


def _status(command: str) -> int:
    if command == "xendemo install":
        return 2  # it asks, and nobody answers
    if " --into / " in command:
        return 2  # the live system's own root is in memory
    return 0


def test_what_was_removed_is_gone(followed: Followed) -> None:
    before, *after = followed.trees
    assert after == [before, before]

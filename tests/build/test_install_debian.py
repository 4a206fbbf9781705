"""Way 1 of the installer into a real Debian: its own grub-mkconfig makes the menu. Needs root."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from democd.formats.isoread import open_disc
from tests.support import debiandisk as d
from tests.support.building import kept_root
from tests.support.linuxes import snapshot
from tests.support.performing import perform
from xendemo.install import gather, into, reach, remove, source
from xendemo.install.facts import Disc, Facts
from xendemo.install.options import Options
from xendemo.install.steps import Copy, Plan

pytestmark = [
    pytest.mark.build,
    pytest.mark.skipif(os.geteuid() != 0, reason="loop devices need root"),
]


@pytest.fixture
def disc(iso: Path, tmp_path: Path) -> Disc:
    """The disc's files in a folder: not every host can mount it."""
    with open_disc(iso) as disc:
        for path, file in disc.files().items():
            if path.startswith("/boot/") and "img" not in path:
                place = tmp_path / path.lstrip("/")
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(disc.content(file))
    release = kept_root().parts / "usr/lib/modules"
    (kernel,) = [path.name for path in release.iterdir() if "cloud" not in path.name]
    return Disc(str(tmp_path), "", frozenset(), "", 0, "1", "4.20", kernel, ("base",))


def test_there_again_and_away(disc: Disc, debian_files: Path, tmp_path: Path) -> None:
    disk = d.make(debian_files.parent)
    with d.attached(disk) as part, d.named(part):

        def content() -> dict[str, tuple[object, ...]]:
            with d.mounted(part, tmp_path / "look", "-o", "ro,noload") as root:
                return snapshot(root)

        def menu() -> str:
            with d.mounted(part, tmp_path / "look", "-o", "ro,noload") as root:
                subprocess.run(["grub-script-check", root / "boot/grub/grub.cfg"], check=True)
                return (root / "boot/grub/grub.cfg").read_text()

        before, old = content(), menu()
        options = Options("into", part)
        devices = gather.look_at_devices()
        facts = Facts(disc, devices, False, False, os.uname().machine, frozenset(), False)

        def plan() -> Plan:
            modules = str(kept_root().parts / "usr/lib/modules" / disc.kernel)
            with reach.target(facts, part) as found:
                made = source.read(disc, None, modules, frozenset({"ext4"}), found.drivers)
            return into.plan(facts, options, into.Seen(found, made))

        steps = plan().steps
        perform(plan())
        placed = [step for step in steps if step.words.startswith("put the new menu")]
        assert [isinstance(step, Copy) and step.menu for step in placed] == [True]
        new = menu()
        assert new.replace(old[-200:], "", 1) != new  # the generator gives the same again, and more
        entry = re.search(r"--id xendemo \{.*?^\}", new, re.DOTALL | re.MULTILINE)
        assert entry
        assert "multiboot2 /boot/xendemo/xen.gz" in entry[0]
        titles = re.findall(r"^\s*(?:menuentry|submenu) '([^']*)'", new, re.MULTILINE)
        assert titles[0] == "Debian GNU/Linux"
        assert titles[:-1] == re.findall(r"^\s*(?:menuentry|submenu) '([^']*)'", old, re.MULTILINE)
        there = content()
        assert plan().steps == ()
        assert content() == there
        perform(remove.plan(facts, options, remove.look(facts, options)))
        assert content() == before
        assert remove.plan(facts, options, remove.look(facts, options)).steps == ()

"""The lowest layer is unpacked by unsquashfs; what is told when that, or the program, fails."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.performing import perform
from xendemo.errors import Failure
from xendemo.install import command
from xendemo.install.steps import Plan, Unpack


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    tree = tmp_path / "tree"
    for name, text in (("etc/kept", "kept"), ("etc/left-out", "-"), ("lib/1-cloud/a", "-")):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text)
    (tree / "etc").chmod(0o750)
    os.link(tree / "etc/kept", tree / "etc/same")
    os.utime(tree / "etc/kept", (1_000_000, 1_000_000))
    target = tmp_path / "base.squashfs"
    subprocess.run(["mksquashfs", tree, target, "-quiet", "-no-progress"], check=True)
    return target


def plan(step: Unpack) -> Plan:
    return Plan("t", (), (step,), "", ())


def test_a_layer_is_unpacked_over_what_is_there(archive: Path, tmp_path: Path) -> None:
    to = tmp_path / "to"
    (to / "lost+found").mkdir(parents=True)
    (to / "lib").mkdir()
    perform(plan(Unpack("t", str(archive), str(to), ("etc/left-out", "lib/*-cloud"))))
    assert sorted(path.name for path in to.rglob("*")) == [
        "etc", "kept", "lib", "lost+found", "same",
    ]  # fmt: skip
    assert (to / "etc").stat().st_mode & 0o777 == 0o750
    assert (to / "etc/kept").samefile(to / "etc/same")
    assert (to / "etc/kept").stat().st_mtime == 1_000_000


def test_a_damaged_layer_is_a_failure(archive: Path, tmp_path: Path) -> None:
    whole = archive.read_bytes()
    archive.write_bytes(whole[:150])
    (tmp_path / "to").mkdir()
    with pytest.raises(Failure, match=r"step 1 of 1, t: unsquashfs failed with status [1-9]"):
        perform(plan(Unpack("t", str(archive), str(tmp_path / "to"))))


def test_a_program_that_is_missing_is_told_before_anything_is_done() -> None:
    command.require(("sh", "mount"))
    with pytest.raises(Failure, match=r"no program mkfs\.none and no none-install") as caught:
        command.require(("sh", "mkfs.none", "none-install"))
    assert "nothing has been done" in caught.value.pairs[0][1]

"""/install.pyz as a file, and full disks: small tmpfs in namespaces of the test's own."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from democd.errors import BuildError
from democd.host.run import container, run
from democd.recipe import Recipe, load
from democd.stages import installer
from tests.support.building import PROJECT

CODE = PROJECT / "overlays/xendemo/usr/lib/xendemo"


def test_install_pyz_has_the_same_bytes_wherever_it_is_made(tmp_path: Path) -> None:
    made = installer.build(Recipe(PROJECT), PROJECT)
    for path in CODE.rglob("*.py"):  # another checkout, of another day, with another umask
        copy = tmp_path / "usr/lib/xendemo" / path.relative_to(CODE)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
        copy.chmod(0o600)
    assert installer.pack(tmp_path / "usr/lib/xendemo") == made
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        assert archive.testzip() is None
        assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert archive.namelist() == sorted(archive.namelist())


def test_install_pyz_runs(tmp_path: Path) -> None:
    path = tmp_path / "install.pyz"
    path.write_bytes(installer.build(Recipe(PROJECT), PROJECT))
    done = subprocess.run(
        [sys.executable, path, "--help"], capture_output=True, text=True, timeout=60, cwd="/"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "--disk DEVICE" in done.stdout
    wrong = subprocess.run(
        [sys.executable, path, "--dsik", "x"], capture_output=True, text=True, timeout=60
    )
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("error: unrecognized arguments: --dsik x\n")


def test_a_disc_without_the_program_has_no_install_pyz() -> None:
    smoke = load(PROJECT / "profiles/smoke.toml", folder=PROJECT)
    assert installer.build(smoke, PROJECT) == b""
    assert installer.build(replace(Recipe(PROJECT), roles={"guest": ("guest",)}), PROJECT) == b""


# --- full disks -----------------------------------------------------------------------------------

_FULL = """
import io, os, subprocess, sys
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
top, kind = sys.argv[2], sys.argv[3]
from xendemo.errors import Failure
from xendemo.install import doing
from xendemo.install.log import Log
from xendemo.install.progress import Progress
from xendemo.install.steps import Copy, Plan, Tree, Write
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "small", top], check=True)
source = os.path.dirname(top) + "/source"
os.mkdir(source)
for number in range(8):
    with open(f"{source}/{number}", "wb") as file:
        file.write(bytes(400_000))
os.mkdir(f"{top}/boot")
with open(f"{top}/boot/grub.cfg", "w") as file:
    file.write("old")
steps = {
    "write": Write("write", f"{top}/boot/grub.cfg", bytes(2_000_000)),
    "copy": Copy("copy", "/dev/zero", f"{top}/boot/disc.iso", size=2_000_000),
    "tree": Tree("tree", source, f"{top}/lib/modules"),
}
undo = sys.argv[4] == "undo"
plan = Plan("a test", (), (Write("first", f"{top}/new", b"x"), steps[kind]), "", (), undo=undo,
            ruin="it is unfinished")
try:
    doing.perform(plan, Progress(io.StringIO(), 2), Log(os.path.dirname(top) + "/log"))
except Failure as failure:
    print(failure.pairs[0][0])
    print(failure.pairs[0][1])
with open(f"{top}/boot/grub.cfg") as file:
    print("menu:", file.read())
print("left:", *sorted(os.listdir(top)), *sorted(os.listdir(f"{top}/boot")))
"""


@pytest.fixture
def _namespaces() -> None:
    try:
        run(["true"], contained=True)
    except BuildError as error:
        pytest.skip(f"this host allows no namespaces: {error.hint}")


@pytest.mark.usefixtures("_namespaces")
@pytest.mark.parametrize("kind", ["write", "copy", "tree"])
@pytest.mark.parametrize("undo", ["undo", "stay"])
def test_a_full_disk_is_told_and_nothing_half_made_is_left(
    kind: str, undo: str, tmp_path: Path
) -> None:
    (tmp_path / "top").mkdir()
    done = subprocess.run(
        [*container(), sys.executable, "-c", _FULL, CODE, tmp_path / "top", kind, undo],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    told = done.stdout.splitlines()
    assert told[0].startswith(f"step 2 of 2, {kind}: ")
    assert "no space" in done.stdout.lower()
    assert told[-2] == "menu: old"
    if undo == "undo":
        assert "everything has been put back as it was" in told
        assert told[-1] == "left: boot grub.cfg"
    else:
        assert "it is unfinished" in told

"""`build.py smoke` as a person calls it, with the real QEMU and GRUB, on a disc of a few MB.

Its kernels are made up: GRUB's menu is as far as it gets. tests/smoke boots real ones.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as Xml
from collections.abc import Callable
from pathlib import Path

import pytest

from democd import cli, layout
from democd.smoke.disc import look_at
from democd.stages import master
from tests.support.testkernels import assemble
from tests.tools import small_disc

Make = Callable[[str], Path]
NO_SUCH_FILE = small_disc.MENU.replace(f"multiboot2 {layout.XEN}", "multiboot2 /boot/no-xen")
WAITS = small_disc.MENU.replace(
    f"multiboot2 {layout.XEN}", "echo (XEN) nothing follows\n  sleep 900"
)


@pytest.fixture
def make(folder: Path, tmp_path: Path) -> Make:
    """Makes a small disc with this menu."""

    def made(menu: str) -> Path:
        iso = tmp_path / "small.iso"
        plan = small_disc.plan(folder, menus={layout.GRUB_CFG: menu})
        master.master(plan, iso, lambda done, total: None)
        return iso

    return made


def smoke(project: Path, *words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, project / "build.py", "smoke", *map(str, words)],
        capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.mark.boot
def test_what_grub_cannot_load_is_told_and_kept(project: Path, make: Make, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    done = smoke(
        project, make(NO_SUCH_FILE), "--case", "dom0", "xl-info",
        "--junit", tmp_path / "smoke.xml", "--artifacts", kept, "--build-dir", tmp_path / "build",
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("failed       dom0 ")
    assert lines[0].endswith("GRUB: error: file `/boot/no-xen' not found.")
    assert "    | " in done.stdout
    assert "error        xl-info" in done.stdout
    assert f"kept in {kept}" in lines
    assert "1 failed, 1 error; " in done.stdout
    top = Xml.parse(tmp_path / "smoke.xml").getroot()
    assert top is not None
    assert [top.attrib[name] for name in ("tests", "failures", "errors")] == ["2", "1", "1"]
    assert "GRUB" in done.stderr, "progress"
    is_kept(kept / "bios-cd")
    (boot,) = (tmp_path / "build/boots").glob("*-bios-cd.json")
    assert boot.read_bytes() == (kept / "bios-cd/boot.json").read_bytes()
    by_hand(kept / "bios-cd/qemu.sh", shows=b"GNU GRUB")


@pytest.mark.boot
def test_what_grub_cannot_load_is_told_and_kept_by_uefi(
    project: Path, make: Make, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    done = smoke(project, make(NO_SUCH_FILE), "--case", "uefi-cd", "--artifacts", kept)
    assert done.returncode == 1, done.stderr
    line = done.stdout.splitlines()[0]
    assert line.startswith("failed       uefi-cd ")
    assert line.endswith("GRUB: error: file `/boot/no-xen' not found.")
    is_kept(kept / "uefi-cd")


def is_kept(folder: Path) -> None:
    boot = json.loads((folder / "boot.json").read_text())
    assert (boot["machine"], list(boot["milestones"])) == (folder.name, ["firmware", "GRUB"])
    assert set(boot["cases"].values()) <= {"failed", "error"}
    assert "GNU GRUB" in (folder / "serial.log").read_text()
    assert (folder / "screen.png").read_bytes().startswith(b"\x89PNG")
    if shutil.which("shellcheck"):
        subprocess.run(["shellcheck", folder / "qemu.sh"], check=True)


def by_hand(script: Path, *options: str, keys: bytes = b"", shows: bytes) -> bytes:
    """Start a machine by its script, type on the terminal, and return all that came there."""
    with subprocess.Popen(
        [script, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        cwd="/",
    ) as machine:  # fmt: skip
        assert machine.stdin
        assert machine.stdout
        machine.stdin.write(keys)
        machine.stdin.flush()
        said = b""
        while shows not in said:
            piece = machine.stdout.read1(4096)
            assert piece, said
            said += piece
        machine.stdin.write(b"\x01x")  # Ctrl-A X
        machine.stdin.flush()
        said += machine.stdout.read()
    assert machine.returncode == 0
    return said


@pytest.mark.boot
@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_it_ends_its_machines_and_says_so(
    project: Path, make: Make, tmp_path: Path, sent: signal.Signals, code: int
) -> None:
    iso = make(WAITS)
    command = [
        sys.executable, project / "build.py", "smoke", iso, "--case", "dom0", "uefi-cd",
        "--jobs", "2", "--junit", tmp_path / "smoke.xml", "--artifacts", tmp_path / "kept",
    ]  # fmt: skip
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as runner:
        assert runner.stderr
        while "GRUB" not in (line := runner.stderr.readline()):
            assert line
        runner.send_signal(sent)
        said, _ = runner.communicate(timeout=60)
    assert runner.returncode == code
    assert "interrupted  dom0" in said
    assert "interrupted  uefi-cd" in said
    assert machines_of(iso) == []
    top = Xml.parse(tmp_path / "smoke.xml").getroot()
    assert top is not None
    assert top.attrib["errors"] == "2"
    # What was kept is of use all the same: the script, and what it says of options and Ctrl-A C.
    script = tmp_path / "kept/uefi-cd/qemu.sh"
    told = by_hand(script, "-S", keys=b"\x01cinfo block\r", shows=b"medium0")
    for file in (b"OVMF_CODE_4M.fd", b"vars.fd", bytes(iso)):
        assert file in told


@pytest.mark.boot
def test_killed_it_leaves_no_machine(project: Path, make: Make, tmp_path: Path) -> None:
    iso = make(WAITS)
    command = [sys.executable, project / "build.py", "smoke", iso]
    env = os.environ | {"TMPDIR": str(tmp_path)}  # folders it does leave
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=env) as runner:
        assert runner.stderr
        while "GRUB" not in (line := runner.stderr.readline()):
            assert line
        folders = set(re.findall(r"/tmp/democd-\w+", "".join(machines_of(iso))))
        assert folders
        runner.kill()
    deadline = time.monotonic() + 10
    while machines_of(iso) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert machines_of(iso) == []
    for folder in folders:  # of QEMU's sockets, whose paths must be short
        shutil.rmtree(folder)


def machines_of(iso: Path) -> list[str]:
    """The command lines of all programs that run with this disc, but ours."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if "qemu" in words[0] and any(str(iso) in word for word in words):
            found.append(" ".join(words))
    return found


# --- wrong input: nothing is booted ---------------------------------------------------------------


Refused = Callable[..., str]


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Refused:
    """Calls the verb in this process, which wrong input must not end, and returns what is told."""

    def told(*words: object) -> str:
        assert cli.main(["smoke", *map(str, words)]) == 2
        return capsys.readouterr().err

    return told


def test_wrong_words_are_told_at_once(project: Path, tmp_path: Path) -> None:
    done = smoke(
        project, tmp_path / "x.iso", "--case", "dom1", "--memory", 5, "--xen", "x",
        "--junit", tmp_path / "no/x.xml", "--guest-images", tmp_path / "none",
    )  # fmt: skip
    assert done.returncode == 2
    assert "5 mistakes" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("content", ["", "no disc", None])
def test_what_is_no_disc_is_wrong_input(
    refused: Refused, tmp_path: Path, content: str | None
) -> None:
    if content is not None:
        (tmp_path / "x.iso").write_text(content)
    assert f"error: {tmp_path}/x.iso" in refused(tmp_path / "x.iso")


def test_test_kernels_are_looked_at_first(refused: Refused, tmp_path: Path) -> None:
    program = Path("/bin/true")
    text = tmp_path / "text"
    text.write_text("no kernel")
    told = refused("--dom0-module", program, text, tmp_path / "none")
    assert f"{program}: it has no Xen note ENTRY or PHYS32_ENTRY" in told
    assert f"{text}: it is no ELF file" in told
    assert "3 mistakes" in told


def test_images_without_a_kernel_are_told(refused: Refused, tmp_path: Path) -> None:
    assemble(tmp_path, "success")
    (tmp_path / "lost.cfg").write_text('kernel = "/somewhere/lost"\n')
    (tmp_path / "empty.cfg").write_text("memory = 64\n")
    told = refused("--guest-images", tmp_path)
    assert "lost.cfg: no kernel lost beside it" in told
    assert "empty.cfg: it names no kernel" in told
    (tmp_path / "none").mkdir()
    assert "no .cfg in it" in refused("--guest-images", tmp_path / "none")


def test_the_list_needs_no_disc(project: Path) -> None:
    done = smoke(project, "--list")
    assert done.returncode == 0
    assert "pv-guest" in done.stdout


def test_a_disc_says_what_it_is(make: Make) -> None:
    found = look_at(make(small_disc.MENU))
    assert (found.kind, found.default.name) == ("full", "xen")
    assert found.facts["dom0_release"] == "6.12.1-amd64"
    assert found.facts["guest_release"] == "6.12.1-cloud-amd64"
    assert found.facts["xen_version"]

"""Machines that run, with the real QEMU."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from democd.errors import BuildError, InputError
from democd.host.devices import ATTACHMENTS, NICS
from democd.host.qemu import Drive, Machine, Nic
from democd.host.running import started
from democd.smoke.console import Console, ConsoleError
from tests.boot.media import DISK_SAYS, Media
from tests.support.processes import gone_within


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    return Media(tmp_path / "none.iso", tmp_path).talking_disk()


def test_a_machine_is_heard_seen_and_reached(disk: Path, tmp_path: Path) -> None:
    machine = Machine((Drive(disk, "ide"),), memory=64, nics=(Nic(forward=(22, 80)),))
    with started(machine) as running, Console.at(running.serial) as console:
        assert console.expect(DISK_SAYS, 60).text == DISK_SAYS
        picture = running.screenshot(tmp_path / "screen.png")
        assert picture.read_bytes().startswith(b"\x89PNG")
        assert running.port(22) != running.port(80)
        with pytest.raises(BuildError, match="not forwarded"):
            running.port(443)
        with pytest.raises(BuildError, match="nonsense"):
            running.qmp("nonsense")
    assert running.process.returncode is not None
    assert not running.folder.exists()


def test_qemu_has_every_attachment_and_card(disk: Path) -> None:
    drives = tuple(Drive(disk, name) for name in ATTACHMENTS)
    on_board = tuple(drive for drive in drives if drive.attachment in ("ide", "cdrom"))
    for some in (drives[: len(drives) // 2], drives[len(drives) // 2 :], on_board):
        with started(Machine(some, memory=64, nics=tuple(map(Nic, NICS)))) as running:
            assert len(running.qmp("query-block")) >= len(some)


def test_a_machine_that_quits_ends_the_wait(disk: Path) -> None:
    machine = Machine((Drive(disk, "ide"),), memory=64)
    with started(machine) as running, Console.at(running.serial) as console:
        console.expect(DISK_SAYS, 60)
        with contextlib.suppress(BuildError):  # it may be gone before it has answered
            running.qmp("quit")
        with pytest.raises(ConsoleError) as caught:
            console.expect("login: ", 60)
        assert caught.value.kind == "ended"


def test_two_machines_at_once_do_not_collide(disk: Path) -> None:
    machine = Machine((Drive(disk, "ide"),), memory=64, nics=(Nic(forward=(22,)),))
    with started(machine) as one, started(machine) as two:
        assert one.port(22) != two.port(22)


def test_a_stick_is_not_written_to(disk: Path) -> None:
    before = disk.stat().st_mtime_ns
    machine = Machine((Drive(disk, "usb"),), memory=64)
    with started(machine) as running, Console.at(running.serial) as console:
        console.expect(DISK_SAYS, 60)
    assert disk.stat().st_mtime_ns == before


def test_what_qemu_refuses_is_told_in_its_words(disk: Path) -> None:
    with pytest.raises(BuildError) as caught, started(Machine((Drive(disk),), cpu="abacus")):
        pass
    assert "abacus" in caught.value.hint


def test_a_missing_disc_is_told_before_anything_starts(tmp_path: Path) -> None:
    with (
        pytest.raises(InputError, match="no such file"),
        started(Machine((Drive(tmp_path / "none.iso"),))),
    ):
        pass


def test_qemu_dies_with_us_even_when_we_are_killed(disk: Path) -> None:
    script = (
        "import time; from pathlib import Path\n"
        "from democd.host.qemu import Drive, Machine\n"
        "from democd.host.running import started\n"
        f"with started(Machine((Drive(Path({str(disk)!r}), 'ide'),), memory=64)) as running:\n"
        "    print(running.process.pid, running.folder, flush=True); time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    words = parent.stdout.readline().split()
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    assert gone_within(int(words[0]), 10)
    for left in Path(words[1]).iterdir():
        left.unlink()
    Path(words[1]).rmdir()

"""What is done beside tests: nothing that they change for a moment reaches it."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError
from functools import partial
from pathlib import Path

import pytest

from democd.errors import BuildError
from democd.host import room
from tests.support.beside import Beside
from tests.support.building import PROJECT
from tests.support.processes import gone_within
from tests.support.sandbox import may_be_nobody, nobody

LOOK = "pwd; umask; ulimit -n; id -u; echo ${CHANGED-untouched}"


@pytest.fixture
def beside() -> Iterator[Beside]:
    beside = Beside()
    yield beside
    beside.close()


def looked(told: Path) -> Path:
    told.write_bytes(subprocess.run(["sh", "-c", LOOK], check=True, capture_output=True).stdout)
    return told


def full() -> Path:
    raise room.NoRoomError("dd finds the disk full", "$ dd\nits words", ["its words"])


def waits(told: Path) -> Path:
    told.write_text(f"{os.getpid()}")
    time.sleep(600)
    return told


def test_what_tests_change_for_a_moment_is_not_changed_there(
    beside: Beside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = beside.begin(partial(looked, tmp_path / "before")).result().read_text()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(home)
    monkeypatch.setenv("CHANGED", "yes")
    umask = os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft - 1, hard))
    try:
        assert looked(tmp_path / "here").read_text() != before
        if may_be_nobody():
            with nobody(home):
                now = beside.begin(partial(looked, tmp_path / "now")).result()
        else:
            now = beside.begin(partial(looked, tmp_path / "now")).result()
    finally:
        os.umask(umask)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert now.read_text() == before


def test_what_fails_there_is_told_here(beside: Beside) -> None:
    with pytest.raises(BuildError, match="dd finds the disk full") as caught:
        beside.begin(full).result()
    assert caught.value.hint == "$ dd\nits words"


def test_what_is_not_begun_is_left(tmp_path: Path) -> None:
    beside = Beside()
    begun = [beside.begin(partial(looked, tmp_path / f"{number}")) for number in range(10)]
    beside.close()
    assert begun[0].result().exists()
    with pytest.raises(CancelledError):
        begun[-1].result()


def test_it_is_gone_when_we_are(tmp_path: Path) -> None:
    told = tmp_path / "told"
    text = f"""
from functools import partial
from pathlib import Path
from tests.support.beside import Beside
from tests.unit.test_beside import waits
Beside().begin(partial(waits, Path({str(told)!r}))).result()
"""
    us = subprocess.Popen([sys.executable, "-c", text], cwd=PROJECT)
    while not told.exists() or not told.read_text():
        assert us.poll() is None
        time.sleep(0.05)
    us.send_signal(signal.SIGKILL)
    us.wait()
    assert gone_within(int(told.read_text()))

"""The disc made of Debian 12: its dom0 keeps the same promises, and its Linux boots without Xen."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.boot.cases import CASES
from tests.boot.fleet import Check, Fleet, Report, finding
from tests.boot.media import Media
from tests.support.building import BUILD, PROJECT

pytestmark = pytest.mark.boot

CASE = replace(next(case for case in CASES if case.name == "bios-cd"), name="bookworm")
FOLDER = BUILD / "boot-tests"


@pytest.fixture(scope="module")
def report(bookworm_iso: Path) -> Iterator[Report]:
    FOLDER.mkdir(parents=True, exist_ok=True)
    fleet = Fleet([CASE], Media(bookworm_iso, FOLDER / "media-bookworm"), FOLDER)
    yield fleet.report(CASE.name)
    fleet.close()


@pytest.mark.parametrize("check", CASE.checks, ids=lambda check: check.__name__)
def test_dom0(check: Check, report: Report) -> None:
    finding(report, check)


def test_boot_check_finds_its_linux_without_xen(bookworm_iso: Path) -> None:
    command = [sys.executable, PROJECT / "build.py", "boot", bookworm_iso]
    done = subprocess.run(
        [*command, "--check", "--entry", "linux", "--log", FOLDER / "bookworm-linux.log"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "passed: Linux 6.1." in done.stderr

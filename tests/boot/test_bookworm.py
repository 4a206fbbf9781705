"""The disc made of Debian 12: its dom0 keeps the same promises, and its Linux boots without Xen."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.boot.cases import CASES
from tests.boot.fleet import Check, Fleet, finding
from tests.boot.guests import a_guest_of_96_mb_runs_beside_dom0, a_micro_guest_runs
from tests.support.building import BUILD, PROJECT
from tests.support.lanes import LANE

pytestmark = pytest.mark.boot

BIOS_CD = next(case for case in CASES if case.name == "bios-cd")
CASE = replace(
    BIOS_CD,
    name="bookworm",
    disc="bookworm_iso",
    checks=tuple(
        a_micro_guest_runs if check is a_guest_of_96_mb_runs_beside_dom0 else check
        for check in BIOS_CD.checks
    ),
)
FOLDER = BUILD / "boot-tests"


@pytest.mark.cases(CASE)
@pytest.mark.parametrize("check", CASE.checks, ids=lambda check: check.__name__)
def test_dom0(check: Check, fleet: Fleet) -> None:
    finding(fleet.report(CASE.name), check)


def test_boot_check_finds_its_linux_without_xen(bookworm_iso: Path) -> None:
    command = [sys.executable, PROJECT / "build.py", "boot", bookworm_iso]
    with LANE:
        done = subprocess.run(
            [*command, "--check", "--entry", "linux", "--log", FOLDER / "bookworm-linux.log"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "passed: Linux 6.1." in done.stderr

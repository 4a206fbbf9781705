"""The disc of Debian 12 boots as well."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.building import BUILD, PROJECT

pytestmark = pytest.mark.boot


def test_dom0_of_debian_12_is_reached(bookworm_iso: Path) -> None:
    log = BUILD / "boot-tests/bookworm.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [sys.executable, PROJECT / "build.py", "boot", bookworm_iso, "--check", "--log", log],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "passed: Xen with Domain-0" in done.stderr

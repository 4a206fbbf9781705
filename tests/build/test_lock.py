"""The lock that a person writes, of the true archive as a snapshot service would have it."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from democd.archives import ADDRESSES, seconds
from democd.host.debs import tool_versions
from tests.support.building import PROJECT
from tests.support.snapshots import snapshots

pytestmark = pytest.mark.build

THEN = "20261126T000000Z"


def lock(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    places = ["--build-dir", folder / "build", "--output", folder / "small.lock"]
    return subprocess.run(
        [sys.executable, PROJECT / "build.py", "lock", *places, *words],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip


def test_a_lock_is_written_of_a_snapshot_and_of_nothing_else(tmp_path: Path) -> None:
    with snapshots(THEN, ADDRESSES) as service:
        small = ["--set", 'root.packages=["xen"]', "--set", f"root.snapshot={service.template}"]
        done = lock(tmp_path, "--snapshot", "2026-11-26", *small)
        assert done.returncode == 0, done.stderr
        asked = "\n".join(service.asked)
        for index in ("trixie", "trixie-updates", "trixie-security"):
            assert f"{THEN}/dists/{index}/InRelease" in asked
        other = lock(tmp_path, "--snapshot", "2026-11-25", *small)
    text = (tmp_path / "small.lock").read_text()
    told = tomllib.loads(text)
    assert {"apt", "bash", "xen-system-amd64", "libc6"} <= set(told["packages"])
    assert len([line for line in text.splitlines() if " sha256 = " in line]) == len(
        told["packages"]
    )
    assert told["tools"] == tool_versions()
    assert set(told["releases"]) == {"trixie", "trixie-updates", "trixie-security"}
    assert seconds(told["time"]) > 1_700_000_000
    assert "127.0.0.1" not in text  # any mirror will do
    assert not [address for address in ADDRESSES.values() if address in text]
    assert other.returncode == 1
    assert "error: Debian trixie cannot be fetched" in other.stderr
    assert (tmp_path / "small.lock").read_text() == text  # the old one stays


def test_all_that_the_recipe_wants_is_in_debian_12_too(tmp_path: Path) -> None:
    """Its disc in the other tests is one without compilers and the builder."""
    done = lock(tmp_path, "--set", "root.suite=bookworm")
    assert done.returncode == 0, done.stderr
    packages = tomllib.loads((tmp_path / "small.lock").read_text())["packages"]
    assert {"gcc", "python3-pycdlib", "xen-system-amd64", "squashfs-tools"} <= set(packages)

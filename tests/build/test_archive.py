"""Debian's archive: nothing unsigned gets in, and what is wrong with it is told in words."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import urllib.request
from pathlib import Path

import pytest

from democd.artifacts import Root
from tests.support.building import PROJECT

pytestmark = pytest.mark.build


def failure(folder: Path, *overrides: str) -> str:
    """Build, which must fail, and return what a person reads."""
    words = [word for override in overrides for word in ("--set", override)]
    places = ["--build-dir", folder / "build", "--output-dir", folder / "dist"]
    done = subprocess.run(
        [sys.executable, PROJECT / "build.py", "build", *places, *words],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert not list((folder / "dist").iterdir())
    assert len(done.stderr.splitlines()) < 12, done.stderr  # to the point
    return done.stderr


@pytest.fixture(scope="module")
def release(root: Root) -> str:
    """The archive's own index of indexes, with its signature around it."""
    with tarfile.open(root.tar) as tar:
        sources = tar.extractfile("./etc/apt/sources.list")
        assert sources
        _, mirror, suite, *_ = sources.readline().decode().split()
    with urllib.request.urlopen(f"{mirror}/dists/{suite}/InRelease", timeout=60) as answer:
        text: str = answer.read().decode()
    assert text.startswith("-----BEGIN PGP SIGNED MESSAGE-----")
    return text


def mirror(folder: Path, name: str, text: str) -> str:
    """Make an archive that has just the index, and return the recipe's line for it."""
    path = folder / "mirror/dists/trixie" / name
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return f"root.mirror=copy://{folder}/mirror"


def test_an_archive_changed_after_it_was_signed_is_refused(tmp_path: Path, release: str) -> None:
    changed = release.replace("\nLabel: Debian", "\nLabel: Deviant", 1)
    assert changed != release
    said = failure(tmp_path, mirror(tmp_path, "InRelease", changed))
    assert "error: the archive is not signed with Debian's keys" in said
    assert "BADSIG" in said


def test_an_archive_without_a_signature_is_refused(tmp_path: Path, release: str) -> None:
    body = re.split(r"\n\n|-----BEGIN PGP SIGNATURE", release, maxsplit=2)[1]
    said = failure(tmp_path, mirror(tmp_path, "Release", body))
    assert "error: the archive is not signed with Debian's keys" in said


def test_the_true_signature_is_taken(tmp_path: Path, release: str) -> None:
    """Shows that the two above fail for their signature: this one fails later."""
    said = failure(tmp_path, mirror(tmp_path, "InRelease", release))
    assert "error: Debian trixie cannot be fetched" in said
    assert "signed" not in said


def test_no_network_is_told(tmp_path: Path) -> None:
    said = failure(tmp_path, "root.mirror=http://127.0.0.1:9/debian")
    assert "error: Debian trixie cannot be fetched" in said
    assert "Connection refused" in said


def test_a_mistyped_package_is_named(tmp_path: Path) -> None:
    said = failure(tmp_path, "root.extra=vim-tinny")
    assert "error: Debian trixie has no package vim-tinny" in said
    assert "root.extra" in said

"""A second build: another's, elsewhere, on another day, killed once. See tests/support/again.py."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from democd import remake
from democd.digests import file_digest
from democd.host.progress import Reporter
from tests.support.again import Again

pytestmark = pytest.mark.build


def test_nothing_outlives_a_build_that_is_killed(again: Again) -> None:
    killed = again.killed
    assert len(killed.before) > 3  # the build, mmdebstrap and what it runs in the root
    assert any("mount" in trace or "dpkg" in trace for trace in killed.before), killed.before
    assert killed.after == []


def test_the_next_build_goes_on_and_clears_what_is_left(again: Again) -> None:
    assert again.killed.scratch  # it was indeed in the middle
    assert again.scratch == []
    assert again.iso.is_file()


def test_an_ordinary_user_can_build(again: Again) -> None:
    if again.visitor.uid == 0:
        pytest.skip("this host lets no ordinary user have namespaces of their own")
    assert again.iso.stat().st_uid == again.visitor.uid
    assert {path.name for path in again.iso.parent.iterdir()} == {
        "xendemo.iso", "xendemo.iso.sha256", "xendemo.manifest.json", "xendemo.spdx.json",
    }  # fmt: skip


def test_it_was_on_another_host(again: Again) -> None:
    ours = platform.freedesktop_os_release().get("VERSION_CODENAME")
    theirs = (again.host / "usr/lib/os-release").read_text()
    assert "\nVERSION_CODENAME=" in theirs
    assert f"\nVERSION_CODENAME={ours}\n" not in theirs


def test_same_inputs_same_bytes(built: Path, again: Again) -> None:
    assert again.iso.parent != built.parent
    if file_digest(again.iso) != file_digest(built):
        found = remake.compare(built, again.iso, Reporter(quiet=True))
        pytest.fail(remake.report(found), pytrace=False)
    for suffix in (".manifest.json", ".spdx.json"):
        assert again.iso.with_suffix(suffix).read_bytes() == built.with_suffix(suffix).read_bytes()

"""The lock as a file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from democd import lockfile
from democd.errors import InputError
from democd.lockfile import Lock, Locked
from democd.recipe import Recipe, Root

NANO = Locked("nano", "1:8.4-1+b1", "amd64", 700, "ab" * 32, "debian/pool/main/n/nano_8.4.deb")
LIBS = Locked("libstdc++6", "14.2~rc", "amd64", 9, "cd" * 32, "debian-security/pool/l/l+6_1.deb")
LOCK = Lock(
    suite="trixie",
    components=("main", "non-free-firmware"),
    names=("nano",),
    time="20261126T081500Z",
    packages=(LIBS, NANO),
    releases={"trixie": "ef" * 32},
    tools={"mmdebstrap": "1.5.6", "apt": "3.0.3"},
)


def test_what_is_written_is_what_is_read() -> None:
    assert lockfile.parse(lockfile.text(LOCK), "lock") == LOCK
    assert LOCK.date == 1_795_680_900


def test_a_package_has_a_line_and_lines_are_sorted() -> None:
    turned = replace(LOCK, packages=(NANO, LIBS), tools=dict(reversed(LOCK.tools.items())))
    assert lockfile.text(turned) == lockfile.text(LOCK)
    newer = replace(LOCK, packages=(LIBS, replace(NANO, version="9", sha256="00" * 32)))
    old, new = (lockfile.text(lock).splitlines() for lock in (LOCK, newer))
    assert [line for line in new if line not in old] == [line for line in new if '"9"' in line]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("format = 1", "format = 2", "no lock of format 1"),
        ("suite = ", "sweet = ", "lacks 'suite'"),
        ('time = "20261126T081500Z"', 'time = "20261399T081500Z"', "no lock"),
        ('"nano" = {', '"../nano" = {', "no lock"),
        ("ab" * 32, "ab" * 31, "packages.nano"),
        ("size = 700", "size = -700", "packages.nano"),
        ("size = 700", "", "not TOML"),
        ("size = 700, ", "", "packages.nano: it has or lacks size"),
        ("debian/pool/main/n/nano", "debian/pool/../../../etc/nano", "packages.nano"),
        ("debian/pool/main/n/nano", "http://localhost/nano", "packages.nano"),
        ('architecture = "amd64", size = 700', 'architecture = "i386", size = 700', "i386"),
        ("names = [", "names = 3\nothers = [", "no lock"),
        ("[tools]", "[tools", "not TOML"),
    ],
)
def test_what_is_no_lock_is_refused(old: str, new: str, told: str) -> None:
    text = lockfile.text(LOCK)
    assert old in text
    with pytest.raises(InputError) as caught:
        lockfile.parse(text.replace(old, new), "some.lock")
    assert told in caught.value.message
    assert caught.value.message.startswith("some.lock ")
    assert "./build.py lock" in caught.value.hint


def test_a_lock_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no lock"):
        lockfile.read(tmp_path / "democd.lock")
    (tmp_path / "odd").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="cannot be read"):
        lockfile.read(tmp_path / "odd")


def test_a_lock_is_for_its_recipe(tmp_path: Path) -> None:
    components = ("non-free-firmware", "main")  # in another order
    recipe = Recipe(tmp_path, root=Root(components=components))
    lockfile.refuse_other(LOCK, recipe, ["nano"], "l")
    other = replace(recipe, root=Root(suite="bookworm", components=components))
    with pytest.raises(InputError) as caught:
        lockfile.refuse_other(LOCK, other, ["nano"], "l")
    assert "the recipe wants bookworm" in caught.value.hint
    with pytest.raises(InputError) as caught:
        lockfile.refuse_other(LOCK, recipe, ["vim"], "l")
    assert "not in the lock: vim" in caught.value.hint
    assert "no longer asked for: nano" in caught.value.hint


def test_other_tools_are_told() -> None:
    assert lockfile.other_tools(LOCK, LOCK.tools) == []
    (told,) = lockfile.other_tools(LOCK, {"apt": "2.6.1", "mmdebstrap": "1.5.6"})
    assert told.startswith("apt is 2.6.1, and was 3.0.3")

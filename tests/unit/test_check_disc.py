"""`checkmedia` in the initrd, run by busybox's shell on a folder as the disc; `xendemo check`
must agree."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import mounted
from tests.support.building import PROJECT
from xendemo import media

pytestmark = pytest.mark.skipif(not shutil.which("busybox"), reason="busybox is not installed")

FILES = {
    "README.CD": b"Boot it.\n",
    "live/base.squashfs": bytes(range(256)) * 33_000,  # more than a piece of 8 MiB
    "guests/my own": b"mine",
    "guests/empty": b"",
}
# What init has, but for its consoles: `shell` returns when somebody has typed the word.
DRIVER = """
say() { printf '%s\\n' "${*:+init: $*}"; }
progress() { :; }
shell() { echo "asked: $1, type: $2"; exit 7; }
. "$1"
check_or_stop
echo it boots
"""


@pytest.fixture
def disc(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    return mounted.lay(tmp_path / "cd", FILES)


def check(disc: Path, applets: Path) -> list[str]:
    """Return what is said; the last line tells whether it boots."""
    done = subprocess.run(
        ["busybox", "sh", "-c", DRIVER, "init", PROJECT / "rootfs/check-disc"],
        env={"PATH": str(applets), "cd": str(disc), "run": str(disc.parent / "run")},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == (0 if "it boots" in done.stdout else 7), done.stderr
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def applets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which all programs are busybox's, as in the initrd."""
    folder = tmp_path_factory.mktemp("bin")
    subprocess.run(["busybox", "--install", "-s", folder], check=True)
    return folder


def by_xendemo(disc: Path) -> list[str]:
    """What `xendemo check` finds damaged on the same disc."""
    sums = media.sums_of(str(disc))
    faults = [*sums.faults, *media.compare(str(disc), sums, sums.files)]
    return [fault.name for fault in faults]


def damaged(said: list[str]) -> list[str]:
    return [line.removeprefix("init:     ") for line in said if line.startswith("init:     ")]


def test_a_whole_disc_boots_and_is_known_as_checked(disc: Path, applets: Path) -> None:
    said = check(disc, applets)
    assert said[-2:] == ["init: every file on the disc is as it was made", "it boots"]
    digest = hashlib.sha256((disc / "SHA256SUMS").read_bytes()).hexdigest()
    assert (disc.parent / "run/checked").read_text() == f"{digest}\n"
    assert media.sums_of(str(disc)).digest == digest  # by which the installer knows that disc
    assert by_xendemo(disc) == []


def flip(disc: Path) -> None:
    data = bytearray((disc / "live/base.squashfs").read_bytes())
    data[8_400_000] ^= 1
    (disc / "live/base.squashfs").write_bytes(data)


def unreadable(disc: Path) -> None:
    """Reading the start of it gives EIO, as a scratch does."""
    (disc / "README.CD").unlink()
    (disc / "README.CD").symlink_to("/proc/self/mem")


def sums_unreadable(disc: Path) -> None:
    (disc / "SHA256SUMS").unlink()
    (disc / "SHA256SUMS").symlink_to("/proc/self/mem")


def empty_gone(disc: Path) -> None:
    (disc / "guests/empty").unlink()


def spaced(disc: Path) -> None:
    (disc / "guests/my own").write_text("yours")


def sums_gone(disc: Path) -> None:
    (disc / "SHA256SUMS").unlink()


def sums_line(disc: Path) -> None:
    path = disc / "SHA256SUMS"
    path.write_text(path.read_text().replace("  README", "  REXDME"))


NO_SUMS = "SHA256SUMS: missing, or not readable"


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (flip, "live/base.squashfs"),
        (unreadable, "README.CD"),
        (empty_gone, "guests/empty"),
        (spaced, "guests/my own"),
        (sums_gone, NO_SUMS),
        (sums_unreadable, NO_SUMS),
        (sums_line, "REXDME.CD"),
    ],
    ids=lambda it: getattr(it, "__name__", None),
)
def test_a_damaged_disc_stops_with_its_files_named(
    disc: Path, applets: Path, damage: Callable[[Path], None], named: str
) -> None:
    damage(disc)
    said = check(disc, applets)
    assert damaged(said) == [named]
    assert any("DAMAGED" in line for line in said)
    assert said[-1] == "asked: To boot the damaged disc all the same, type: boot-damaged"
    assert not (disc.parent / "run/checked").exists()
    assert by_xendemo(disc) == [named.partition(":")[0]]


def test_files_that_are_not_in_the_sums_are_only_told(disc: Path, applets: Path) -> None:
    (disc / "guests/more").write_text("more")
    (disc / "SHA256SUMS.gpg").write_text("a signature")
    said = check(disc, applets)
    assert "init: not in SHA256SUMS, so not checked: guests/more " in said
    assert said[-1] == "it boots"

"""`xendemo check`, and what the installer makes of it; on folders in place of a mounted disc."""

from __future__ import annotations

import io
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import mounted
from xendemo import check, cli, media, signature
from xendemo.errors import Failure
from xendemo.install import checking
from xendemo.install.options import Options
from xendemo.media import Fault

FILES = {
    "README.CD": b"Boot it.\n",
    "boot/xen.gz": b"xen",
    "live/base.squashfs": bytes(3 * media.PIECE + 100),
}


@pytest.fixture
def disc(tmp_path: Path) -> Path:
    return mounted.lay(tmp_path / "cd", FILES)


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    """The program's one function takes signals for itself."""
    before = [(number, signal.getsignal(number)) for number in (signal.SIGTERM, signal.SIGHUP)]
    yield
    for number, handler in before:
        signal.signal(number, handler)


def run(disc: Path, *words: str) -> int:
    return cli.main(["check", "--disc", str(disc), *words])


def test_a_whole_disc(disc: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(disc) == 0
    said = capsys.readouterr().out
    assert "3 files, 3.1 MB: all as it was made" in said


def test_damage_is_named_with_what_it_is_part_of(
    disc: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (disc / "boot/xen.gz").write_bytes(b"nex")
    (disc / "live/base.squashfs").unlink()
    assert run(disc) == 1
    said = capsys.readouterr().out
    assert "  boot/xen.gz (the hypervisor): is not as it was made" in said
    assert "  live/base.squashfs (the system): cannot be read: No such file" in said
    assert "README.CD" not in said
    assert run(disc, "README.CD") == 0
    assert run(disc, "README.CD", "boot/xen.gz") == 1


def test_what_cannot_be_read_is_told_by_its_place(
    disc: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (disc / "README.CD").unlink()
    (disc / "README.CD").symlink_to("/proc/self/mem")  # address 0: EIO, as a scratch gives
    assert run(disc) == 1
    assert "README.CD (text): 2048 bytes cannot be read, the first of them byte 0" in (
        capsys.readouterr().out
    )


def test_a_disc_without_sums_is_damaged(disc: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (disc / "SHA256SUMS").write_text("")
    assert run(disc) == 1
    assert "SHA256SUMS (text): is empty" in capsys.readouterr().out
    (disc / "SHA256SUMS").write_text("words\n")
    assert run(disc) == 1
    assert "SHA256SUMS (text): line 1 is no checksum" in capsys.readouterr().out


def test_files_without_a_sum_are_told(disc: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (disc / "more").write_text("more")
    (disc / "SHA256SUMS.gpg").write_text("a signature")
    assert run(disc) == 0
    said = capsys.readouterr().out
    assert "not in SHA256SUMS, so not checked: more\n" in said
    assert "it is signed; --keyring FILE tells by whom" in said


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["REDAME.CD"], "REDAME.CD is not in SHA256SUMS\n  did you mean README.CD?"),
        (["--keyring", "/nowhere"], "--keyring /nowhere: there is no such file"),
    ],
)
def test_wrong_use(
    disc: Path, words: list[str], what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(disc, *words) == 2
    assert capsys.readouterr().err.startswith(f"error: {what}")


def test_no_disc_at_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path) == 2
    assert f"no disc is mounted at {tmp_path}" in capsys.readouterr().err


def test_what_is_read_is_told() -> None:
    assert media.described("/dev/sr0", "") == "the disc in /dev/sr0"
    file = media.described("/dev/loop6", "/run/democd/host/isos/xendemo.iso")
    assert file == "the disc in the file /run/democd/host/isos/xendemo.iso, on /dev/loop6"
    assert "in memory" in media.described("/dev/loop6", "/run/democd/ram/disc.iso")
    assert media.source_of("/proc") == "proc"
    assert media.source_of("/no such folder") == ""


def test_a_sector_that_can_be_read_after_all_is_no_damage(disc: Path) -> None:
    """A drive may fail on a long read and manage a short one."""
    pieces: list[bytes] = []
    file = os.open(disc / "README.CD", os.O_RDONLY)
    try:
        assert media._by_sectors(file, range(0, 9, 2048), 8, pieces.append) == []
    finally:
        os.close(file)
    assert b"".join(pieces) == FILES["README.CD"]


def test_a_file_is_a_fault_of_its_part() -> None:
    assert (
        media.told(Fault("boot/vmlinuz-xenU", "x")) == "boot/vmlinuz-xenU (the kernel of guests): x"
    )
    assert media.told(Fault("live/dom0.squashfs", "x")).startswith("live/dom0.squashfs (files laid")
    assert check.verdict("the disc", 1, 0, [Fault("a", "b")]).splitlines()[1] == "  a (text): b"


# --- before an installation -----------------------------------------------------------------------

INTO, DISK = Options("into", "/"), Options("disk", "/dev/sdb")


@pytest.mark.parametrize(
    ("options", "marked", "needed", "words"),
    [
        (DISK, False, True, "is checked before anything is written"),
        (DISK, True, False, "was checked since this machine started"),
        (Options("disk", "/dev/sdb", check=False), False, False, "not checked before (--no-check)"),
        (Options("into", "/", remove=True), False, False, ""),
    ],
)
def test_when_the_disc_is_checked(options: Options, marked: bool, needed: bool, words: str) -> None:
    assert checking.is_needed(options, marked=marked) == needed
    told = checking.words(options, marked=marked)
    assert words in told
    assert bool(told) == bool(words)


def test_a_damaged_disc_installs_nothing(disc: Path) -> None:
    checking.check(str(disc), media.sums_of(str(disc)), io.StringIO())
    (disc / "README.CD").write_text("other")
    with pytest.raises(Failure) as failure:
        checking.check(str(disc), media.sums_of(str(disc)), io.StringIO())
    assert failure.value.exit_code == 1
    ((message, hint),) = failure.value.pairs
    assert message == "the disc is damaged"
    assert hint.startswith("README.CD (text): is not as it was made")
    assert "nothing has been written" in hint


# --- who has signed -------------------------------------------------------------------------------

KEY = "AC41167B4C9D2D93D3E2E959FDF810D64B6EC233"
GOOD = f"""\
[GNUPG:] NEWSIG
[GNUPG:] GOODSIG FDF810D64B6EC233 Ann <ann@localhost>
[GNUPG:] VALIDSIG {KEY} 2026-11-26 1795706162 0 4 0 22 10 00 {KEY}
"""


def test_what_gpgv_says() -> None:
    assert signature.judge(GOOD) == f"Ann <ann@localhost>, {KEY}"
    assert signature.judge(GOOD.replace("GOODSIG", "EXPKEYSIG")) == ""
    assert signature.judge(GOOD.replace("GOODSIG", "REVKEYSIG")) == ""
    assert signature.judge("[GNUPG:] BADSIG FDF810D64B6EC233 Ann\n" + GOOD) == ""
    assert signature.judge("\n".join(GOOD.splitlines()[:2])) == ""
    assert signature.judge("") == ""


def test_an_unsigned_disc_is_not_to_be_trusted(
    disc: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ring").write_bytes(b"")
    assert run(disc, "--keyring", str(tmp_path / "ring")) == 1
    assert "NOT TO BE TRUSTED: there is no SHA256SUMS.gpg" in capsys.readouterr().out

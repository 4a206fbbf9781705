"""`burn` onto loop devices, and into xorriso's file that plays a drive.

Some of them fail on purpose: too small, read-only, full half-way, pulled out, with a byte turned.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pexpect
import pytest

from democd import cli
from democd.burn import compare, disk, medium, optical
from democd.errors import BuildError
from democd.formats import isoread
from democd.stages import master
from tests.support.building import PROJECT
from tests.tools import small_disc

MIB = 1 << 20
SIZE = 16 * MIB

pytestmark = [
    pytest.mark.build,  # plain pytest wants no root
    pytest.mark.skipif(os.geteuid() != 0, reason="loop devices need root"),
]


@pytest.fixture(scope="module")
def iso(folder: Path) -> Path:
    target = folder / "burn.iso"
    master.master(small_disc.plan(folder), target, lambda done, total: None)
    return target


def call(*words: str | Path) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True, timeout=60).stdout


@contextmanager
def stick(image: Path, *options: str, size: int = SIZE) -> Iterator[str]:
    """A block device; its bytes are those of the image, which is full of something else."""
    if not image.exists():
        image.write_bytes(b"\xaa" * size)
    device = call("losetup", "--find", "--show", *options, image).strip()
    try:
        yield device
    finally:
        call("losetup", "--detach", device)


@contextmanager
def mounted(folder: Path, *words: str) -> Iterator[Path]:
    folder.mkdir()
    call("mount", *words, folder)
    try:
        yield folder
    finally:
        call("umount", folder)


def quiet(done: int, total: int) -> None:
    """Hear of progress, and do nothing."""


def test_a_stick_gets_the_disc_and_is_read_back(
    iso: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = tmp_path / "stick"
    content = iso.read_bytes()
    with stick(image) as device:
        assert cli.main(["burn", str(iso), device, "--fixed", "--yes"]) == 0
        shown = capsys.readouterr().err
        assert f"{device} is overwritten: what is on it is lost" in shown
        assert f"{device}: done; read back, every byte is right" in shown
        assert cli.main(["verify", str(iso), "--against", device, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["checks"][-1]["name"] == "burned"
    written = image.read_bytes()
    assert written[: len(content)] == content
    assert written[-MIB:] == bytes(MIB), "marks at the end of what was there before are gone"
    assert set(written[len(content) : -MIB]) == {0xAA}, "no more than that is written"


def test_what_speaks_against_it_is_told_at_once_and_nothing_is_written(
    iso: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = bytearray(iso.read_bytes())
    with isoread.open_disc(iso) as disc:
        damaged[disc.files()["/live/base.squashfs"].lba * 2048 + 200] ^= 1
    bad = tmp_path / "bad.iso"
    bad.write_bytes(damaged)
    image = tmp_path / "stick"
    with stick(image, "--read-only", size=2 * MIB) as device:
        assert cli.main(["burn", str(bad), device, "--yes"]) == 2
    told = capsys.readouterr().err
    for message in (
        f"{bad} is damaged: checksums: /live/base.squashfs",
        f"{device} is read-only",
        f"{device} is built in, not a stick",
        f"{device} is too small: 2.1 MB",
        "mistakes",
    ):
        assert message in told
    assert set(image.read_bytes()) == {0xAA}


def test_what_is_mounted_is_refused_by_us_and_by_the_kernel(
    iso: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with stick(tmp_path / "stick") as device:
        call("mkfs.ext4", "-q", "-F", device)
        with mounted(tmp_path / "mnt", device) as where:
            assert cli.main(["burn", str(iso), device, "--fixed", "--yes"]) == 2
            assert f"{device} is mounted at {where}\n  umount {device}" in capsys.readouterr().err
            with pytest.raises(BuildError, match="in use: mounted"), disk.claimed(device):
                pass
        call("e2fsck", "-fn", device)


def test_it_asks_for_the_name_and_without_a_terminal_wants_yes(iso: Path, tmp_path: Path) -> None:
    image = tmp_path / "stick"
    with stick(image) as device:
        words = [str(PROJECT / "build.py"), "burn", str(iso), device, "--fixed"]
        done = subprocess.run(
            [sys.executable, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        assert done.returncode == 2
        assert "in scripts: --yes" in done.stderr
        for typed, code in (("yes", 2), (device, 0)):
            assert image.read_bytes()[: 64 * 1024] == b"\xaa" * 64 * 1024, "nothing yet"
            child = pexpect.spawn(sys.executable, words, timeout=60)
            child.expect_exact(f"type {device} to go on: ")
            child.sendline(typed)
            child.expect(pexpect.EOF)
            child.close()
            assert child.exitstatus == code
    assert image.read_bytes()[: iso.stat().st_size] == iso.read_bytes()


def test_a_medium_that_takes_no_more_half_way_is_no_disc(
    iso: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # What the loop device lies on is full after 3 MiB: its writes fail, as those of a worn stick.
    with mounted(tmp_path / "full", "-t", "tmpfs", "-o", "size=3m", "none") as small:
        image = small / "stick"
        with image.open("wb") as file:
            file.truncate(SIZE)
        with stick(image) as device:
            assert cli.main(["burn", str(iso), device, "--fixed", "--yes"]) == 1
            told = capsys.readouterr().err
            assert f"error: writing to {device} failed: " in told
            assert "half-written and does not boot" in told
            assert "done" not in told
        with image.open("rb") as file:
            head = file.read(MIB)
            assert head == bytes(MIB), "no partition table, no boot record, no volume"
            assert file.read(MIB) != bytes(MIB), "it had begun"


def test_a_stick_that_is_pulled_out_half_way_is_told(iso: Path, tmp_path: Path) -> None:
    image = tmp_path / "stick"
    with stick(image) as device, disk.claimed(device) as opened:

        def pull(done: int, total: int) -> None:
            if done >= 2 * MIB and image.stat().st_size:
                os.truncate(image, 0)
                call("losetup", "--set-capacity", device)

        with pytest.raises(BuildError, match=f"writing to {device} failed") as caught:
            disk.write(iso, iso.stat().st_size, opened, device, pull)
        assert "half-written" in caught.value.hint


def test_ctrl_c_tells_what_is_on_the_stick(iso: Path, tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    image = tmp_path / "stick"
    with stick(image) as device, disk.claimed(device) as opened:
        with pytest.raises(BuildError, match="interrupted") as caught:
            disk.write(iso, iso.stat().st_size, opened, device, interrupt)
        assert caught.value.exit_code == 130
        assert "does not boot" in caught.value.hint
    assert image.read_bytes()[:MIB] == bytes(MIB)


def test_a_stick_that_keeps_something_else_is_found_when_read_back(
    iso: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    size = iso.stat().st_size
    with isoread.open_disc(iso) as disc:
        place = disc.files()["/live/dom0.squashfs"].lba * 2048 + 9
    with stick(tmp_path / "stick") as device:
        with disk.claimed(device) as opened:
            disk.write(iso, size, opened, device, quiet)
            assert compare.compare(iso, size, device, quiet) is None
        with (tmp_path / "stick").open("r+b") as image:
            image.seek(place)
            byte = image.read(1)
            image.seek(place)
            image.write(bytes([byte[0] ^ 1]))
        assert cli.main(["verify", str(iso), "--against", device]) == 1
        shown = capsys.readouterr().out
        assert f"{device}: /live/dom0.squashfs differs (at byte {place})" in shown
        assert cli.main(["verify", str(iso)]) == 0, "the ISO is good"


def test_a_copy_that_is_too_short_is_told_by_the_file_that_it_lacks(
    iso: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with isoread.open_disc(iso) as disc:
        last = max(disc.files().items(), key=lambda item: item[1].lba)
    copy = tmp_path / "copy.iso"
    copy.write_bytes(iso.read_bytes()[: last[1].lba * 2048 + 100])
    assert cli.main(["verify", str(iso), "--against", str(copy)]) == 1
    assert f"{copy}: {last[0]} is beyond the medium's end" in capsys.readouterr().out
    assert cli.main(["verify", str(iso), "--against", str(tmp_path / "none")]) == 2


def test_xorriso_burns_into_a_file_and_again_over_it(
    iso: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy"
    for _ in range(2):
        assert cli.main(["burn", str(iso), f"stdio:{copy}", "--yes"]) == 0
        assert "read back, every byte is right" in capsys.readouterr().err
        assert copy.read_bytes()[: iso.stat().st_size] == iso.read_bytes()
        assert optical.look(f"stdio:{copy}").holds
        with copy.open("r+b") as file:
            file.seek(20 * 2048)
            file.write(bytes(4096))
    assert cli.main(["burn", str(iso), f"stdio:{iso}", "--yes"]) == 2
    nowhere = f"stdio:{tmp_path}/none/copy"
    assert cli.main(["burn", str(iso), nowhere, "--yes"]) == 1
    assert f"xorriso cannot use {nowhere} as a drive\n  libburn" in capsys.readouterr().err


def test_a_drive_s_medium_that_is_too_small_is_told_before(iso: Path, tmp_path: Path) -> None:
    (tmp_path / "blank").write_bytes(bytes(2 * MIB))
    with stick(tmp_path / "blank") as device:
        there = optical.look(f"stdio:{device}")
        assert there.room == 2 * MIB
        ((message, _),) = medium.mistakes(there, device, iso.stat().st_size, 0)
        assert "is too small: 2.1 MB" in message


def test_a_drive_that_fails_while_it_burns_is_told(iso: Path) -> None:
    there = optical.look("stdio:/dev/full")
    with pytest.raises(BuildError, match="burning to stdio:/dev/full failed") as caught:
        optical.burn(there, "stdio:/dev/full", iso, iso.stat().st_size, 0, quiet)
    assert "No space left on device" in caught.value.hint

"""Full disks: told with the folder and what is free, whoever it was that found no room."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from democd.cli import explain
from democd.errors import BuildError
from democd.host import room
from democd.host.run import run
from democd.workspace import Workspace

FULL = Path("/dev/full")  # full(4): to write to it gives ENOSPC


def we_write(folder: Path) -> None:
    FULL.write_text("x")


def a_program_writes(folder: Path) -> None:
    run(["dd", "if=/dev/zero", f"of={FULL}", "count=1"])


def over_quota(folder: Path) -> None:
    raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))


def in_other_words(folder: Path) -> None:
    try:
        a_program_writes(folder)
    except BuildError as error:
        raise BuildError("Debian cannot be fetched", "see to the network") from error


@pytest.mark.parametrize("make", [we_write, a_program_writes, over_quota, in_other_words])
def test_a_step_without_room_says_where_and_how_much(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    workspace = Workspace(tmp_path)
    with workspace.locked():
        workspace.step(
            "layer", {"n": 1}, lambda it: (it / "x").write_bytes(b"x" * 2_500_000) and None
        )
        with pytest.raises(room.FullError) as failure:
            workspace.step("layer", {"n": 2}, make)
    told = explain(failure.value)
    assert failure.value.exit_code == 1
    assert "for layer" in told.splitlines()[0]
    assert "MB when that began" in told
    assert "network" not in told
    if make is not we_write:  # there the file itself tells where there is no room
        assert f"no room left in {tmp_path} " in told
        assert "--build-dir" in told
        assert "the last result of this step has 2.5 MB" in told
    if make in (a_program_writes, in_other_words):
        assert "No space left on device" in told
    assert [path.name[:5] for path in workspace.steps.iterdir()] == ["layer"]


def test_other_failures_stay_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="exit code 3"), room.watched(tmp_path, "a layer"):
        run(["sh", "-c", "exit 3"])
    error = BuildError("itself")
    with pytest.raises(BuildError, match="itself"), room.watched(tmp_path, "a layer"):
        raise error from error
    with pytest.raises(PermissionError), room.watched(tmp_path, "a layer"):
        raise PermissionError(errno.EACCES, "no")


def test_an_error_of_the_kernel_is_told_with_the_folder() -> None:
    with pytest.raises(OSError, match="No space") as failure:
        FULL.write_text("x")
    failure.value.filename = str(FULL)
    told = explain(room.told(failure.value))
    assert told.startswith("error: no room left in /dev: No space left on device\n  free: ")


@pytest.mark.parametrize(
    "line",
    [
        "E: You don't have enough free space in /var/cache/apt/archives/.",
        "tar: ./usr: Cannot write: No space left on device",
        "dpkg: error: failed to write (Disk quota exceeded)",
    ],
)
def test_programs_say_it_in_these_words(line: str) -> None:
    assert room.said_by(["I: all is well", line]) == [line]

"""Builds that are broken off by Ctrl-C or by a polite kill: nothing half-made stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.building import BUILD, PROJECT
from tests.support.traces import traces, wait_for

pytestmark = pytest.mark.build

ENDS = pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "SIGTERM"]
)


def start(folder: Path, output: Path) -> subprocess.Popen[str]:
    """Start a build as a terminal does, in a process group of its own."""
    return subprocess.Popen(
        [
            sys.executable, PROJECT / "build.py", "build",
            "--build-dir", folder, "--output-dir", output,
        ],
        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


@ENDS
def test_while_debian_is_installed(tmp_path: Path, number: signal.Signals, code: int) -> None:
    folder, output = tmp_path / "build", tmp_path / "dist"
    build = start(folder, output)
    assert wait_for(lambda: any(folder.glob("tmp/mmdebstrap.*/var/lib/dpkg/info/*.list")), 600)
    assert len(traces(folder)) > 3
    os.killpg(build.pid, number)
    _, said = build.communicate(timeout=180)
    assert build.returncode == code
    assert "Traceback" not in said
    assert "not finished" in said
    assert wait_for(lambda: not traces(folder), 60), traces(folder)
    assert [*output.iterdir(), *(folder / "tmp").iterdir()] == []
    # The list of packages was whole, and so is what was fetched.
    assert [path.name.partition("-")[0] for path in (folder / "steps").iterdir()] == ["packages"]


@ENDS
def test_while_the_disc_is_written(
    tmp_path: Path, built: Path, number: signal.Signals, code: int
) -> None:
    (tmp_path / "xendemo.iso").write_text("the disc of yesterday")
    build = start(BUILD, tmp_path)
    assert wait_for((tmp_path / ".xendemo.iso.new").exists, 300, every=0.002)
    os.killpg(build.pid, number)
    _, said = build.communicate(timeout=180)
    assert build.returncode == code, said
    assert [path.name for path in tmp_path.iterdir()] == ["xendemo.iso"]
    assert (tmp_path / "xendemo.iso").read_text() == "the disc of yesterday"

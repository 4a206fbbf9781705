"""Namespaces and mounts of the build, also where the host is a chroot as on a build server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from democd.errors import BuildError
from democd.host.run import container, mount_points, run

# A folder, not a mount point, gets all that the host has, and becomes the root.
_CHROOT = """
set -e
top=$1
shift
for place in /*; do
    if [ -L "$place" ]; then
        cp -P "$place" "$top$place"
    elif [ -d "$place" ]; then
        mkdir "$top$place"
        mount --rbind "$place" "$top$place"
    fi
done
exec chroot "$top" "$@"
"""
_CODE = """
from democd.host.run import mount_points, run
assert "/" not in mount_points()
print(run(["sh", "-c", "echo $$ $(id -u)"], contained=True).stdout)
"""


_CLEAR = """
import pathlib, subprocess, sys
from democd.host.run import mount_points
from democd.workspace import Workspace
space, host = Workspace(pathlib.Path(sys.argv[1])), sys.argv[2]
left = space.tmp / "mmdebstrap.x/a b"
left.mkdir(parents=True)
subprocess.run(["mount", "--bind", host, left], check=True)
assert str(left) in mount_points()
space.clear_tmp()
assert str(left) not in mount_points()
print(*space.tmp.iterdir())
"""


@pytest.fixture(autouse=True)
def _namespaces() -> None:
    try:
        run(["true"], contained=True)
    except BuildError as error:
        pytest.skip(f"this host allows no namespaces: {error.hint}")


def test_a_host_has_a_root_that_is_mounted() -> None:
    assert {"/", "/proc"} <= set(mount_points())
    assert "unchanged" not in container()


def test_in_a_chroot_too(tmp_path: Path, project: Path) -> None:
    chroot = ["sh", "-c", _CHROOT, "sh", tmp_path, "env", f"PYTHONPATH={project}"]
    done = subprocess.run(
        [*container(), *chroot, sys.executable, "-c", _CODE],
        capture_output=True, text=True, timeout=60, cwd="/",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["1", "0"]  # process 1 of its own namespace, and root there
    assert os.path.ismount("/proc")


def test_scratch_is_cleared_around_what_is_mounted_there(tmp_path: Path, project: Path) -> None:
    """A build killed in a chroot can leave the host's own folders mounted in its scratch."""
    host = tmp_path / "host"
    host.mkdir()
    (host / "file").touch()
    done = subprocess.run(
        [*container(), sys.executable, "-c", _CLEAR, tmp_path / "build", host],
        capture_output=True, text=True, timeout=60, cwd=project,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""
    assert (host / "file").exists()

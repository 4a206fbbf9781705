"""The userland of another Debian release: a host to build on that is not this one."""

from __future__ import annotations

import platform
import subprocess
import sys
import tomllib
from pathlib import Path

from democd import recipe
from democd.host.run import run
from democd.host.tools import known_tools
from tests.support.building import PROJECT

RELEASES = ("trixie", "bookworm")
WHEELS = "wheels"
"""A folder in a userland, with the Python packages that building needs."""


def other_release() -> str:
    """Return a Debian release that this host is not of, and that discs can be built on."""
    own = platform.freedesktop_os_release().get("VERSION_CODENAME")
    return next(name for name in RELEASES if name != own)


def make(folder: Path, release: str) -> Path:
    """Make the userland in a folder; it has what `./setup.sh build` wants of Debian, and of Python.

    The Python packages are fetched by this host's pip, which knows where from.

    Raises:
        BuildError: the archive cannot be reached.
        CalledProcessError: the index of Python packages cannot be reached.
    """
    tools = {tool.package for tool in known_tools() if tool.level == "build"}
    packages = sorted({*tools, "python3-venv", "faketime"})
    mirror = recipe.load(PROJECT / "democd.toml").root.mirror
    run(
        [
            "mmdebstrap", "--mode=root", "--variant=apt", "--format=directory", "--quiet",
            '--aptopt=Apt::Install-Recommends "false"', "--dpkgopt=force-unsafe-io",
            "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/man/*",
            "--dpkgopt=path-exclude=/usr/share/locale/*", f"--include={','.join(packages)}",
            release, folder, *([mirror] if mirror else []),
        ],
        contained=True,
    )  # fmt: skip
    python = (folder / "usr/bin/python3").readlink().name.removeprefix("python")
    wanted = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["dependencies"]
    # Not by `run`, whose environment is fixed: how pip is set up may be told in ours.
    subprocess.run(
        [
            sys.executable, "-m", "pip", "download", "--quiet", "--only-binary=:all:",
            "--python-version", python, "--dest", folder / WHEELS, *wanted,
        ],
        check=True,
    )  # fmt: skip
    return folder

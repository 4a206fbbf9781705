"""What tests share: the project's folder, its disc, and a small project to make recipes in.

XENDEMO_ISO names a disc to boot in place of the one that `./build.py build` makes.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.support.building import BOOKWORM, BUILD, build

# A shell's background job starts with Ctrl-C ignored, and what tests interrupt would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

PROJECT = Path(__file__).resolve().parents[1]


@pytest.fixture
def project() -> Path:
    """The checkout that is tested."""
    return PROJECT


@pytest.fixture(scope="session")
def built() -> Path:
    """The disc of the checkout, built if it is not up to date."""
    return build()


@pytest.fixture(scope="session")
def iso(request: pytest.FixtureRequest) -> Path:
    """The disc to boot."""
    given = os.environ.get("XENDEMO_ISO")
    return Path(given) if given else request.getfixturevalue("built")


@pytest.fixture(scope="session")
def bookworm_iso() -> Path:
    """The disc of the checkout made of Debian 12, built if it is not up to date."""
    return build(*BOOKWORM, output=BUILD / "tests")


@pytest.fixture(scope="session")
def smoke_iso() -> Path:
    """The smoke disc of the checkout, built if it is not up to date."""
    return build(profile="smoke")


@pytest.fixture
def small_project(tmp_path: Path) -> Path:
    """A folder with a file of each kind that a recipe names, and an empty democd.toml."""
    files = [
        *(f"rootfs/packages/{name}" for name in ("base", "xen", "network", "tools", "desktop")),
        *(f"rootfs/modules/{name}" for name in ("disc", "hardware", "frontends")),
        *(f"overlays/{name}/etc/motd" for name in ("common", "dom0", "guest", "plain")),
        *(f"grub/entries/{name}.cfg.j2" for name in ("xen", "xen-ip", "xen-safe", "linux")),
        *(
            f"grub/entries/{name}.cfg.j2"
            for name in ("toram", "checkmedia", "graphics", "harddisk")
        ),
        "rootfs/programs/smoke",
        "overlays/smoke/init",
        "docs/README.CD.j2",
        "docs/README.smoke.j2",
        "democd.toml",
    ]
    for name in files:
        path = tmp_path / "small" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "small"

"""What all tests share: their order, the project's folder, and a small project for recipes.

Their discs are in support/discs.py, the machines that run those in support/machines.py.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import settings

pytest.register_assert_rewrite("tests.boot.checks", "tests.boot.hardware")
pytest_plugins = ("tests.support.discs", "tests.support.hints", "tests.support.machines")

# Machines are slow, shared and noisy: how long an example took says nothing about it.
settings.register_profile("democd", deadline=None)
settings.load_profile("democd")

# A shell's background job starts with Ctrl-C ignored, and what tests interrupt would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

PROJECT = Path(__file__).resolve().parents[1]

# What lies below overlays/ goes onto the disc, so importing it must leave no bytecode there. It is
# kept elsewhere, and by the programs that tests start as well: without any, pytest would rewrite
# all assertions, and each program compile itself, anew every time.
sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"] = str(PROJECT / ".pytest_cache/bytecode")
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

ORDER = (
    "unit", "tools", "build", "build/test_again.py",
    "boot/test_boot.py", "boot/test_install_tree.py", "boot/test_bookworm.py", "boot", "smoke",
)  # fmt: skip
"""Quick tests first; then builds, last the one that goes on beside all others; boots are looked at
in the order in which the fleet sails."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Share the quick tests between all processors; what builds or boots uses them all itself."""
    return os.cpu_count() or 1 if "not build and not boot" in config.option.markexpr else 0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _place(item.path.relative_to(PROJECT / "tests").as_posix()))


def _place(path: str) -> int:
    """Return where a file of tests comes: what names it most closely says so."""
    return ORDER.index(max((it for it in ORDER if path.startswith(it)), key=len, default=ORDER[-1]))


@pytest.fixture
def project() -> Path:
    """The checkout that is tested."""
    return PROJECT


@pytest.fixture
def small_project(tmp_path: Path) -> Path:
    """A folder with a file of each kind that a recipe names, and an empty democd.toml."""
    files = [
        *(f"rootfs/packages/{name}" for name in ("base", "xen", "network", "tools", "desktop")),
        *(f"rootfs/packages/{name}" for name in ("devel", "remake")),
        *(f"rootfs/modules/{name}" for name in ("disc", "hardware", "frontends", "network")),
        *(f"overlays/{name}/etc/motd" for name in ("common", "xendemo", "dom0", "guest", "plain")),
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

"""What tests share: the project's folder, and a small project to make recipes in."""

from __future__ import annotations

from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]


@pytest.fixture
def project() -> Path:
    """The checkout that is tested."""
    return PROJECT


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
        "democd.toml",
    ]
    for name in files:
        path = tmp_path / "small" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "small"

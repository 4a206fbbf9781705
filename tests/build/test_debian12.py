"""The same recipe with Debian 12: another kernel, Xen, GRUB and mksquashfs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from democd.artifacts import Root
from democd.recipe import Recipe
from democd.verify import report, verify
from tests.support.picking import pick

pytestmark = pytest.mark.build


def test_it_is_a_good_disc(bookworm_iso: Path) -> None:
    verdict = verify(bookworm_iso)
    assert verdict.ok, report(verdict)


def test_it_is_what_it_says(bookworm_iso: Path) -> None:
    manifest = json.loads(bookworm_iso.with_suffix(".manifest.json").read_text())
    assert manifest["suite"] == "bookworm"
    assert manifest["xen"].startswith("4.17.")
    assert [manifest["kernels"][name][:3] for name in ("xen0", "xenU")] == ["6.1", "6.1"]


def test_its_cloud_kernel_goes_to_the_guests(bookworm_root: Root) -> None:
    """Both of its kernels could be dom0, so the bit alone does not tell them apart."""
    kernels = pick(Recipe(folder=bookworm_root.parts), bookworm_root)
    assert "cloud" in kernels.guest.release
    assert "cloud" not in kernels.dom0.release

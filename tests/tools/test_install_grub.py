"""Entries of the installer, as GRUB's own parser reads them; and the generator of a real GRUB."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support import linuxes as l
from xendemo.install import grub2
from xendemo.install.cmdline import Words

pytestmark = pytest.mark.skipif(
    not shutil.which("grub-script-check"), reason="grub-script-check is not installed"
)
WORDS = Words(("dom0_mem=max:512M", "console=com1,vga"), ("root=UUID=x", "what='a b'", "x=$y;z"))


def entry(**more: bool) -> str:
    return grub2.entry(grub2.Entry(
        "Xen's / Linux", "4.20", "6.12", "/my boot/xendemo", "1-2", "ext4", "gpt", WORDS,
        **more,  # type: ignore[arg-type]
    ))  # fmt: skip


@pytest.mark.parametrize("more", [{}, {"unrestricted": True, "absolute": True, "default": True}])
def test_grub_reads_the_menu(more: dict[str, bool], tmp_path: Path) -> None:
    for config in (l.GRUB_CFG, l.FEDORA_CFG, l.GRUB_CFG[:-1], b""):
        made = grub2.inserted(config, entry(**more), "42_xendemo")
        (tmp_path / "grub.cfg").write_bytes(made)
        subprocess.run(["grub-script-check", tmp_path / "grub.cfg"], check=True)
        assert grub2.has(made, entry(**more))
        assert grub2.cut(made).rstrip() == config.rstrip()


def test_the_script_prints_what_is_inserted_by_hand(tmp_path: Path) -> None:
    """So that a generator that comes later changes nothing."""
    script = tmp_path / "42_xendemo"
    script.write_bytes(grub2.script(entry()))
    script.chmod(0o755)
    printed = subprocess.run([script], check=True, capture_output=True, text=True).stdout
    assert printed == entry()

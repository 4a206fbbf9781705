"""GRUB's own parser reads the menus."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from democd import recipe
from democd.artifacts import Kernel, Kernels
from democd.stages import menus

PROJECT = Path(__file__).parents[2]
NOWHERE = Path("nowhere")
KERNEL = Kernel(NOWHERE, "6.12.117+deb13-amd64", NOWHERE)
OPTIONS = frozenset(
    [
        *("com1", "com2", "console", "console_timestamps", "cpufreq", "dom0_mem", "edd"),
        *("guest_loglvl", "iommu", "loglvl", "max_cstate", "noreboot", "nosmp", "real-mode", "vga"),
    ]
)
KERNELS = Kernels(NOWHERE, "4.20.2", OPTIONS, KERNEL, KERNEL)
PLAIN = recipe.Recipe(NOWHERE)

pytestmark = pytest.mark.skipif(not shutil.which("grub-script-check"), reason="no grub-common")


@pytest.mark.parametrize(
    "of",
    [
        PLAIN,
        replace(PLAIN, console=recipe.Console(serial="none"), menu=recipe.Menu(more=())),
        replace(PLAIN, menu=recipe.Menu(entries=(), more=("xen", "harddisk"), default="harddisk")),
        replace(PLAIN, linux=recipe.Linux(options=("a;b", "it's", "{", "$x", "#y", "a|b"))),
        recipe.load_profile(PROJECT, "smoke"),
    ],
    ids=["as it comes", "no serial line", "all in the submenu", "odd options", "smoke"],
)
def test_grub_accepts_every_menu(of: recipe.Recipe, tmp_path: Path) -> None:
    for number, text in enumerate(menus.render(of, KERNELS, "1.0", PROJECT / "grub").values()):
        path = tmp_path / f"{number}.cfg"
        path.write_text(text)
        done = subprocess.run(["grub-script-check", path], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

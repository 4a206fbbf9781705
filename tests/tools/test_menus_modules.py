"""Every command that the menus use is in GRUB's boot images: no modules lie on the disc."""

from __future__ import annotations

from pathlib import Path

import pytest

from democd.artifacts import Kernel, Kernels
from democd.recipe import Console, Recipe
from democd.stages import bootimg, menus
from democd.verify.grubcfg import command_names
from tests.tools.small_disc import GRUB

# Commands of GRUB's kernel and of `normal` itself have no line in command.lst.
BUILT_IN = {"set", "unset", "export", "insmod", "[", "clear", "break", "exit", "source", "."}
XEN_OPTIONS = frozenset(
    {
        "acpi", "com1", "console", "console_timestamps", "cpufreq", "dom0_mem", "edd",
        "guest_loglvl", "iommu", "loglvl", "max_cstate", "noreboot", "nosmp", "real-mode", "vga",
    }
)  # fmt: skip
FOLDERS = {"efi": GRUB.efi, "bios": GRUB.bios, "netuefi": GRUB.efi, "netbios": GRUB.bios}


def modules_of(folder: Path) -> dict[str, str]:
    """Return the module that each command is in."""
    lines = (folder / "command.lst").read_text().splitlines()
    return dict(line.lstrip("*").split(": ") for line in lines)


@pytest.mark.parametrize("target", FOLDERS)
def test_commands_of_all_menus_are_embedded(target: str, project: Path) -> None:
    kernel = Kernel(Path(), "6.12.1-amd64", Path())
    kernels = Kernels(Path(), "4.20.2", XEN_OPTIONS, kernel, kernel)
    render = menus.netboot if target.startswith("net") else menus.render
    texts = render(Recipe(project), kernels, "1.0", project / "grub")
    used = {name for text in texts.values() for name in command_names(text)}
    if render is menus.render:
        used |= command_names(bootimg.render_embedded("XENDEMO", Console()))
        assert "search" in used
    assert {"multiboot2", "linux"} <= used
    known = modules_of(FOLDERS[target])
    embedded = set(bootimg.module_names(target))
    missing = {
        name: known.get(name, "no module")
        for name in used - BUILT_IN
        if known.get(name) not in embedded and ("bios" in target or name != "drivemap")
    }
    assert missing == {}

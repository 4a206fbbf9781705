"""A disc of a few MB with everything in its place: GRUB's real images, made-up kernels.

As a program it writes the ISO to the path it is given, from sources in the folder it is given.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from democd import layout
from democd.artifacts import DiscPlan, Initrd, Kernel, Kernels, Layer, Package, Root
from democd.formats import cpio
from democd.inputs import Made
from democd.recipe import Console, Recipe
from democd.stages import bootimg, disc, initrds, master
from tests.unit import crafted

DATE = 1_760_000_000
GRUB = bootimg.Grub(
    ["grub-mkimage"], Path("/usr/lib/grub/i386-pc"), Path("/usr/lib/grub/x86_64-efi")
)
LAYERS = ("base", "common", "xendemo", "dom0", "guest", "plain")
ROLES = {role: ("common", role) for role in ("dom0", "guest", "plain")}
PACKAGES = (
    Package("bash", "5.2.37-2", "amd64", "bash", 7_000_000),
    Package("linux-image-6.12", "6.12.1-1", "amd64", "linux", 90_000_000),
    Package("xen-utils-4.20", "4.20.2-1", "amd64", "xen", 30_000_000),
)
MENU = f"""\
set timeout=5
if serial --unit=0 --speed=115200; then
  terminal_input console serial
  terminal_output console serial
fi
menuentry 'Xen / Linux' --id xen {{
  multiboot2 {layout.XEN} dom0_mem=512M console=vga
  module2 {layout.KERNEL["xen0"]} role=dom0 console=tty0
  module2 --nounzip {layout.INITRD["xen0"]}
}}
submenu 'More' {{
  menuentry 'Linux' --id linux {{
    linux {layout.KERNEL["xen0"]} role=plain console=tty0
    initrd {layout.INITRD["xen0"]}
  }}
}}
"""


def plan(folder: Path, **changes: Any) -> DiscPlan:
    """Return the plan of a small disc; its sources are made in `folder`, once.

    Args:
        changes: other arguments for `disc.plan`.
    """
    return disc.plan(**{**arguments(folder), **changes})


def arguments(folder: Path) -> dict[str, Any]:
    """Return what `disc.plan` is given for the small disc."""
    recipe = Recipe(folder)
    recipe = replace(recipe, disc=replace(recipe.disc, volume_id="SMALLDISC"), roles=ROLES)
    made = Made(folder, "small")
    source = _sources(folder)
    xen0 = Kernel(source["xen0"], "6.12.1-amd64", folder)
    guest = Kernel(source["xenU"], "6.12.1-cloud-amd64", folder)
    return {
        "recipe": recipe,
        "version": "1.2",
        "builder": "Zoë Builder",
        "root": Root(made, folder / "root.tar", folder, PACKAGES, DATE),
        "kernels": Kernels(source["xen.gz"], "4.20.2", frozenset(), xen0, guest),
        "layers": [Layer(name, source[name], made) for name in LAYERS],
        "initrds": [Initrd(name, source["initrd"]) for name in ("xen0", "xenU")],
        "menus": {layout.GRUB_CFG: MENU},
        "boot": bootimg.images_in(folder / "grub"),
        "readme": "Boot it.\n",
    }


def _sources(folder: Path) -> dict[str, Path]:
    names = ("xen.gz", "xen0", "xenU", "initrd", *LAYERS)
    source = {name: folder / "sources" / name for name in names}
    if not folder.joinpath("sources").exists():
        _make_sources(folder, source)
    return source


def _make_sources(folder: Path, source: dict[str, Path]) -> None:
    folder.joinpath("sources").mkdir(parents=True)
    source["xen.gz"].write_bytes(crafted.pack("gzip", crafted.xen()))
    source["xen0"].write_bytes(crafted.linux())
    guest = crafted.xen_notes(bits=crafted.GUEST)
    source["xenU"].write_bytes(crafted.linux("6.12.1-cloud-amd64", guest))
    roles = "".join(f"{role} {' '.join(of)}\n" for role, of in ROLES.items()).encode()
    init = cpio.pack(
        [cpio.file("init", b"#!/bin/sh\n", 0o755), cpio.file("etc/roles", roles)], DATE
    )
    source["initrd"].write_bytes(initrds.compress(init))
    for name in LAYERS:
        tree = folder / "trees" / name
        tree.mkdir(parents=True)
        tree.joinpath("name").write_text(f"{name}\n" * 1000)
        tree.joinpath("name").chmod(0o644)
        tree.chmod(0o755)
        subprocess.run(
            ["mksquashfs", tree, source[name], "-noappend", "-all-root", "-comp", "zstd",
             "-all-time", str(DATE), "-mkfs-time", str(DATE), "-quiet", "-no-progress"],
            check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
    grub = folder / "grub"
    grub.mkdir()
    bootimg.make(grub, GRUB, bootimg.render_embedded("SMALLDISC", Console()), DATE)


if __name__ == "__main__":
    master.master(plan(Path(sys.argv[1])), Path(sys.argv[2]), lambda done, total: None)

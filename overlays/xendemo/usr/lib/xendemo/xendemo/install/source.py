"""What an existing Linux gets from the disc: Xen, the xen0 kernel, its initrd and its modules."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from xendemo.errors import Failure
from xendemo.install import cmdline, initrd, tree
from xendemo.install.facts import Disc
from xendemo.install.steps import Mount

NAMES = {"xen.gz": "xen.gz", "vmlinuz-xen0": "vmlinuz-xen0"}  # in /boot/xendemo, on the disc


@dataclass(frozen=True)
class Source:
    """All that plans depend on.

    Args:
        boot: the disc's folder with the files.
        modules: lib/modules/RELEASE, while `mount` is mounted.
        mount: the layer that they are in; None if they can be reached as it is.
        files: what is there: path to size.
        sizes: of the files in `boot` that are copied, by their names in /boot/xendemo.
        digests: likewise.
        words: options of the disc's entry.
        initrd: what the disc has.
        more: modules that the initrd needs besides: path to content.
        can_mount: file systems of the target that the kernel knows.
    """

    boot: str
    modules: str
    mount: Mount | None
    files: dict[str, int]
    sizes: dict[str, int]
    digests: dict[str, str]
    words: cmdline.Words
    initrd: bytes = field(repr=False)
    more: dict[str, bytes] = field(repr=False)
    can_mount: frozenset[str]


def layer(disc: Disc, folder: str) -> tuple[Mount, str]:
    """Return how the layer with the kernel's modules is mounted, and where they are in it.

    Args:
        disc: the disc.
        folder: an empty one, to mount it at.
    """
    name = "modules-xen0" if "modules-xen0" in disc.layers else "base"
    file = f"{disc.folder.rstrip('/')}/live/{name}.squashfs"
    mount = Mount(f"open the layer {name}", file, folder, "squashfs", "ro,loop")
    return mount, f"{folder}/usr/lib/modules/{disc.kernel}"


def read(
    disc: Disc, mount: Mount | None, modules: str, fstypes: frozenset[str], drivers: tuple[str, ...]
) -> Source:
    """Read what there is, while the layer is mounted.

    Args:
        disc: the disc.
        mount: the layer with the modules.
        modules: where they are.
        fstypes: file systems that the target's root needs.
        drivers: modules of the controllers that it is behind.

    Raises:
        Failure: the disc is not whole.
    """
    boot = f"{disc.folder.rstrip('/')}/boot"
    dep = tree.text(modules, "modules.dep")
    builtin = tree.text(modules, "modules.builtin")
    wanted = initrd.wanted(sorted(fstypes), drivers)
    paths = {name: f"{boot}/{on_disc}" for name, on_disc in NAMES.items()}
    packed = tree.read(boot, "initrd-xen0")
    missing = [path for path in paths.values() if not os.path.isfile(path)]
    if missing or packed is None or not dep:
        lacking = missing or [f"{boot}/initrd-xen0" if packed is None else f"{modules}/modules.dep"]
        raise Failure(f"the disc lacks {', '.join(lacking)}", "is it mounted, and whole?")
    return Source(
        boot=boot,
        modules=modules,
        mount=mount,
        files=tree.files(modules),
        sizes={name: os.path.getsize(path) for name, path in paths.items()},
        digests={name: tree.digest(path) for name, path in paths.items()},
        words=cmdline.of_disc(tree.text(boot, "grub/grub.cfg")),
        initrd=packed,
        more=initrd.load(modules, initrd.closure(dep, wanted)),
        can_mount=frozenset(name for name in fstypes if initrd.knows(name, dep, builtin)),
    )

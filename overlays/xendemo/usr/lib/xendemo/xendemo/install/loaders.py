"""Which boot loader an existing Linux has, and what its files say: read, not judged."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

from xendemo.install import cmdline, grub2, legacy, record, tree


@dataclass(frozen=True)
class Grub2:
    """GRUB 2 of the target.

    Args:
        configs: each grub.cfg that has a menu, as the target calls it, to its content.
        scripts: names in /etc/grub.d; None if there is no such folder.
        programs: those of them that are executed.
        script: the one of ours, if it is there.
        tool: the generator, as the target calls it; "" if there is none, or none that can be used.
        flags: that it must be given.
        why: why the generator is not used although it is there.
    """

    configs: dict[str, bytes]
    scripts: tuple[str, ...] | None
    programs: tuple[str, ...]
    script: bytes | None
    tool: str
    flags: tuple[str, ...] = ()
    why: str = ""


def grub2_of(root: str) -> Grub2 | None:
    """Return GRUB 2 of a target, None if it has no grub.cfg with a menu."""
    configs = {}
    candidates = [f"{folder}/grub.cfg" for folder in grub2.FOLDERS]
    for esp in ("/boot/efi/EFI", "/efi/EFI", "/boot/EFI"):
        candidates += [f"{esp}/{name}/grub.cfg" for name in tree.names(root, esp)]
    for path in candidates:
        data = tree.read(root, path)
        if data is not None and not grub2.is_stub(data):
            configs[tree.own_name(root, tree.inside(root, path))] = data
    if not configs:
        return None
    is_there = os.path.isdir(tree.inside(root, grub2.GENERATOR))
    scripts = tree.names(root, grub2.GENERATOR) if is_there else None
    executed = programs(root, scripts or ())
    name = grub2.script_name(executed)
    tool = next((path for path in grub2.TOOLS if tree.is_program(root, path)), "")
    flags: tuple[str, ...] = ()
    why = ""
    if tool:
        tool, flags, why = _usable(root, tool, configs)
    script = tree.read(root, f"{grub2.GENERATOR}/{name}")
    return Grub2(configs, scripts, executed, script, tool, flags, why)


def _usable(root: str, tool: str, configs: dict[str, bytes]) -> tuple[str, tuple[str, ...], str]:
    """Return the generator if it writes to nothing but the file that it is told to.

    Fedora's rewrites the entries in /boot/loader and GRUB's saved environment too, some releases
    unless told otherwise, some always.
    """
    program = tree.text(root, tool)
    bls = any(b"blscfg" in config for config in configs.values())
    if bls and "--update-bls-cmdline" not in program:
        return "", (), f"{tool} would rewrite the entries in /boot/loader as well"
    if "--no-grubenv-update" in program:
        return tool, ("--no-grubenv-update",), ""
    return tool, (), ""


def programs(root: str, scripts: Iterable[str]) -> tuple[str, ...]:
    """Return the scripts of /etc/grub.d that are executed."""
    return tuple(name for name in scripts if tree.is_program(root, f"{grub2.GENERATOR}/{name}"))


def menus_of(root: str) -> dict[str, bytes]:
    """Return the menus by their real paths: menu.lst, grub.conf and /etc/grub.conf may be one."""
    menus = {}
    for path in legacy.MENUS:
        data = tree.read(root, path)
        if data is not None:
            menus[tree.own_name(root, tree.inside(root, path))] = data
    return menus


def reference(root: str, path: str, menu: bytes) -> bytes:
    """Return a menu as it was when the target had a default entry of its own."""
    if not legacy.ours_is_default(menu):
        return menu
    return tree.read(root, f"{record.ORIGINAL}{path}") or menu


def options(root: str, found: Grub2 | None, menus: dict[str, bytes]) -> str:
    """Return what the kernel of the target is told in the boots to come."""
    if found:
        return cmdline.assigned(tree.text(root, "/etc/default/grub"), "GRUB_CMDLINE_LINUX")
    return next((legacy.options(menu) for menu in menus.values()), "")

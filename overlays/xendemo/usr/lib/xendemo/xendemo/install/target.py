"""An existing Linux, as it lies in a folder: read, not judged."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable
from dataclasses import dataclass

from xendemo.install import cmdline, fstab, grub2, loaders, record, tree
from xendemo.install.devices import Device, walk
from xendemo.install.findmnt import Mounted
from xendemo.install.steps import Mount, aside

PROGRAMS = ("/bin/sh", "/usr/bin/env", "/sbin/init", "/bin/bash")
MACHINES = {3: "i386", 40: "arm", 62: "x86_64", 183: "aarch64", 243: "riscv64", 21: "ppc64"}


@dataclass(frozen=True)
class Place:
    """Where /boot or the root lies.

    Args:
        source: the device as mount tells.
        device: what is known of it, None if it is no block device.
        fstype: of the file system.
        prefix: what GRUB must write before a path of this file system's mount point.
        free: bytes.
    """

    source: str
    device: Device | None
    fstype: str
    prefix: str
    readonly: bool
    free: int


@dataclass(frozen=True)
class Target:
    """All that plans depend on.

    Args:
        root: the folder.
        named: what the person called it.
        mounts: what must be mounted for it, in order.
        missing: entries of its fstab that must be mounted and cannot: (folder, spec).
        system: its name for itself, "" if it is no Linux.
        machine: of its programs; "" if there are none.
        top: the root's file system; None if the folder is none.
        boot: that of /boot.
        usr: that of /usr, if it is one of its own.
        entries: of its fstab.
        legacy: each menu of legacy GRUB, as the target calls it, to its content.
        reference: likewise, but with the target's own entry as the default.
        options: of its kernel, for the boots to come.
        language: as its generator was run in, "" if it is not known.
        selinux: it has SELinux switched on.
        record: of an installation that was before, None if there was none.
        trouble: why the record cannot be read.
        leftovers: what a power cut has left beside files of ours, as the target calls it.
        links: folders that we name, to their real names; all other paths here are real.
        modes: permissions of its menus.
        present: files that we may have to write, as the target calls them, to their SHA-256.
        modules: as it calls lib/modules/RELEASE of our kernel.
        has_modules: what lies there: path to size.
        lacks: the folder that this is in, if there is none; "" if there is.
        drivers: modules of the controllers between the machine and the root.
    """

    root: str
    named: str
    mounts: tuple[Mount, ...]
    missing: tuple[tuple[str, str], ...]
    system: str
    machine: str
    top: Place | None
    boot: Place | None
    usr: Place | None
    entries: tuple[fstab.Entry, ...]
    grub2: loaders.Grub2 | None
    legacy: dict[str, bytes]
    reference: dict[str, bytes]
    options: str
    language: str
    selinux: bool
    record: record.Record | None
    trouble: str
    leftovers: tuple[str, ...]
    links: dict[str, str]
    modes: dict[str, int]
    present: dict[str, str]
    modules: str
    has_modules: dict[str, int]
    lacks: str
    drivers: tuple[str, ...] = ()

    def at(self, path: str) -> str:
        """Return where one of its paths lies, while it is mounted."""
        for named, real in self.links.items():
            if path == named or path.startswith(f"{named}/"):
                path = real + path[len(named) :]
        return self.root.rstrip("/") + path


def survey(
    root: str,
    mounted: tuple[Mounted, ...],
    devices: tuple[Device, ...],
    kernel: str,
    named: str = "",
    mounts: tuple[Mount, ...] = (),
    missing: tuple[tuple[str, str], ...] = (),
    drivers: tuple[str, ...] = (),
) -> Target:
    """Read a target.

    Args:
        root: the folder that it is mounted at, with all of its file systems that matter.
        mounted: what is mounted where.
        devices: of the machine.
        kernel: release of the kernel that shall go there.
        named: see `Target`, as for those that follow.
        mounts: what must be mounted for it.
        missing: what must be mounted and cannot.
        drivers: modules of controllers.
    """
    boot = tree.own_name(root, tree.inside(root, record.FOLDER))
    modules = tree.own_name(root, tree.inside(root, f"/lib/modules/{kernel}"))
    above = modules.rpartition("/")[0]
    known, trouble = _record(root)
    found = loaders.grub2_of(root)
    menus = loaders.menus_of(root)
    reference = {path: loaders.reference(root, path, menu) for path, menu in menus.items()}
    return Target(
        root=root,
        named=named or root,
        mounts=mounts,
        missing=missing,
        system=_system(root),
        machine=_machine(root),
        top=_place(root, "/", mounted, devices) if _mount_at(root, mounted) else None,
        boot=_place(root, boot, mounted, devices),
        usr=_own_place(root, "/usr", mounted, devices),
        entries=fstab.parse(tree.text(root, "/etc/fstab")),
        grub2=found,
        legacy=menus,
        reference=reference,
        options=loaders.options(root, found, reference),
        language=_language(root),
        selinux=cmdline.assigned(tree.text(root, "/etc/selinux/config"), "SELINUX")
        in ("enforcing", "permissive"),
        record=known,
        trouble=trouble,
        leftovers=_leftovers(root, found, menus),
        links={
            path: tree.own_name(root, tree.inside(root, path))
            for path in (record.FOLDER, grub2.GENERATOR)
        },
        modes={
            path: tree.mode(tree.inside(root, path))
            for path in (*(found.configs if found else ()), *menus)
        },
        present=_present(root, found, menus, known),
        modules=modules,
        has_modules=tree.files(tree.inside(root, modules)),
        lacks="" if os.path.isdir(tree.inside(root, above)) else above,
        drivers=drivers,
    )


def _system(root: str) -> str:
    told = tree.text(root, "/etc/os-release") or tree.text(root, "/usr/lib/os-release")
    name = cmdline.assigned(told, "PRETTY_NAME")
    if not name:  # systems that are older than os-release
        for path in ("/etc/redhat-release", "/etc/SuSE-release", "/etc/debian_version"):
            first = (tree.text(root, path).splitlines() or [""])[0].strip()
            if first:
                return f"Debian {first}" if path.endswith("debian_version") else first
    return name or ("a Linux without a name" if tree.text(root, "/etc/fstab") else "")


def _machine(root: str) -> str:
    """Return the machine of the target's programs.

    ELF-64 Object File Format, header: at 4 the class (1: 32 bits, 2: 64), at 18 the machine.
    """
    for path in PROGRAMS:
        head = (tree.read(root, path) or b"")[:20]
        if head[:4] == b"\x7fELF" and len(head) == 20:
            (number,) = struct.unpack_from("<H" if head[5] == 1 else ">H", head, 18)
            name = MACHINES.get(number, f"machine {number}")
            return "x32" if name == "x86_64" and head[4] == 1 else name
    return ""


def _mount_at(place: str, mounted: Iterable[Mounted]) -> Mounted | None:
    found = [mount for mount in mounted if mount.path == (place.rstrip("/") or "/")]
    return found[-1] if found else None


def _own_place(
    root: str, path: str, mounted: tuple[Mounted, ...], devices: tuple[Device, ...]
) -> Place | None:
    if not _mount_at(tree.inside(root, path), mounted):
        return None
    return _place(root, path, mounted, devices)


def _place(
    root: str, path: str, mounted: tuple[Mounted, ...], devices: tuple[Device, ...]
) -> Place | None:
    """Return the file system that a path of the target is on."""
    place = at = tree.inside(root, path)
    while not (mount := _mount_at(at, mounted)):
        if at == "/":
            return None
        at = os.path.dirname(at)
    while not os.path.isdir(place):  # it may be still to be made
        place = os.path.dirname(place)
    status = os.statvfs(place)
    rest = tree.inside(root, path)[len(at.rstrip("/")) :]
    found = next((device for device in walk(devices) if device.path == mount.source), None)
    return Place(
        source=mount.source,
        device=found,
        fstype=mount.fstype,
        prefix=(mount.root.rstrip("/") + rest) or "/",
        readonly=mount.readonly,
        free=status.f_bavail * status.f_frsize,
    )


def _language(root: str) -> str:
    for path in ("/etc/locale.conf", "/etc/default/locale"):
        if language := cmdline.assigned(tree.text(root, path), "LANG"):
            return language
    return ""


def _record(root: str) -> tuple[record.Record | None, str]:
    data = tree.read(root, record.PATH)
    if data is None:
        return None, ""
    try:
        return record.read(data), ""
    except ValueError as error:
        return None, f"{record.PATH}: {error}"


def _present(
    root: str, found: loaders.Grub2 | None, menus: dict[str, bytes], known: record.Record | None
) -> dict[str, str]:
    paths = [f"{record.FOLDER}/{name}" for name in tree.names(root, record.FOLDER)]
    paths += [*(found.configs if found else ()), *menus]
    if known:
        paths += [*known.added, *(f"{record.ORIGINAL}{entry.path}" for entry in known.changed)]
        paths += [entry.path for entry in known.changed]
    digests = {path: tree.digest(tree.inside(root, path)) for path in paths}
    return {path: digest for path, digest in digests.items() if digest}


def _leftovers(root: str, found: loaders.Grub2 | None, menus: dict[str, bytes]) -> tuple[str, ...]:
    paths = [*(found.configs if found else ()), *menus]
    paths += [f"{grub2.GENERATOR}/{name}" for name in grub2.SCRIPTS]
    places = [tree.own_name(root, tree.inside(root, path)) for path in paths]
    return tuple(
        name for path in places for name in aside(path) if tree.exists(root.rstrip("/") + name)
    )

"""Says what a file is, and what it can be: Xen, dom0, a PV or PVH guest, Linux on its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

from democd import install_tree
from democd.errors import InputError
from democd.formats import cpio, elf, eltorito, linux, pe, squashfs, volume, xen
from democd.formats.compress import compression, peek, unpack

HEAD = (volume.FIRST_DESCRIPTOR + 1) * volume.SECTOR
PROGRAM_LIMIT = 512 << 20
"""Bytes of the largest file that is read whole; none of the programs known here is near it."""


@dataclass(frozen=True)
class Role:
    """Whether a file can be something, and why."""

    name: str
    fit: bool
    why: str


@dataclass(frozen=True)
class Inspection:
    """What a file is.

    Attributes:
        kind: `xen`, `linux`, `iso`, `squashfs`, `cpio`, `efi`, `elf`, `packed`, `install-tree` or
            `unknown`.
        what: the same in a few words.
        facts: more about it, JSON values by name.
        roles: what it can be and what it cannot; only of kernels and hypervisors.
        trouble: what is wrong with it.
        size: in bytes.
    """

    kind: str
    what: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    roles: tuple[Role, ...] = ()
    trouble: tuple[str, ...] = ()
    path: Path = Path()
    size: int = 0


def inspect(path: Path) -> Inspection:
    """Return what a file or a drive is, or an install tree of Xen.

    One that is damaged or unknown is told so, too.

    Raises:
        InputError: there is no such file, or it cannot be read.
    """
    try:
        if path.is_dir():
            return replace(_install_tree(path), path=path)
        if path.exists() and not path.is_file() and not path.is_block_device():
            raise InputError(f"{path} is neither a file nor a drive", "name a file")
        with path.open("rb") as stream:
            size = stream.seek(0, 2)
            stream.seek(0)
            return replace(_find(stream, size), path=path, size=size)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}", "name a file") from error


def _install_tree(path: Path) -> Inspection:
    mistakes: list[tuple[str, str]] = []
    tree = install_tree.inspect(path, mistakes)
    trouble = tuple(f"{what} ({hint})" if hint else what for what, hint in mistakes)
    if tree is None:
        raise InputError(f"{path} is a folder, and no install tree of Xen", "name dist/install")
    facts = {
        "hypervisor": tree.xen[1].version if tree.xen else "",
        "tools": f"{tree.series}: {len(tree.programs)} programs" if tree.series else "",
        "files for a disc": str(len(tree.files)),
        "needs of the root": sorted(tree.foreign),
        "needs glibc": tree.glibc[0],
    }
    what = "an install tree of Xen: hypervisor, tools and libraries"
    return Inspection("install-tree", what, facts, trouble=trouble)


def _find(stream: BinaryIO, size: int) -> Inspection:
    head = stream.read(HEAD)
    if volume.is_iso(head):
        return _iso(volume.read(stream))
    if head.startswith(squashfs.MAGIC) and len(head) >= squashfs.SIZE:
        return _squashfs(head, size)
    try:
        start = peek(head) if compression(head) else head
    except InputError:
        start = b""  # its first bytes happen to be those of a packed file
    program = linux.is_bzimage(head) or pe.is_pe(head) or elf.is_elf(start)
    if program and size <= PROGRAM_LIMIT:
        stream.seek(0)
        return _program(stream.read())
    return _other(head, start)


def _program(data: bytes) -> Inspection:
    packed = compression(data)
    kind, what = "elf", "a program (ELF)"
    try:
        if linux.is_bzimage(data):
            kind, what = "linux", "a Linux kernel (bzImage)"
            return _linux(linux.read(data))
        content = unpack(data) if packed else data
        if pe.is_pe(content):
            kind, what = "efi", "an EFI program"
        if xen.is_xen(content):
            kind, what = "xen", "a Xen hypervisor"
            return _xen(xen.read(content), packed)
        if linux.is_linux(content):
            kind, what = "linux", "a Linux kernel (vmlinux)"
            return _linux(linux.read(data))
        if kind == "efi":
            file = pe.read(content)
            what = f"a program for {file.machine} (PE, {file.subsystem}): neither Xen nor Linux"
            return Inspection("efi", what, {"signed": file.signed})
        described = elf.read(content)
        what = f"a program ({described.bits}-bit ELF, {described.machine}): neither Xen nor Linux"
        return Inspection("elf", what, {"packed": packed})
    except InputError as error:
        return Inspection(kind, f"{what}, but it cannot be read", trouble=(error.message,))


def _xen(found: xen.Hypervisor, packed: str) -> Inspection:
    name = "xen.efi" if found.form == "EFI" else "xen.gz" if packed else "xen"
    if found.form == "ELF" and found.bits == 64:
        name = "xen-syms"
    facts: dict[str, Any] = {
        "version": found.version,
        "build id": found.build_id,
        "packed": packed,
        "multiboot 1": found.multiboot1,
        "multiboot 2": found.multiboot2 is not None,
        "UEFI by multiboot 2": found.multiboot2 is not None and found.multiboot2.efi,
        "signed": found.signed,
        "options": sorted(found.options) if found.exact else [],
    }
    if found.form == "EFI":
        why = "UEFI starts it by itself, with a xen.cfg beside it; GRUB's multiboot2 does not"
    elif name == "xen-syms":
        why = "it is for debuggers: boot loaders want the 32-bit image"
    elif found.multiboot2 is None:
        why = "it has a header for multiboot 1 only"
    elif found.multiboot2.efi:
        why = "GRUB's multiboot2 starts it, on BIOS and on UEFI"
    else:
        why = "GRUB's multiboot2 starts it, on BIOS only"
    roles = (Role("Xen", name != "xen-syms", why), *_unfit("it is a hypervisor"))
    return Inspection("xen", f"the Xen hypervisor {found.version} ({name})".replace("  ", " "),
                    facts, roles)  # fmt: skip


def _unfit(why: str) -> tuple[Role, ...]:
    return tuple(Role(name, False, why) for name in ("dom0", "PV guest", "PVH guest", "bare Linux"))


def _linux(found: linux.LinuxKernel) -> Inspection:
    notes = found.xen
    nothing = "" if notes.guest_os else notes.why
    pv = "an entry point for PV (Xen note ENTRY)"
    pvh = "an entry point for PVH (Xen note PHYS32_ENTRY)"
    dom0 = notes.why
    if notes.dom0 and not notes.pv:
        dom0 += "; only with dom0=pvh, as it has no entry point for PV"
    alone = "GRUB's linux command starts it" + (", or UEFI by itself" if found.efi_stub else "")
    if found.form != "bzImage":
        alone = "boot loaders want the bzImage that is made of it"
    roles = (
        Role("Xen", False, "it is a Linux kernel"),
        Role("dom0", notes.dom0 and (notes.pv or notes.pvh), dom0),
        Role("PV guest", notes.pv, f"it has {pv}" if notes.pv else nothing or f"it lacks {pv}"),
        Role(
            "PVH guest", notes.pvh, f"it has {pvh}" if notes.pvh else nothing or f"it lacks {pvh}"
        ),
        Role("bare Linux", found.form == "bzImage", alone),
    )
    facts = {
        "release": found.release,
        "version": found.banner,
        "bits": found.bits,
        "packed": found.compression,
        "EFI stub": found.efi_stub,
    }
    return Inspection("linux", f"the Linux kernel {found.release} ({found.form})", facts, roles)


def _iso(found: volume.IsoImage) -> Inspection:
    platforms = {eltorito.BIOS: "BIOS", eltorito.UEFI: "UEFI"}
    cd = [name for platform, name in platforms.items() if found.boots(platform)]
    disk = ["BIOS"] * found.disk_bios + ["UEFI"] * found.disk_uefi
    facts: dict[str, Any] = {
        "volume id": found.volume_id,
        "publisher": found.publisher,
        "preparer": found.preparer,
        "application": found.application,
        "volume size": found.size,
        "boots from CD": cd,
        "boots from disk": disk,
        "GPT": found.gpt,
        "El Torito": [
            {
                "platform": platforms.get(entry.platform, f"{entry.platform:#04x}"),
                "bootable": entry.bootable,
                "sectors": entry.sectors,
                "block": entry.lba,
            }
            for entry in found.boot
        ],
    }
    what = f"an ISO 9660 disc image, volume {found.volume_id}"
    return Inspection("iso", what, facts, trouble=found.trouble)


def _squashfs(head: bytes, size: int) -> Inspection:
    try:
        found = squashfs.parse(head)
    except ValueError as error:
        return Inspection("squashfs", "a squashfs image", trouble=(f"it is {error}",))
    used = found.used
    facts = {
        "packed": found.packing,
        "block size": found.block,
        "inodes": found.inodes,
        "made": found.made,
    }
    trouble = (f"it is cut short: {size} bytes of {used}",) if size < used else ()
    return Inspection("squashfs", "a squashfs file system", facts, trouble=trouble)


def _other(head: bytes, start: bytes) -> Inspection:
    packed = compression(head)
    if start[:6] in (cpio.MAGIC, b"070702"):
        return Inspection("cpio", "a cpio archive, such as an initrd", {"packed": packed})
    if not head:
        return Inspection("unknown", "an empty file")
    if packed and start:
        return Inspection("packed", f"{packed} data, with nothing in it that is known here")
    if head.isascii() and b"\0" not in head:
        return Inspection("unknown", "a text")
    return Inspection("unknown", f"nothing that is known here; it starts with {head[:8].hex(' ')}")


def as_json(inspection: Inspection) -> dict[str, Any]:
    """Return an inspection as JSON values."""
    return {
        "file": str(inspection.path),
        "size": inspection.size,
        "kind": inspection.kind,
        "what": inspection.what,
        "facts": {name.replace(" ", "_").lower(): fact for name, fact in inspection.facts.items()},
        "roles": {
            role.name.replace(" ", "_").lower(): {"fit": role.fit, "why": role.why}
            for role in inspection.roles
        },
        "trouble": list(inspection.trouble),
    }


def report(inspection: Inspection) -> str:
    """Return an inspection as lines for a person."""
    lines = [f"{inspection.path}: {inspection.what}"]
    size = {"size": f"{inspection.size:,} bytes"} if inspection.size else {}
    shown = size | {name: _words(name, fact) for name, fact in inspection.facts.items()}
    lines += [f"  {name:<20} {fact}" for name, fact in shown.items() if fact]
    if inspection.roles:
        lines += ["", "  It can be"]
        lines += [f"  {role.name:<12} {'yes' if role.fit else 'no ':<4} {role.why}"
                  for role in inspection.roles]  # fmt: skip
    lines += [f"  WRONG: {trouble}" for trouble in inspection.trouble]
    return "\n".join(lines)


def _words(name: str, fact: Any) -> str:
    """Return a fact as a person would say it; "" leaves it out."""
    if name == "options":
        return f"{len(fact)} on its command line (--json lists them)" if fact else "cannot be told"
    if isinstance(fact, bool):
        return "yes" if fact else "no"
    if isinstance(fact, list):
        if fact and isinstance(fact[0], dict):
            return ", ".join(
                f"{entry['platform']} image at block {entry['block']}" for entry in fact
            )
        return ", ".join(fact) or "no"
    return f"{fact:,} bytes" if name.endswith("size") else str(fact)

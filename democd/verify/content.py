"""Checks of what is on the disc: menus, kernels, layers, initrds, checksums, manifest, size."""

from __future__ import annotations

import json
import re
from typing import Any

from democd import layout, sizes
from democd.fitness import dom0_faults, guest_faults, xen_faults
from democd.formats import initramfs, linux, squashfs, xen
from democd.formats.compress import LIMIT, compression
from democd.recipe import MEDIA
from democd.verify import grubcfg
from democd.verify.subject import REBUILD, Subject
from democd.verify.verdict import FaultError

MENUS = (layout.GRUB_CFG, f"{layout.GRUB_FOLDER}/loopback.cfg")
SHOWN = 5


def check_menus(subject: Subject) -> str:
    """Check that every file that a menu entry names is on the disc."""
    wrong, count = [], 0
    for menu in MENUS:
        if menu not in subject.files:
            continue
        text = subject.content(menu).decode(errors="replace")
        count += len(grubcfg.titles(text))
        for named in grubcfg.named_files(text):
            where = f"{menu}, line {named.line}" + (f" ({named.entry})" if named.entry else "")
            if "$" in named.path:
                wrong.append(f"{where}: cannot tell what {named.path} is")
            elif named.path not in subject.files:
                wrong.append(f"{where}: {named.command} {named.path}: no such file on the disc")
    if layout.GRUB_CFG not in subject.files:
        wrong.append(f"{layout.GRUB_CFG} is missing")
    elif not count:
        wrong.append(f"{layout.GRUB_CFG} has no menu entries")
    if wrong:
        raise FaultError(first(wrong), "correct the templates in grub/, and build again")
    return f"{count} entries"


def check_kernels(subject: Subject) -> str:
    """Check that Xen, dom0's kernels and the guests' kernel are fit for their places."""
    faults: list[str] = []
    hypervisor = _read_xen(subject, layout.XEN, faults)
    dom0: set[str] = {layout.KERNEL["xen0"]}
    for menu in MENUS:
        if menu in subject.files:
            named = grubcfg.named_files(subject.content(menu).decode(errors="replace"))
            for path in _hypervisors(named) - {layout.XEN}:
                _read_xen(subject, path, faults)
            dom0 |= _dom0_kernels(named)
    for path in sorted(dom0):
        kernel = linux.read(_content_for(subject, path))
        pvh_only = not kernel.xen.pv and kernel.xen.pvh
        faults += [f"{path}: {why}" for why, _ in dom0_faults(kernel, pvh=pvh_only)]
    guest = linux.read(_content_for(subject, layout.KERNEL["xenU"]))
    faults += [f"{layout.KERNEL['xenU']}: {why}" for why, _ in guest_faults(guest)]
    if faults:
        raise FaultError(
            first(faults), "name other files in [kernels] of the recipe, and build again"
        )
    xen0 = linux.read(_content_for(subject, layout.KERNEL["xen0"]))
    return f"Xen {hypervisor}, xen0 {xen0.release}, xenU {guest.release}"


def _content_for(subject: Subject, path: str) -> bytes:
    content = subject.content(path)
    if not content:
        raise FaultError(f"{path} is empty", REBUILD)
    return content


def _read_xen(subject: Subject, path: str, faults: list[str]) -> str:
    found = xen.read(_content_for(subject, path))
    faults += [f"{path}: {why}" for why in xen_faults(found)]
    return found.version


def _hypervisors(named: list[grubcfg.Named]) -> set[str]:
    return {item.path for item in named if item.command == "multiboot2"}


def _dom0_kernels(named: list[grubcfg.Named]) -> set[str]:
    """Return what follows Xen as its first module."""
    found, after_xen = set(), False
    for item in named:
        if after_xen and item.command == "module2":
            found.add(item.path)
        after_xen = item.command == "multiboot2"
    return found


def check_layers(subject: Subject) -> str:
    """Check that every layer is a whole squashfs, and those that the roles stack are there."""
    paths = [path for path in subject.files if path.startswith(f"{layout.LAYERS}/")]
    seen = []
    for path in paths:
        extent = subject.files[path]
        head = subject.disc.read(extent.lba * 2048, min(extent.size, squashfs.SIZE))
        try:
            image = squashfs.parse(head)
        except ValueError as error:
            raise FaultError(f"{path} is {error}", REBUILD) from error
        if image.used > extent.size:
            raise FaultError(
                f"{path} has {extent.size} bytes of the {image.used} its superblock tells", REBUILD
            )
        seen.append(f"{path.rsplit('/', 1)[-1].removesuffix('.squashfs')} ({image.packing})")
    manifest = read_manifest(subject)
    roles = manifest["roles"]
    if not roles and not paths:
        return "none: dom0's root is in its initrd"
    wanted = {name for names in roles.values() for name in ["base", *names]}
    missing = [name for name in sorted(wanted) if layout.layer_path(name) not in subject.files]
    if missing:
        raise FaultError(f"layers are missing: {', '.join(missing)}", "build the ISO again")
    return ", ".join(seen)


def check_initrds(subject: Subject) -> str:
    """Check that both initrds are cpio archives in zstd, with an init."""
    sizes = []
    for name, path in layout.INITRD.items():
        content = _content_for(subject, path)
        if compression(content) != "zstd":
            raise FaultError(f"{path} is not packed with zstd", REBUILD)
        entries = {entry.name: entry for entry in initramfs.entries(content, LIMIT)}
        init = entries.get("init")
        if init is None or not init.mode & 0o100:
            raise FaultError(f"{path} has no /init that can be run", "see rootfs/init")
        _check_stack(subject, path, entries["etc/roles"].data if "etc/roles" in entries else b"")
        sizes.append(f"{name} {len(content) / 1e6:.1f} MB, {len(entries)} files")
    return "; ".join(sizes)


def _check_stack(subject: Subject, path: str, roles: bytes) -> None:
    """Check that each layer that an initrd would stack for a role is there (rootfs/init)."""
    for role, *names in filter(None, map(str.split, roles.decode(errors="replace").splitlines())):
        for name in names:
            if layout.layer_path(name) not in subject.files:
                what = f"{path} wants the layer {name} for the role {role}, which is not there"
                raise FaultError(what, "build the ISO again")


def check_sums(subject: Subject) -> str:
    """Check that SHA256SUMS covers every other file but its signature, and every sum is right."""
    listed = {}
    for line in subject.content(layout.SUMS).decode(errors="replace").splitlines():
        match = re.fullmatch(r"([0-9a-f]{64}) [ *](.+)", line)
        if not match:
            raise FaultError(f"{layout.SUMS}: not a line of sha256sum: {line[:80]!r}", REBUILD)
        listed[f"/{match[2]}"] = match[1]
    expected = set(subject.files) - set(layout.UNLISTED)
    wrong = [f"{path} is in {layout.SUMS}, but not on the disc" for path in set(listed) - expected]
    wrong += [f"{path} is not in {layout.SUMS}" for path in expected - set(listed)]
    for path in expected & set(listed):
        if path not in subject.digests:
            wrong.append(f"{path} cannot be read whole")
        elif subject.digests[path] != listed[path]:
            wrong.append(f"{path} is damaged: its checksum is wrong")
    if wrong:
        raise FaultError(first(sorted(wrong)), REBUILD)
    return f"{len(listed)} files, all right"


def read_manifest(subject: Subject) -> dict[str, Any]:
    """Return the manifest, with the keys that the checks need in the shape they need.

    Raises:
        FaultError: it is not there, not JSON, or of another shape.
    """
    manifest = read_json(subject)
    problem = _shape_problem(manifest)
    if problem:
        raise FaultError(f"{layout.MANIFEST}: {problem}", REBUILD)
    return dict(manifest)


def read_json(subject: Subject) -> Any:
    """Return the manifest as it is.

    Raises:
        FaultError: it is not there, or not JSON.
    """
    try:
        return json.loads(subject.content(layout.MANIFEST))
    except (ValueError, RecursionError) as error:
        raise FaultError(f"{layout.MANIFEST} is not JSON: {error}", REBUILD) from error


def _shape_problem(manifest: Any) -> str:
    """Return what is wrong with the shape of a manifest, or ""."""
    if not isinstance(manifest, dict):
        return "not an object"
    for key, kind in (("volume_id", str), ("medium", dict), ("roles", dict), ("files", list)):
        if not isinstance(manifest.get(key), kind):
            return f"{key} is missing, or not what it should be"
    if manifest["medium"].get("name") not in MEDIA:
        return f"medium.name is none of {', '.join(MEDIA)}"
    for names in manifest["roles"].values():
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            return "a role is not a list of names"
    for file in manifest["files"]:
        if not isinstance(file, dict) or not isinstance(file.get("path"), str):
            return "a file has no path"
    return ""


def check_manifest(subject: Subject) -> str:
    """Check that the manifest tells of this very disc: volume id, files, sizes and sums."""
    manifest = read_manifest(subject)
    wrong = []
    if manifest["volume_id"] != subject.disc.primary.volume_id:
        wrong.append(
            f"its volume id is {manifest['volume_id']}, the disc's {subject.disc.primary.volume_id}"
        )
    files = {file["path"]: file for file in manifest["files"]}
    own = {*layout.UNLISTED, layout.MANIFEST, layout.BOOT_CATALOG}  # made after the manifest
    wrong += [f"{path} is not on the disc" for path in sorted(set(files) - set(subject.files))]
    wrong += [f"it lacks {path}" for path in sorted(set(subject.files) - set(files) - own)]
    for path in sorted(set(files) & set(subject.files)):
        size = subject.files[path].size
        if files[path].get("size") != size:
            wrong.append(f"{path} has {size} bytes, not {files[path].get('size')}")
        elif path in subject.digests and files[path].get("sha256") != subject.digests[path]:
            wrong.append(f"the checksum of {path} is another")
    if wrong:
        raise FaultError(first(wrong), REBUILD)
    return f"version {manifest.get('version')}, built by {manifest.get('builder')}"


def check_medium(subject: Subject) -> str:
    """Check that the ISO fits the medium that it was made for, and what it tells of its parts."""
    manifest = read_manifest(subject)
    name = manifest["medium"]["name"]
    size, room = subject.disc.size, MEDIA[name]
    if size > room:
        raise FaultError(
            f"{size} bytes are {size - room} more than {name} holds",
            "write it to a larger medium, or build it with fewer packages",
        )
    files = {path: extent.size for path, extent in subject.files.items()}
    volume = subject.disc.primary.blocks * sizes.BLOCK  # a stick is larger
    taken = sizes.of_files(files, volume, name, room)
    # A disc of before there was such a table has none.
    if manifest.get("sizes", taken.as_json()) != taken.as_json():
        raise FaultError(
            f"{layout.MANIFEST} tells other sizes than the disc has:\n{_lines(taken)}", REBUILD
        )
    return f"{size / 1e6:.1f} MB of the {room / 1e6:.1f} MB of {name}\n{_lines(taken)}"


def _lines(taken: sizes.Sizes) -> str:
    return "\n".join(sizes.lines(taken))


def first(wrong: list[str]) -> str:
    """Return the first lines of what is wrong."""
    more = len(wrong) - SHOWN
    return "\n".join(wrong[:SHOWN] + ([f"and {more} more"] if more > 0 else []))

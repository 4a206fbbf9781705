"""The bill of materials of a disc made from a disc: as it was, or anew if it would tell a lie."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from democd import layout, spdx
from democd.digests import file_digest
from democd.errors import InputError
from democd.origins import binaries
from democd.remake import changes, folder
from democd.remake.folder import Folder
from democd.spdx import Head, Inventory, Own
from democd.stages import sbom

SIZE_MAX = 32 << 20
"""Bytes of one that is read."""
BOOTED = {layout.XEN: "xen", **{path: f"linux-{name}" for name, path in layout.KERNEL.items()}}
"""What is the person's own once it is another file than it was."""

Files = Mapping[str, Path | bytes]


def anew(
    old: Folder, about: Mapping[str, Any], files: Files, *, base_changed: bool
) -> dict[str, bytes]:
    """Return /sbom.spdx.json if it must be another; nothing if the old one holds, or there is none.

    One that was edited by hand is the person's, and stays.

    Args:
        old: the disc that it was.
        about: the manifest of the new one.
        files: of the new one, by path on the disc.
        base_changed: the system is another; its tree lies unpacked then.

    Raises:
        InputError: the old one cannot be read, or has another form than ours.
    """
    was = {file["path"]: file["sha256"] for file in old.about["files"]}
    there = files.get(layout.SBOM)
    if not isinstance(there, Path) or file_digest(there) != was.get(layout.SBOM):
        return {}
    try:
        if there.stat().st_size > SIZE_MAX:
            raise ValueError("impossibly large")
        debian, own = spdx.read(there.read_text(encoding="utf-8"))
    except ValueError as error:
        hint = f"unpack the disc, and remove disc{layout.SBOM}"
        raise InputError(f"{there}: {error}", hint) from error
    now = _own(own, about, files, was)
    same = all(about[key] == old.about[key] for key in ("title", "version"))
    if same and now == own and not base_changed:
        return {}
    head = Head(about["title"], about["version"], about["date"])
    debian = _debian(old) if base_changed else debian
    return {layout.SBOM: spdx.document(head, debian, now).encode()}


def _own(
    own: list[Own], about: Mapping[str, Any], files: Files, was: Mapping[str, str]
) -> list[Own]:
    """Return what is the person's own now: what was, what is in its place, and their guests."""
    known = {part.path: part for part in own}
    versions = {
        layout.XEN: str(about["xen"]),
        **{path: str(about["kernels"].get(name, "")) for name, path in layout.KERNEL.items()},
    }
    found: list[Own] = []
    for path in [*BOOTED, *(path for path in known if path not in BOOTED), *_guests(files)]:
        if path not in files or path in {part.path for part in found}:
            continue
        digest = _digest(files[path])
        if path in known:
            version = versions.get(path, known[path].version)
            found.append(Own(known[path].name, version, path, digest))
        elif path not in BOOTED or digest != was.get(path):
            name = BOOTED.get(path, path.rsplit("/", 1)[1])
            found.append(Own(name, versions.get(path, ""), path, digest))
    return found


def _guests(files: Files) -> list[str]:
    return sorted(path for path in files if path.startswith(f"{layout.GUESTS}/"))


def _digest(source: Path | bytes) -> str:
    return file_digest(source) if isinstance(source, Path) else hashlib.sha256(source).hexdigest()


def _debian(old: Folder) -> Inventory:
    """Return the packages of the unpacked system, with their licences."""
    tree = folder.layer(folder.BASE).tree
    status = f"{tree}/{changes.STATUS}"
    if not folder.is_plain(old.top, status) or not (old.top / status).is_file():
        return Inventory()
    packages = binaries((old.top / status).read_text(errors="replace"))
    licences = sbom.licences_of(_copyrights(old.top, tree), [it.name for it in packages])
    return spdx.inventory(packages, licences, str(old.about.get("suite", "")))


def _copyrights(top: Path, tree: str) -> dict[str, str | bytes]:
    """Return all copyright files of a tree, and where links lead, by path in it."""
    found: dict[str, str | bytes] = {}
    doc = top / tree / sbom.DOC
    if not folder.is_plain(top, f"{tree}/{sbom.DOC}") or not doc.is_dir():
        return found
    for path in sorted(doc.iterdir()):
        for name in (path, path / "copyright"):
            inner = name.relative_to(top / tree).as_posix()
            if name.is_symlink():
                found[inner] = sbom.link_target(inner, str(name.readlink()))
                break
            if name.is_file():
                found[inner] = name.read_bytes()
    return found

"""The disc under test: which of our discs it is, found out from the disc itself, and its facts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from democd import boots, layout
from democd.boots import Booted
from democd.errors import InputError
from democd.formats import xen
from democd.formats.isoread import open_disc
from democd.identity import fingerprint
from democd.smoke.menu import Entry, menu_of

SMOKE_VOLUME = "XENSMOKE"
Kind = Literal["smoke", "full"]


@dataclass(frozen=True)
class Disc:
    """A disc to boot.

    Attributes:
        kind: `smoke`: dom0 shows a shell at once; `full`: it asks for a log-in, and makes guests
            with `xendemo`.
        menu: GRUB's entries.
        default: the one that is booted by itself.
        facts: what cases compare with: xen_version, build_id, dom0_release, guest_release.
        booted: what its boots are kept as.
    """

    iso: Path
    kind: Kind
    menu: tuple[Entry, ...]
    default: Entry
    facts: Mapping[str, str]
    booted: Booted


def look_at(iso: Path) -> Disc:
    """Return what a disc says of itself.

    Raises:
        InputError: it is not there, no ISO, or none of ours with Xen on it.
    """
    if not iso.is_file():
        raise InputError(f"{iso}: no such file", "build it first: ./build.py")
    menu = menu_of(iso)
    try:
        with open_disc(iso) as disc:
            files = disc.files()
            manifest = json.loads(disc.content(files[layout.MANIFEST]))
            hypervisor = xen.read(disc.content(files[layout.XEN]))
            sums = disc.content(files[layout.SUMS])
            grub = disc.content(files[layout.GRUB_CFG]).decode(errors="replace")
        facts = {
            "xen_version": hypervisor.version,
            "build_id": hypervisor.build_id,
            "dom0_release": str(manifest.get("kernels", {}).get("xen0", "")),
            "guest_release": str(manifest.get("kernels", {}).get("xenU", "")),
        }
        volume = str(manifest["volume_id"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{iso} is no disc of ours with Xen on it ({error})", "build one: ./build.py"
        ) from error
    kind: Kind = "smoke" if volume == SMOKE_VOLUME else "full"
    told = boots.booted(manifest, fingerprint(sums))
    return Disc(iso, kind, menu, default_of(menu, grub), facts, told)


def default_of(menu: tuple[Entry, ...], grub_cfg: str) -> Entry:
    """Return the entry that a grub.cfg boots by itself; the first, if it names none."""
    for line in grub_cfg.splitlines():
        if line.startswith("set default="):
            name = line.partition("=")[2].strip("'\"").split(">")[-1]
            return next((entry for entry in menu if entry.name == name), menu[0])
    return menu[0]

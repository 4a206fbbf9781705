"""The folder that a disc is unpacked into: where what lies, and what of it was changed since.

::

    README  recipe.toml     what this is; what the disc was made by
    root/                   the system, base.squashfs on the disc
    overlays/NAME/          the layers over it
    sources/                what is in /usr/local/src, if the disc has sources
    initrd/xen0/ xenU/      the initrds
    disc/                   all else on the disc: menus, kernels, Xen, README.CD, guests
    permissions/PART.txt    owners and modes, if not root unpacked it
    .democd/                the disc's manifest and boot code, and each part as it was packed
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from democd import layout
from democd.errors import InputError
from democd.formats.iso import Volume
from democd.host.run import mount_points
from democd.remake import shape, table, trees
from democd.remake.trees import Item

HIDDEN = ".democd"
PACKED = f"{HIDDEN}/packed"
MANIFEST = f"{HIDDEN}/manifest.json"
VOLUME = f"{HIDDEN}/volume.json"
PACKAGES = f"{HIDDEN}/packages.txt"
BOOT_CODE = f"{HIDDEN}/boot.img"
STATE = f"{HIDDEN}/state.json"
DISC = "disc"
RECIPE = "recipe.toml"
README = "README"
OVERLAYS = "overlays"
PERMISSIONS = "permissions"

BASE = "base"
LISTS = (*layout.UNLISTED, layout.MANIFEST, layout.PACKAGES, layout.BOOT_CATALOG)
"""What is made anew for each disc."""

_KEPT = (MANIFEST, STATE, VOLUME, PACKAGES, BOOT_CODE)
BOOT_CODE_SIZE = 512

NEEDED = (layout.XEN, layout.BIOS_IMAGE, layout.ESP_IMAGE, *layout.INITRD.values())
"""What every disc has, and a disc cannot be made without."""

_OTHERS = {BASE: "root", layout.SOURCES: "sources"}


@dataclass(frozen=True)
class Part:
    """What is packed on the disc, and a tree to edit in the folder.

    Attributes:
        name: of the layer, or `initrd-xen0`.
        path: on the disc.
        tree: its folder below the unpacked one's.
    """

    name: str
    path: str
    tree: str

    @property
    def initrd(self) -> bool:
        """Return whether it is an initrd, not a layer."""
        return self.path in layout.INITRD.values()

    @property
    def packed(self) -> str:
        """Return where it lies as it was packed, below the folder."""
        return f"{PACKED}/{self.path.rsplit('/', 1)[1]}"


def layer(name: str) -> Part:
    """Return the part that a layer is."""
    return Part(name, layout.layer_path(name), _OTHERS.get(name, f"{OVERLAYS}/{name}"))


def parts(layers: Iterable[str]) -> list[Part]:
    """Return all parts of a disc with these layers."""
    initrds = [Part(f"initrd-{n}", path, f"initrd/{n}") for n, path in layout.INITRD.items()]
    return [*map(layer, layers), *initrds]


@dataclass(frozen=True)
class Folder:
    """An unpacked disc.

    Attributes:
        top: the folder.
        about: the manifest of the disc that it was.
        state: fingerprint of each part's tree as it was unpacked; of one that still is packed
            alone there is none.
        own: the files themselves have their owners and modes.
        linked: packed parts may be links, to where the disc is mounted.
    """

    top: Path
    about: Mapping[str, Any]
    state: Mapping[str, str]
    own: bool
    linked: bool = False

    def parts(self) -> list[Part]:
        """Return the parts that the new disc has: those that were, less or more overlays.

        Raises:
            InputError: a part that every disc has is gone.
        """
        there = parts(self.about["layers"])
        gone = [part for part in there if part.name in self.state and not self._tree(part).is_dir()]
        if lost := [part for part in gone if part.initrd or part.name == BASE]:
            raise InputError(f"{self._tree(lost[0])} is gone", "unpack the disc again")
        old = {part.name for part in there}
        overlays = self.top / OVERLAYS
        names = sorted(path.name for path in overlays.iterdir()) if overlays.is_dir() else []
        more = [layer(name) for name in names if name not in old]
        for part in more:
            if not self._tree(part).is_dir() or not shape.is_name(part.name):
                what = f"{self._tree(part)} cannot become a layer"
                raise InputError(what, "make it a folder, its name of letters, digits and . _ + -")
        return [part for part in there if part not in gone] + more

    def items(self, part: Part) -> list[Item] | None:
        """Return the tree of a part; None if it was never unpacked.

        Raises:
            InputError: something in it cannot be packed.
        """
        if not is_plain(self.top, part.tree):
            what = f"{self._tree(part)} is a link, or lies behind one"
            raise InputError(what, "put the folder itself there")
        if not self._tree(part).is_dir():
            return None
        listed = self.top / PERMISSIONS / f"{part.name}.txt"
        special = table.read(listed) if listed.is_file() else {}
        if self.own:
            # Device nodes of an initrd are never made: dev/console would be one of the host's.
            special = {name: it for name, it in special.items() if it.kind}
        found = trees.read(self._tree(part), None if self.own else special)
        return trees.with_nodes(found, special)

    def is_packed(self, part: Part, items: list[Item] | None) -> bool:
        """Return whether a part lies there as its tree still is.

        Raises:
            InputError: there is neither.
        """
        plain = self.linked or is_plain(self.top, part.packed)
        there = plain and (self.top / part.packed).is_file()
        if items is None and not there:
            raise InputError(f"{self._tree(part)} is gone", "unpack the disc again")
        return there and (items is None or self.state.get(part.name) == trees.fingerprint(items))

    def files(self) -> dict[str, Path]:
        """Return what is on the disc beside the parts, by path there.

        Raises:
            InputError: there is a link or a device, which no disc of ours has.
        """
        found = {}
        top = self.top / DISC
        if top.is_symlink() or not top.is_dir():
            raise InputError(f"{top} is no folder", "unpack the disc again")
        for path in sorted(top.rglob("*")):
            if path.is_symlink() or not (path.is_dir() or path.is_file()):
                raise InputError(f"{path} is neither a file nor a folder", "remove it")
            if not path.name.isprintable():
                raise InputError(f"{str(path)!r} cannot be on a disc", "rename it")
            if path.is_file():
                found["/" + path.relative_to(top).as_posix()] = path
        taken = {*LISTS, *(part.path for part in self.parts())}
        if wrong := [path for name, path in found.items() if name in taken]:
            raise InputError(f"{wrong[0]} is made anew for each disc", "remove it")
        if lost := [name for name in NEEDED if name not in {*found, *taken}]:
            raise InputError(f"{top}{lost[0]} is gone", "unpack the disc again")
        return found

    def was_signed(self) -> bool:
        """Return whether the disc that it was had a signature, which no other disc can have."""
        return (self.top / HIDDEN / layout.SIGNATURE[1:]).exists()

    def volume(self) -> Volume:
        """Return the volume descriptor's fields of the disc that it was."""
        return Volume(**json.loads((self.top / VOLUME).read_text(encoding="utf-8")))

    def _tree(self, part: Part) -> Path:
        return self.top / part.tree


def read(top: Path, *, linked: bool = False) -> Folder:
    """Return the folder that `unpack` has made; in one of our own, parts may be `linked`.

    Raises:
        InputError: it is none, or something is mounted in it.
    """
    what = f"{top} is not a disc that ./build.py unpack has unpacked"
    hint = "name an .iso file, or such a folder"
    whole = all(is_plain(top, name) and (top / name).is_file() for name in _KEPT)
    if not whole or (top / BOOT_CODE).stat().st_size != BOOT_CODE_SIZE:
        raise InputError(what, hint)
    try:
        about, state, volume = (
            json.loads((top / name).read_text(encoding="utf-8"))
            for name in (MANIFEST, STATE, VOLUME)
        )
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(what, hint) from error
    if not shape.is_ours(about) or not shape.is_state(state) or not shape.is_volume(volume):
        raise InputError(what, hint)
    if wrong := shape.fault(about):
        raise InputError(f"{top / MANIFEST}: {wrong}", "unpack the disc again")
    found = Folder(top, about, state["trees"], state["own"], linked)
    here = top.resolve()
    for point in mount_points():
        if Path(point) != here and Path(point).is_relative_to(here):
            raise InputError(f"something is mounted at {point}", f"umount {point}")
    return found


def is_plain(top: Path, name: str) -> bool:
    """Return whether no part of a path below a folder is a link, which may lead out of it."""
    path = Path(name)
    return not any((top / part).is_symlink() for part in (path, *path.parents[:-1]))


def write_state(top: Path, state: Mapping[str, str], *, own: bool) -> None:
    """Keep what the trees are now."""
    (top / STATE).write_text(json.dumps({"own": own, "trees": dict(state)}, indent=1) + "\n")

"""What of a disc's recipe may be changed once the disc is made, and what follows from it."""

from __future__ import annotations

import fnmatch
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from democd import layout
from democd.artifacts import Kernel, Kernels, Package
from democd.digests import file_digest
from democd.errors import InputError, Mistakes
from democd.formats import xen
from democd.formats.compress import compression, unpack
from democd.recipe import Given, Recipe, known_keys, recall
from democd.recipe.record import UNTOLD
from democd.remake import folder
from democd.remake.folder import Folder
from democd.source_tree import same_xen
from democd.stages import kernels, menus, own
from democd.stages.disc import packages_text
from democd.stages.root import parse_status
from democd.workspace import Workspace

PROJECT = Path(__file__).parents[2]

TEXTUAL = ("disc.title", "disc.version", "disc.builder", "menu.*", "xen.*", "linux.*",
           "kernels.xen")  # fmt: skip
"""Keys that the menus and README.CD tell of (fnmatch)."""
SOURCES = "sources.enabled"
"""A key that README.CD tells of, too; it follows from what is there, and cannot be set."""
PACKING = ("layers.*",)
OTHERS = ("disc.name", "disc.media", "disc.reserve")
STATUS = "var/lib/dpkg/status"

_REMEDY = "build from packages, without --from"


@dataclass(frozen=True)
class Change:
    """What the new disc's recipe is.

    Attributes:
        recipe: of the new disc; version and builder are always told.
        told: the same as the manifest tells it.
        keys: what is another value than the old disc's.
    """

    recipe: Recipe
    told: Mapping[str, Mapping[str, Any]]
    keys: frozenset[str]

    def touches(self, patterns: Iterable[str]) -> bool:
        """Return whether a key was changed that one of these patterns names."""
        return any(fnmatch.fnmatchcase(key, want) for key in self.keys for want in patterns)


def decide(unpacked: Folder, overrides: Sequence[str], options: Sequence[Given]) -> Change:
    """Return the recipe of the new disc.

    Args:
        unpacked: the old one; its recipe.toml may have been edited.
        overrides: of `--set`.
        options: what was given by options of their own.

    Raises:
        Mistakes: a key is wrong, or cannot be changed any more.
        InputError: the disc is of a time when they did not keep their recipe.
    """
    where = f"{unpacked.top / folder.MANIFEST}"
    if not isinstance(unpacked.about.get("recipe"), dict):
        if overrides or options:
            raise InputError(
                "the disc was made by a democd that did not keep recipes on discs: "
                "no key of it can be set",
                "edit its files: ./build.py unpack",
            )
        nothing = replace(Recipe(PROJECT).disc, reserve=0)
        return Change(replace(Recipe(PROJECT), disc=nothing), {}, frozenset())
    kept = {name: dict(keys) for name, keys in unpacked.about["recipe"].items()}
    kept.setdefault("disc", {}).update(
        version=unpacked.about["version"], builder=unpacked.about["builder"]
    )
    written = _written(unpacked.top / folder.RECIPE)
    new = {name: {**keys, **written.get(name, {})} for name, keys in kept.items()}
    if gone := layout.SOURCES in unpacked.about["layers"] and not _has_sources(unpacked):
        new["sources"] = {**new.get("sources", {}), "enabled": False}
    old = recall(kept, where, PROJECT)
    recipe = recall(new, where, PROJECT, overrides, options)
    keys = frozenset(path for path in known_keys() if _value(old, path) != _value(recipe, path))
    _refuse(keys - ({SOURCES} if gone else set()))
    for path in keys - set(UNTOLD):
        section, _, name = path.partition(".")
        new.setdefault(section, {})[name] = _value(recipe, path)
    return Change(recipe, new, keys)


def _written(path: Path) -> Mapping[str, Mapping[str, Any]]:
    """Return what stands in a folder's recipe.toml, if there is one."""
    if not path.is_file():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not TOML: {error}", 'a key stands as: name = "value"') from None


def _value(recipe: Recipe, path: str) -> Any:
    section, _, name = path.partition(".")
    if section == "roles":
        return recipe.roles.get(name)
    return getattr(getattr(recipe, section), name)


def _refuse(keys: Iterable[str]) -> None:
    able = (*TEXTUAL, *PACKING, *OTHERS)
    wrong = [k for k in sorted(keys) if not any(fnmatch.fnmatchcase(k, want) for want in able)]
    if wrong:
        raise Mistakes(
            [
                (f"{key} cannot be changed on a disc that is made", _HINTS.get(key, _REMEDY))
                for key in wrong
            ]
        )


_HINTS = {
    "login.password_hash": "unpack the disc, and edit overlays/common/etc/shadow",
    SOURCES: "unpack the disc, and remove its sources/; or build from packages",
    "disc.guests": "unpack the disc, and put them into disc/guests",
    "kernels.dom0": f"{_REMEDY}: its modules and initrd go with it",
    "kernels.guest": f"{_REMEDY}: its modules and initrd go with it",
}


# --- what follows --------------------------------------------------------------------------------


def hypervisor(
    workspace: Workspace, old: Folder, change: Change, packages: Sequence[Package]
) -> tuple[Path, str] | None:
    """Return the person's own hypervisor, gzipped, and its version; None if they bring none.

    Raises:
        Mistakes: it is none, or does not go with the disc's tools, or with the source on it.
    """
    if not change.recipe.kernels.xen:
        return None
    brought = own.inspect(change.recipe, PROJECT)
    mistakes = [*brought.mistakes, *kernels.tools_faults(brought, packages)]
    mistakes += _foreign_source(old, brought.xen[1].version if brought.xen else "")
    if mistakes or not brought.xen:
        raise Mistakes(mistakes)
    path, found = brought.xen
    nothing = Kernel(path, "", path)
    packed = kernels.packed(
        workspace, Kernels(path, found.version, found.options, nothing, nothing)
    )
    return packed.xen, found.version


def _foreign_source(old: Folder, version: str) -> list[tuple[str, str]]:
    """Return why the source on the disc is not that of a hypervisor, if so: a rebuilt one is."""
    told = [tree["version"] for tree in sources_of(old) if tree["name"] == "xen"]
    if not told or not version or same_xen(old.about["xen"], version):
        return []
    return [
        (
            f"the disc has the source of Xen {told[0]}, and the hypervisor is {version}",
            "unpack the disc and remove its sources/, or build from packages with --xen-source",
        )
    ]


def sources_of(old: Folder) -> list[Any]:
    """Return the manifest's entries of what is in /usr/local/src; none if that was removed."""
    return list(old.about["sources"]) if _has_sources(old) else []


def _has_sources(old: Folder) -> bool:
    return any(part.name == layout.SOURCES for part in old.parts())


def texts(unpacked: Folder, change: Change, xen_path: Path, xen_version: str) -> dict[str, bytes]:
    """Return the menus and README.CD anew, by path on the disc.

    Raises:
        InputError: one of them was edited by hand, which that would undo.
        Mistakes: Xen does not know an option.
    """
    written = (layout.GRUB_CFG, menus.LOOPBACK_CFG, layout.NET_MENU, layout.README)
    _refuse_edited(unpacked, written, change.keys)
    data = xen_path.read_bytes()
    found = xen.read(unpack(data) if compression(data) else data)
    releases = unpacked.about["kernels"]
    told = [Kernel(Path(), releases.get(name, ""), Path()) for name in ("xen0", "xenU")]
    booted = Kernels(xen_path, xen_version, found.options, told[0], told[1])
    recipe, disc = change.recipe, change.recipe.disc
    rendered = menus.render(recipe, booted, disc.version, PROJECT / "grub")
    if layout.NET_MENU in unpacked.files():  # an older disc has none
        rendered |= menus.netboot(recipe, booted, disc.version, PROJECT / "grub")
    rendered[layout.README] = menus.readme(
        recipe, booted, disc.version, disc.builder, PROJECT / "docs"
    )
    return {path: text.encode() for path, text in rendered.items()}


def _refuse_edited(unpacked: Folder, paths: Iterable[str], keys: Iterable[str]) -> None:
    was = {file["path"]: file["sha256"] for file in unpacked.about["files"]}
    for path, now in unpacked.files().items():
        if path in paths and file_digest(now) != was.get(path):
            told = ", ".join(sorted(keys))
            raise InputError(
                f"{now} was edited by hand, and {told} would write it anew",
                "make the change in it by hand too, or take the edit back",
            )


def packages(unpacked: Folder) -> tuple[tuple[Package, ...], bytes]:
    """Return the packages of the root, and /packages.txt."""
    name = f"{folder.layer(folder.BASE).tree}/{STATUS}"
    status = unpacked.top / name
    if not folder.is_plain(unpacked.top, name) or not status.is_file():
        listed = (unpacked.top / folder.PACKAGES).read_bytes()
        return _listed(listed.decode(errors="replace")), listed
    found = parse_status(status.read_text(errors="replace"))
    return found, packages_text(found).encode()


def _listed(text: str) -> tuple[Package, ...]:
    """Return the packages that the disc's /packages.txt names; their sizes are not told there."""
    words = [tuple(line.split(" ")) for line in text.splitlines()]
    return tuple(Package(*word, size=0) for word in words if len(word) == 4)

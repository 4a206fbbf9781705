"""Packs what was changed of a disc; what was not stays the very bytes that it was."""

from __future__ import annotations

import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from democd import layout
from democd.errors import InputError
from democd.formats import cpio, initramfs
from democd.host.progress import Step
from democd.recipe import Layers, Recipe
from democd.remake import apart, folder, packing, squashed, trees
from democd.remake.folder import Folder, Part
from democd.remake.trees import Item
from democd.stages.initrds import compress
from democd.workspace import Workspace

KINDS = (stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK)
OVERLAY = "overlay"
ROLES = "etc/roles"
"""Of an initrd: the layers of each role, a line for each (rootfs/init reads it)."""


@dataclass(frozen=True)
class Laid:
    """The layers of the new disc.

    Attributes:
        files: of what is to lie in /live, by path on the disc.
        names: of the layers.
        changed: a layer is another than it was.
        base_changed: the system itself is.
        more: overlays, for every role.
        gone: layers that were there, and no role can have any more.
    """

    files: Mapping[str, Path]
    names: list[str]
    changed: bool
    base_changed: bool
    more: list[str]
    gone: frozenset[str]


@dataclass(frozen=True)
class Started:
    """The initrds of the new disc.

    Attributes:
        files: by path on the disc.
        roles: the layers of each role that they name, lowest first; those that belong to a kernel,
            and not to a role, left out.
    """

    files: Mapping[str, Path]
    roles: dict[str, list[str]]


def overlay(path: Path) -> list[Item]:
    """Return the files of a folder that is to be laid over the root: root's, plain modes.

    Raises:
        InputError: it is no folder, or has nothing in it, or what cannot be packed.
    """
    if not path.is_dir():
        raise InputError(f"--overlay: {path} is no folder", "name a folder of files to lay over /")
    items = trees.read(path, {})
    if not items:
        raise InputError(f"--overlay: {path} is empty", "put files there, each at its path from /")
    return items


def layers(
    workspace: Workspace,
    old: Folder,
    recipe: Recipe,
    overlays: Sequence[Sequence[Item]],
    step: Step,
) -> Laid:
    """Return all layers, those packed anew whose trees were changed, and overlays on top."""
    date = old.about["date"]
    files, changed = {}, set()
    parts = [part for part in old.parts() if not part.initrd]
    for part in parts:
        items = old.items(part)
        if old.is_packed(part, items):
            files[part.path] = old.top / part.packed
            continue
        step.now(part.tree)
        changed.add(part.name)
        files[part.path] = _packed(workspace, part, items or [], recipe.layers, date)
    names = [part.name for part in parts]
    more: list[str] = []
    over_roles = overlays if old.about["roles"] else ()  # a root in memory has no layers
    below = _what_lies_below(old, parts) if over_roles else {}
    for over in over_roles:
        part = folder.layer(_free_name([*names, *more]))
        more.append(part.name)
        files[part.path] = _packed(workspace, part, _alike(over, below), recipe.layers, date)
    step.says(f"{', '.join(sorted({*changed, *more}))} anew" if changed or more else "as they were")
    return Laid(
        files,
        [*names, *more],
        bool(changed),
        folder.BASE in changed,
        more,
        frozenset(old.about["layers"]) - set(names),
    )


def _free_name(taken: Sequence[str]) -> str:
    names = [OVERLAY, *(f"{OVERLAY}-{number}" for number in range(2, 1000))]
    return next(name for name in names if name not in taken)


def _what_lies_below(old: Folder, parts: Sequence[Part]) -> dict[str, tuple[int, int, int]]:
    """Return type and mode, owner and group of all files that an overlay may take the place of."""
    found = {}
    for part in parts:
        there = old.items(part) or squashed.listing(old.top / part.packed)
        found.update({item.name: (item.mode, item.uid, item.gid) for item in there})
    return found


def _alike(items: Sequence[Item], below: Mapping[str, tuple[int, int, int]]) -> list[Item]:
    """Return an overlay's files; what takes the place of another has its mode and owner.

    So a folder `tmp` among them does not keep everybody out of /tmp, nor shows a file all.
    """
    return [
        replace(item, mode=was[0], uid=was[1], gid=was[2])
        if (was := below.get(item.name)) and stat.S_IFMT(was[0]) == stat.S_IFMT(item.mode)
        else item
        for item in items
    ]


def _packed(
    workspace: Workspace, part: Part, items: Sequence[Item], settings: Layers, date: int
) -> Path:
    if node := next((item for item in items if stat.S_IFMT(item.mode) not in KINDS), None):
        what = f"{node.path or node.name} is a device node, and no layer has any"
        raise InputError(what, "remove it: on the running disc /dev is the kernel's own")
    # The root came as a tar, a folder's content behind it at once; overlays go by whole paths.
    ordered = items if part.name == folder.BASE else sorted(items, key=lambda item: item.name)
    name = part.path.rsplit("/", 1)[1]
    inputs = {
        "tree": packing.content_digest(ordered, date),
        "settings": vars(settings),
        "date": date,
    }
    made = workspace.step(
        f"again-{part.name}",
        inputs,
        lambda target: squashed.pack(ordered, settings, date, target / name),
    )
    return made.path / name


def initrds(
    workspace: Workspace,
    old: Folder,
    laid: Laid,
    overlays: Sequence[Sequence[Item]],
    step: Step,
) -> Started:
    """Return both initrds, anew if their trees were changed, or roles have other layers.

    On a disc whose root is in memory the overlays become part of dom0's initrd.

    Raises:
        InputError: a file in a tree does not belong to root, or has a name that Linux drops; or a
            role has a layer that is not there.
    """
    files = {}
    roles: dict[str, list[str]] = {}
    anew = []
    for part in old.parts():
        if not part.initrd:
            continue
        items = old.items(part)
        in_memory = not old.about["roles"] and part.path == layout.INITRD["xen0"]
        packed = old.top / part.packed
        whole = old.is_packed(part, items)
        entries = apart.initrd_entries(packed) if whole else packing.as_cpio(items or [])
        there = {entry.name: entry for entry in entries}
        stacked = _stacked(there, laid, old.top / part.tree / ROLES)
        roles |= {role: of for role, of in stacked.items() if role not in roles}
        more = _more(there, stacked, overlays if in_memory else [])
        if whole and not more:
            files[part.path] = packed
            continue
        step.now(part.tree)
        anew.append(part.name)
        files[part.path] = target = workspace.tmp / part.name
        target.write_bytes(_initrd(old, part, entries, more, packed if whole else None))
    step.says(f"{', '.join(anew)} anew" if anew else "as they were")
    return Started(files, _of_roles(old, roles))


def _stacked(there: Mapping[str, cpio.Entry], laid: Laid, where: Path) -> dict[str, list[str]]:
    """Return the layers that an initrd shall stack for each role.

    That is what it names now, without what is gone, and with overlays on top.

    Raises:
        InputError: it names one that the disc has not, so that it could not start.
    """
    text = there[ROLES].data.decode(errors="replace") if ROLES in there else ""
    stacked = {}
    for line in filter(None, map(str.split, text.splitlines())):
        role, *named = line
        if unknown := sorted(set(named) - set(laid.names) - laid.gone):
            raise InputError(
                f"{where}: the role {role} has a layer that is not there: {unknown[0]}",
                f"make overlays/{unknown[0]}, or take the word away",
            )
        stacked[role] = [name for name in named if name not in laid.gone] + laid.more
    return stacked


def _of_roles(old: Folder, stacked: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Return what the manifest tells of roles: no layers that are a kernel's; in its order."""
    if not stacked:
        return dict(old.about["roles"])
    told = {
        role: [name for name in of if name not in layout.OWN_LAYERS] for role, of in stacked.items()
    }
    order = [role for role in old.about["roles"] if role in told]
    return {role: told[role] for role in [*order, *sorted(set(told) - set(order))]}


def _more(
    there: Mapping[str, cpio.Entry],
    stacked: Mapping[str, list[str]],
    overlays: Sequence[Sequence[Item]],
) -> list[cpio.Entry]:
    """Return what comes to an initrd: other layers for its roles, and files laid over it."""
    found = {}
    text = "".join(f"{' '.join([role, *of])}\n" for role, of in stacked.items()).encode()
    if ROLES in there and text.split() != there[ROLES].data.split():
        found[ROLES] = replace(there[ROLES], data=text)
    for items in overlays:
        for entry in packing.as_cpio(items):
            if not (entry.is_folder() and entry.name in there):  # such as bin, a link of theirs
                found[entry.name] = entry
    return list(found.values())


def _initrd(
    old: Folder, part: Part, entries: list[cpio.Entry], more: list[cpio.Entry], packed: Path | None
) -> bytes:
    """Return an initrd: what is packed already with `more` behind it, else all of it anew."""
    date = old.about["date"]
    try:
        if packed:
            return initramfs.appended(packed.read_bytes(), more, date)
        every = {entry.name: entry for entry in [*entries, *more]}
        return compress(cpio.pack(every.values(), date))
    except ValueError as error:
        raise InputError(f"{old.top / part.tree}: {error}", "rename it") from error

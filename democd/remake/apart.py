"""Takes a disc apart: `unpack` into a folder to edit, `lay` the parts of it that a change needs."""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path

from democd.digests import keep_digest
from democd.errors import BuildError, InputError
from democd.formats import cpio, initramfs
from democd.host import room
from democd.host.progress import Reporter
from democd.recipe import as_toml
from democd.remake import folder, mounted, squashed, table, trees
from democd.remake.folder import Folder, Part
from democd.remake.original import DAMAGED, NAME_MAX, PATH_MAX, Original, opened
from democd.remake.table import Special
from democd.remake.trees import is_plain

TEXT = Path(__file__).parents[2] / "docs/README.unpacked"
INITRD_MAX = 384 << 20
"""Bytes that an initrd has, and unpacks to, at most."""
LINK_MAX = 4096
"""Bytes of a symlink's target, with its end; see PATH_MAX of Linux."""
GONE = "nothing is left of them"
SPARE = 64 << 20
"""Bytes that shall be left on the file system that a disc is unpacked to."""

_NODES = (stat.S_IFCHR, stat.S_IFBLK)
_KINDS = (stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK, *_NODES)


def unpack(source: Path, target: Path, reporter: Reporter) -> Folder:
    """Unpack a disc into a new folder, which appears when it is whole.

    Args:
        source: the ISO, the drive, or where it is mounted.
        target: the folder; must not be there yet, or be empty.
        reporter: shows the steps.

    Raises:
        InputError: `source` is no disc of ours, or `target` is taken.
        BuildError: the disc is damaged, or there is no room.
    """
    refuse_taken(target)
    there = mounted.at(source) if source.is_dir() else None
    with opened(there.device if there else source) as original:
        target.parent.mkdir(parents=True, exist_ok=True)
        refuse_no_room(target.parent, 2 * original.disc.size)
        scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
        try:
            made = scratch / "disc"
            with room.watched(target.parent, f"the files of {source.name}", after=GONE):
                lay(original, made, reporter)
                open_trees(made, folder.parts(original.about["layers"]), reporter)
            # By root: programs with the set-user-id bit, and secrets, are in it.
            made.chmod(0o700 if os.geteuid() == 0 else 0o755)
            made.replace(target)  # an empty folder gives way
        finally:
            remove(scratch)
    return folder.read(target)


def refuse_taken(target: Path) -> None:
    """Refuse to make a folder where something is, unless that is an empty one."""
    if target.is_symlink() or (target.exists() and not _is_empty(target)):
        raise InputError(f"{target} is there already", "name a new folder")


def remove(scratch: Path) -> None:
    """Remove what was unpacked, folders that nobody may write to among it."""
    for above, folders, _ in os.walk(scratch):
        for name in folders:
            if not (path := Path(above, name)).is_symlink():
                path.chmod(0o700)
    shutil.rmtree(scratch, ignore_errors=True)


def _is_empty(target: Path) -> bool:
    return target.is_dir() and not any(target.iterdir())


def lay(original: Original, top: Path, reporter: Reporter, there: Path | None = None) -> None:
    """Copy a disc's files into a new folder, each compared with its sum; its parts stay packed.

    Args:
        original: the disc.
        top: the new folder.
        reporter: shows the step.
        there: where the disc is mounted; its parts then become links to there.
    """
    with reporter.step("read", original.path.name) as step:
        (top / folder.PACKED).mkdir(parents=True)
        packed = {part.path: part for part in folder.parts(original.about["layers"])}
        total = sum(extent.size for extent in original.files.values())
        done = 0

        def at(count: int) -> None:
            nonlocal done
            done += count
            step.at(done, total)

        for path in original.files:
            target = _target(top, path, packed.get(path))
            target.parent.mkdir(parents=True, exist_ok=True)
            if there and path in packed and _linked(target, there / path[1:]):
                original.compare(path, at)
            else:
                original.copy(path, target, at)
            if path in packed:
                keep_digest(target, original.sums[path])
        (top / folder.BOOT_CODE).write_bytes(original.system_area()[: folder.BOOT_CODE_SIZE])
        (top / folder.VOLUME).write_text(json.dumps(asdict(original.volume), indent=1) + "\n")
        folder.write_state(top, {}, own=os.geteuid() == 0)
        step.says(f"{len(original.files)} files")


def _linked(target: Path, to: Path) -> bool:
    """Make a link, if the file system knows any: vfat, on most sticks, does not."""
    try:
        target.symlink_to(to)
    except OSError as error:
        if error.errno != errno.EPERM:
            raise
        return False
    return True


def _target(top: Path, path: str, part: Part | None) -> Path:
    if part:
        return top / part.packed
    if path in folder.LISTS:
        return top / folder.HIDDEN / path.rsplit("/", 1)[1]
    return top / folder.DISC / path[1:]


def open_trees(top: Path, parts: Collection[Part], reporter: Reporter) -> None:
    """Unpack parts of a disc that was laid into a folder, and keep what their trees are."""
    own = os.geteuid() == 0
    with reporter.step("trees", "to edit") as step:
        for part in parts:
            step.now(part.tree)
            open_tree(top, part, own=own)
        laid = folder.read(top)
        state = {part.name: trees.fingerprint(laid.items(part) or []) for part in parts}
        folder.write_state(top, {**laid.state, **state}, own=own)
        told = {**laid.about.get("recipe", {})}
        if told:
            told["disc"] = {**told["disc"], **{k: laid.about[k] for k in ("version", "builder")}}
            (top / folder.RECIPE).write_text(RECIPE_HEAD + as_toml(told))
        shutil.copyfile(TEXT, top / folder.README)
        step.says(", ".join(part.tree for part in parts))


RECIPE_HEAD = """\
# What the disc was made by. `./build.py build --from FOLDER` goes by [disc], [menu], [xen], [linux]
# and [layers]; what else stands here tells of the disc, and changing it is refused.

"""


def open_tree(top: Path, part: Part, *, own: bool) -> None:
    """Unpack a part of a disc to its place in the folder, with its table.

    Raises:
        BuildError: it is damaged, would do harm, or there is no room for it.
    """
    packed, tree = top / part.packed, top / part.tree
    tree.parent.mkdir(parents=True, exist_ok=True)
    if part.initrd:
        special = _open_initrd(packed, tree, own=own)
    else:
        found = squashed.listing(packed)
        refuse_no_room(top, sum(item.size for item in found))
        special = squashed.unpack(packed, tree, found, own=own)
    if special or not own:
        listed = top / folder.PERMISSIONS / f"{part.name}.txt"
        listed.parent.mkdir(exist_ok=True)
        listed.write_bytes(os.fsencode(table.as_text(special)))


def initrd_entries(packed: Path) -> list[cpio.Entry]:
    """Return what is in an initrd, checked to do no harm when it is laid out.

    Raises:
        BuildError: it is damaged, or has what none of ours has.
    """
    if packed.stat().st_size > INITRD_MAX:
        raise BuildError(f"{packed.name} is impossibly large", DAMAGED)
    try:
        entries = initramfs.entries(packed.read_bytes(), INITRD_MAX)
    except BuildError as error:
        raise BuildError(f"{packed.name}: {error.message}", DAMAGED) from error
    folders = {""}
    for entry in entries:
        names = entry.name.split("/")
        above = "/".join(names[:-1])
        whole = entry.name.isprintable() and "\ufffd" not in entry.name
        short = len(entry.name.encode()) <= PATH_MAX and len(names[-1].encode()) <= NAME_MAX
        if not whole or not short or {"", ".", ".."} & set(names):
            raise BuildError(f"{packed.name} has an impossible name: {entry.name[:80]!r}", DAMAGED)
        # Folders come first, as Linux wants them, and so nothing is laid out through a link.
        if stat.S_IFMT(entry.mode) not in _KINDS or above not in folders or not _fits(entry):
            what = f"{packed.name}: {entry.name[:80]!r} is of no kind we know, or in no folder"
            raise BuildError(what, DAMAGED)
        if entry.is_folder():
            folders.add(entry.name)
    return entries


def _fits(entry: cpio.Entry) -> bool:
    """Return whether a file of an initrd can be made, and made one of an initrd again."""
    if stat.S_ISLNK(entry.mode):
        return 0 < len(entry.data) < LINK_MAX and b"\0" not in entry.data
    return stat.S_IFMT(entry.mode) not in _NODES or table.is_device(entry.device)


def _open_initrd(packed: Path, tree: Path, *, own: bool) -> dict[str, Special]:
    entries = initrd_entries(packed)
    refuse_no_room(tree.parent, sum(len(entry.data) for entry in entries))
    tree.mkdir()
    special = {}
    for entry in entries:
        mode, path = stat.S_IMODE(entry.mode), tree / entry.name
        kind = stat.S_IFMT(entry.mode)
        if kind in _NODES:  # never made: dev/console would be the host's
            special[entry.name] = Special(kind, mode, 0, 0, entry.device)
            continue
        if kind == stat.S_IFLNK:
            path.symlink_to(os.fsdecode(entry.data))
            continue
        if entry.is_folder():
            path.mkdir()
        else:
            path.write_bytes(entry.data)
        path.chmod(mode if own else mode & 0o777 | (0o700 if entry.is_folder() else 0o600))
        if not own and not is_plain(entry.mode, 0, 0):
            special[entry.name] = Special(0, mode, 0, 0)
    return special


def refuse_no_room(
    where: Path, needed: int, what: str = "unpacking", hint: str = "name a folder on a larger disk"
) -> None:
    """Refuse to write `needed` bytes into a folder whose disk has not got them."""
    free = max(shutil.disk_usage(where).free - SPARE, 0)
    if needed > free:
        # Not the folder itself, which may be one that nobody has named, and is gone then.
        has = f"the disk at {room.disk_of(where)} has {free / 1e6:.0f}"
        raise BuildError(f"{what} needs {needed / 1e6:.0f} MB, and {has}", hint)

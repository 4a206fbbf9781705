"""Unpacks a layer by unsquashfs, after looking at what it would write."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO

from democd import layering
from democd.errors import BuildError
from democd.formats import squashfs
from democd.host.bounds import Bounds
from democd.host.run import run
from democd.recipe import Layers
from democd.remake import packing
from democd.remake.table import Special
from democd.remake.trees import Item, is_plain

PROGRAM = "unsquashfs"
PACKER = "mksquashfs"
"""The host's own: nothing of a disc is run."""

QUEUE = 16
"""MiB of each of unsquashfs's two queues; its default of 256 is more than a small dom0 has."""

INODES_MAX = 500_000
LINE_MAX = 300
"""Bytes of a line of a listing, on the average."""
MEMORY_MAX = 4 << 30
"""Bytes of data that unsquashfs may have; an image can make it ask for any amount."""
PATIENCE = 300
"""Seconds that it may take, and one more for every million bytes that it writes."""
PATH_MAX = 2048
DEPTH_MAX = 200
"""Bytes of a path in a layer, and folders one in another: what can be laid out and packed again."""
DAMAGED = "the disc was not made by democd, or is damaged: copy it again"

# drwxr-xr-x 0/0      321 2026-11-24 02:12 squashfs-root/etc
_LINE = re.compile(
    r"(?P<type>[-dlbcps])(?P<mode>[r-][w-][xsS-][r-][w-][xsS-][r-][w-][xtT-])"
    r" (?P<uid>\d+)/(?P<gid>\d+) +(?P<size>\d+(?:, *\d+)?) \S+ \S+ squashfs-root(?P<name>(?:/.*)?)"
)
_TYPES = {"-": stat.S_IFREG, "d": stat.S_IFDIR, "l": stat.S_IFLNK}


@dataclass(frozen=True)
class Listed:
    """A file of an image, as unsquashfs lists it; `mode` with its type, `size` in bytes."""

    name: str
    mode: int
    uid: int
    gid: int
    size: int


def listing(image: Path) -> list[Listed]:
    """Return what an image holds.

    Raises:
        BuildError: it is damaged, or holds what no layer of a disc does: device nodes, pipes.
    """
    with image.open("rb") as stream:
        try:
            head = squashfs.parse(stream.read(squashfs.SIZE))
        except ValueError as error:
            raise BuildError(f"{image.name} is {error}", DAMAGED) from error
    if head.used > image.stat().st_size or head.inodes > INODES_MAX:
        raise BuildError(f"{image.name} is cut short, or has impossible sizes", DAMAGED)
    found = [_listed(image, line) for line in _lines(image, head.inodes)]
    names = [item.name for item in found]
    if len(set(names)) != len(names):
        raise BuildError(f"{image.name} has two files of one name", DAMAGED)
    if not found or found[0].name or not stat.S_ISDIR(found[0].mode):
        raise BuildError(f"{image.name} is no tree of files", DAMAGED)
    return found[1:]  # the first is the tree itself


def _lines(image: Path, inodes: int) -> list[str]:
    # A file with several names has a line for each.
    said = _unsquashfs(image, ["-lln"], 0, (inodes + 1000) * LINE_MAX)
    return said.removesuffix("\n").split("\n")


def _unsquashfs(
    image: Path, words: Sequence[str | Path], size: int, printed: int, pattern: str = ""
) -> str:
    """Run the program on what a stranger may have made, within bounds, and return its output.

    Args:
        image: the squashfs.
        words: its options.
        size: bytes that it may write.
        printed: bytes that it may print.
        pattern: of the paths that it shall unpack, if not all.

    Raises:
        BuildError: it failed, or reached a bound.
    """
    argv = [PROGRAM, *words, image, *([pattern] if pattern else [])]
    bounds = Bounds(PATIENCE + size / 1e6, printed, data=MEMORY_MAX, written=size)
    try:
        return run(argv, bounds=bounds, errors="surrogateescape").stdout
    except BuildError as error:
        hint = f"{DAMAGED}\n{error.message}\n{error.hint}"
        raise BuildError(f"{image.name} cannot be unpacked", hint) from error


def _listed(image: Path, line: str) -> Listed:
    match = _LINE.fullmatch(line)
    if not match:
        raise BuildError(f"{image.name} has a file with an impossible name: {line[:80]!r}", DAMAGED)
    if match["type"] not in _TYPES:
        raise BuildError(f"{image.name} has a device node or a pipe: {match['name']!r}", DAMAGED)
    name = match["name"][1:]
    if match["type"] == "l":
        name = name.partition(" -> ")[0]
    names = name.split("/") if name else []
    if {".", "..", ""} & set(names) or len(names) > DEPTH_MAX or len(os.fsencode(name)) > PATH_MAX:
        raise BuildError(f"{image.name} has a file with an impossible name: {name[:80]!r}", DAMAGED)
    mode = _TYPES[match["type"]] | _bits(match["mode"])
    size = int(match["size"]) if match["type"] == "-" else 0
    return Listed(name, mode, int(match["uid"]), int(match["gid"]), size)


@cache
def _bits(letters: str) -> int:
    """Return the permissions that ls writes as `rwxr-sr-t`."""
    mode = sum(1 << (8 - at) for at, letter in enumerate(letters) if letter not in "-ST")
    for at, bit in ((2, stat.S_ISUID), (5, stat.S_ISGID), (8, stat.S_ISVTX)):
        mode |= bit if letters[at] in "sStT" else 0
    return mode


def superblock(image: Path) -> squashfs.Superblock:
    """Return what an image tells of itself; its listing was read before, so it is a squashfs."""
    with image.open("rb") as stream:
        return squashfs.parse(stream.read(squashfs.HEAD))


def unpack_some(image: Path, target: Path, found: Sequence[Listed], pattern: str) -> None:
    """Unpack what a pattern of paths names; their content alone counts.

    Args:
        image: the squashfs.
        target: the new folder.
        found: what `listing` returned.
        pattern: as the shell has them.
    """
    words: list[str | Path] = ["-no-xattrs", "-quiet", "-no-progress", "-dest", target]
    _unsquashfs(image, words, sum(item.size for item in found), LINE_MAX * LINE_MAX, pattern)


def unpack(image: Path, target: Path, found: Sequence[Listed], *, own: bool) -> dict[str, Special]:
    """Unpack an image.

    Args:
        image: the squashfs.
        target: the new folder.
        found: what `listing` returned.
        own: give the files their owners and modes, which only root can; else return them.

    Raises:
        BuildError: unsquashfs failed, or the image has what only root can keep.
    """
    with image.open("rb") as stream:
        xattrs = squashfs.parse(stream.read(squashfs.SIZE)).xattrs
    if xattrs and not own:
        what = f"{image.name} has programs with capabilities, which only root can unpack"
        raise BuildError(what, "run it as root")
    keep = ["-xattrs" if own else "-no-xattrs", "-quiet", "-no-progress"]
    queues = ["-data-queue", str(QUEUE), "-frag-queue", str(QUEUE)]
    size = sum(item.size for item in found)
    _unsquashfs(image, [*keep, *queues, "-dest", target], size, LINE_MAX * LINE_MAX)
    if own:
        return {}
    _open_up(target)
    return {
        item.name: Special(0, stat.S_IMODE(item.mode), item.uid, item.gid)
        for item in found
        if not is_plain(item.mode, item.uid, item.gid)
    }


def _open_up(top: Path) -> None:
    """Let the person read and edit what is theirs now, whatever mode it has on the disc."""
    for folder, folders, files in os.walk(top):
        for name in [".", *folders, *files]:
            path = Path(folder, name)
            if not path.is_symlink():
                mode = stat.S_IMODE(path.stat().st_mode)
                wanted = (mode & 0o777) | (0o700 if path.is_dir() else 0o600)
                if mode != wanted:
                    path.chmod(wanted)


def pack(items: Sequence[Item], settings: Layers, date: int, target: Path) -> None:
    """Make a squashfs of a tree; its files are as `packing.as_tar` has them."""

    def feed(stream: IO[bytes]) -> None:
        with layering.writer(stream) as archive:
            for member, content in packing.as_tar(items, date):
                layering.add(archive, member, content)

    layering.squash_with([PACKER], settings, date, target, feed)

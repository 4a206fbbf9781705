"""Paths of a system that lies in a folder: its links are followed as it would follow them itself.

An absolute link of a system below /mnt means a place below /mnt; and no link, however many `..` it
has, leads out of there. Whoever writes to another system must not be led to his own.
"""

from __future__ import annotations

import hashlib
import os
import stat

from xendemo.errors import Failure

MOST_LINKS = 40  # as Linux has it (path_resolution(7))
CHUNK = 1 << 20


def inside(root: str, path: str) -> str:
    """Return where a path of the system in `root` really lies; what is not there yet is kept.

    Raises:
        Failure: its links go in a circle.
    """
    top = root.rstrip("/")
    pending, done, links = path.split("/")[::-1], list[str](), 0
    while pending:
        part = pending.pop()
        if part in ("", "."):
            continue
        if part == "..":
            del done[-1:]
            continue
        place = "/".join([top, *done, part])
        if os.path.islink(place):
            links += 1
            if links > MOST_LINKS:
                raise Failure(f"{root}: the links at {path} go in a circle")
            target = os.readlink(place)
            if target.startswith("/"):
                done = []
            pending += target.split("/")[::-1]
        else:
            done.append(part)
    return "/".join([top, *done]) or "/"


def own_name(root: str, place: str) -> str:
    """Return what the system in `root` itself calls a place that `inside` has found."""
    return place[len(root.rstrip("/")) :] or "/"


def read(root: str, path: str) -> bytes | None:
    """Return the content of a regular file, or None if there is none."""
    place = inside(root, path)
    if not os.path.isfile(place):
        return None
    with open(place, "rb") as file:
        return file.read()


def text(root: str, path: str) -> str:
    """Return a file's text, "" if there is none; bytes that are no UTF-8 survive."""
    return (read(root, path) or b"").decode("utf-8", "surrogateescape")


def names(root: str, path: str) -> tuple[str, ...]:
    """Return the names in a folder, sorted; none if there is no folder."""
    place = inside(root, path)
    return tuple(sorted(os.listdir(place))) if os.path.isdir(place) else ()


def is_program(root: str, path: str) -> bool:
    """Return whether there is a file that may be executed."""
    place = inside(root, path)
    return os.path.isfile(place) and bool(os.stat(place).st_mode & 0o111)


def digest(place: str) -> str:
    """Return the SHA-256 of a file, "" if there is none."""
    if not os.path.isfile(place):
        return ""
    total = hashlib.sha256()
    with open(place, "rb") as file:
        while chunk := file.read(CHUNK):
            total.update(chunk)
    return total.hexdigest()


def files(folder: str) -> dict[str, int]:
    """Return all that lies below a folder but folders: relative path to size (of links -1)."""
    found = {}
    for where, _, inner in sorted(os.walk(folder)):
        for name in inner:
            place = os.path.join(where, name)
            status = os.lstat(place)
            regular = stat.S_ISREG(status.st_mode)
            found[os.path.relpath(place, folder)] = status.st_size if regular else -1
    # os.walk counts links to folders among the folders
    for where, folders, _ in os.walk(folder):
        for name in folders:
            place = os.path.join(where, name)
            if os.path.islink(place):
                found[os.path.relpath(place, folder)] = -1
    return dict(sorted(found.items()))


def mode(place: str) -> int:
    """Return the permissions of a file."""
    return stat.S_IMODE(os.stat(place).st_mode)


def exists(place: str) -> bool:
    """Return whether there is anything."""
    return os.path.lexists(place)
